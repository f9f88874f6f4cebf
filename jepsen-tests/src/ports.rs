//! Ports for one cluster, its own while the cluster lives.
//!
//! A node that was killed must come back on the same port, so a port the
//! kernel chose will not do: while its node is down, the kernel may give it to
//! an outgoing connection. Blocks therefore lie below the ephemeral range, and
//! a listener on the first port of a block keeps it from other test processes;
//! the kernel drops that listener with the process, however it dies.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use crate::failure::Failure;

const FIRST: u16 = 20_000;
const BLOCK: u16 = 20;
const BLOCKS: u16 = 500;

/// Consecutive ports on loopback.
#[derive(Debug)]
pub struct Ports {
    _guard: TcpListener,
    first: u16,
    given: u16,
}

impl Ports {
    /// A block in which every port is free now.
    ///
    /// # Errors
    /// [`Failure::Ports`] if there is none.
    pub fn take() -> Result<Self, Failure> {
        // Begun at a place of each process's own, so that two of them seldom
        // look at the same block.
        let start = u16::try_from(std::process::id() % u32::from(BLOCKS)).unwrap_or(0);
        (0..BLOCKS)
            .map(|at| FIRST + (start + at) % BLOCKS * BLOCK)
            .find_map(Self::try_block)
            .ok_or(Failure::Ports)
    }

    fn try_block(first: u16) -> Option<Self> {
        let guard = TcpListener::bind(loopback(first)).ok()?;
        let free = (1..BLOCK).all(|at| TcpListener::bind(loopback(first + at)).is_ok());
        free.then_some(Self { _guard: guard, first, given: 0 })
    }

    /// The next port of the block; none is given twice.
    ///
    /// # Errors
    /// [`Failure::Ports`] once the block is used up.
    pub fn next_address(&mut self) -> Result<SocketAddr, Failure> {
        self.given += 1;
        if self.given < BLOCK { Ok(loopback(self.first + self.given)) } else { Err(Failure::Ports) }
    }
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_blocks_share_no_port_and_none_is_given_twice() {
        let (mut one, mut two) = (Ports::take().unwrap(), Ports::take().unwrap());
        let mut given: Vec<SocketAddr> = Vec::new();
        for ports in [&mut one, &mut two] {
            given.extend(std::iter::from_fn(|| ports.next_address().ok()));
        }
        let count = given.len();
        given.sort_unstable();
        given.dedup();
        assert_eq!((given.len(), count), (38, 38));
    }
}
