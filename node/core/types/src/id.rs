//! Identifiers: one type per kind of thing, so a token id cannot be passed
//! where a decision id is meant.
//!
//! Shape of the textual ones: a prefix, then a ULID as 26 characters of
//! Crockford's base 32 (<https://github.com/ulid/spec>), upper case.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Position of an entry in the replicated Raft log.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct LogIndex(pub u64);

/// Place of an entry in the ledger: 0 is genesis, no gaps.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct EntryId(pub u64);

impl EntryId {
    /// Big-endian, so that keys sort as the ids do.
    pub fn key(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// What consensus calls a node. Given once by the cluster, never reused.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct RaftId(pub u64);

impl fmt::Display for RaftId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// 48 bits of milliseconds, then 80 bits that tell ids of one millisecond
/// apart. Shown as 26 Crockford characters, which sort as the number does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Ulid(pub u128);

impl Ulid {
    /// Joins the time part (milliseconds, 48 bits count) and the first 80 bits
    /// of `random`.
    pub fn from_parts(millis: u64, random: [u8; 10]) -> Self {
        let mut bytes = [0; 16];
        bytes[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
        bytes[6..].copy_from_slice(&random);
        Self(u128::from_be_bytes(bytes))
    }

    /// Big-endian, so that keys sort by time.
    pub fn key(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }
}

impl fmt::Display for Ulid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0_u8; 26];
        let mut rest = self.0;
        for place in text.iter_mut().rev() {
            *place = CROCKFORD[(rest & 31) as usize];
            rest >>= 5;
        }
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

/// Text that is not an id of the kind asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id of the form `{prefix}<26 characters of Crockford base 32>`")]
pub struct IdError {
    /// What such an id begins with.
    pub prefix: &'static str,
}

impl FromStr for Ulid {
    type Err = IdError;

    /// Strict: exactly 26 upper-case characters whose value fits 128 bits, so
    /// that every id has one spelling.
    fn from_str(text: &str) -> Result<Self, IdError> {
        const REFUSED: IdError = IdError { prefix: "" };
        if text.len() != 26 || !matches!(text.as_bytes().first(), Some(b'0'..=b'7')) {
            return Err(REFUSED);
        }
        let digits = text.bytes().map(|byte| CROCKFORD.iter().position(|known| *known == byte));
        let value = digits.collect::<Option<Vec<usize>>>().ok_or(REFUSED)?;
        Ok(Self(value.into_iter().fold(0, |sum, digit| sum << 5 | digit as u128)))
    }
}

macro_rules! prefixed {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        pub struct $name(pub Ulid);

        impl $name {
            /// What the text of such an id begins with.
            pub const PREFIX: &'static str = $prefix;
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}{}", $prefix, self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let refused = IdError { prefix: $prefix };
                let ulid = text.strip_prefix($prefix).ok_or(refused)?;
                ulid.parse().map(Self).map_err(|_| refused)
            }
        }
    )*};
}

prefixed! {
    /// A cluster: one ledger.
    ClusterId = "clu_";
    /// A recorded decision.
    DecisionId = "dec_";
    /// A public key of a node or signer.
    KeyId = "key_";
    /// A request id that the cluster made because the caller gave none.
    RequestUlid = "req_";
    /// A capability token.
    TokenId = "tok_";
    /// An assessment of the risk of a decision.
    RiskId = "rsk_";
    /// A question to a human about a decision.
    EscalationId = "esc_";
    /// A human's decision in the place of the policy's.
    OverrideId = "ovr_";
    /// A piece of evidence.
    ArtifactId = "evd_";
    /// A record of who is responsible.
    ResponsibilityId = "resp_";
    /// A recorded human intervention.
    InterventionId = "int_";
    /// An emergency stop.
    StopId = "stop_";
    /// A notice that is to be delivered.
    EffectId = "evt_";
    /// A person with an account.
    UserId = "user_";
    /// A key with which a program authenticates; never the secret.
    ApiKeyId = "apik_";
    /// A session of a user; never the credential, which begins with `sess_`.
    SessionId = "ses_";
    /// A governed AI system.
    SystemId = "sys_";
    /// A statement of a person about a control or duty.
    AttestationId = "att_";
    /// A legal hold.
    HoldId = "hold_";
    /// A serious incident of an AI system.
    IncidentId = "inc_";
    /// An audit export.
    ExportId = "exp_";
    /// A report on a framework.
    ReportId = "rpt_";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_as_it_was_written() {
        let id = DecisionId(Ulid::from_parts(0x0123_4567_89ab, [0xff; 10]));
        assert_eq!(id.to_string(), "dec_014D2PF2DBZZZZZZZZZZZZZZZZ");
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn another_prefix_or_spelling_is_refused() {
        for text in [
            "tok_014D2PF2DBZZZZZZZZZZZZZZZZ",
            "dec_014d2pf2dbzzzzzzzzzzzzzzzz",
            "dec_014D2PF2DBZZZZZZZZZZZZZZZ",
            "dec_814D2PF2DBZZZZZZZZZZZZZZZZ",
            "dec_014D2PF2DBZZZZZZZZZZZZZZZU",
            "dec_",
            "",
        ] {
            assert!(text.parse::<DecisionId>().is_err(), "{text}");
        }
    }
}
