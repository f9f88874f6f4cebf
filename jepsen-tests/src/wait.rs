//! Waiting for a condition, never for a time: each wait has a deadline and,
//! when that passes, says what it last saw.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::failure::Failure;

/// Between two looks. Short beside every timeout of the product.
const PAUSE: Duration = Duration::from_millis(25);

/// Looks until `probe` gives a value, for at most `patience`. The error of a
/// probe says what is still missing.
///
/// # Errors
/// [`Failure::TooLate`] with the last thing seen.
pub async fn until<T>(
    what: &str,
    patience: Duration,
    mut probe: impl AsyncFnMut() -> Result<T, String>,
) -> Result<T, Failure> {
    let deadline = Instant::now() + patience;
    loop {
        let last = match probe().await {
            Ok(value) => return Ok(value),
            Err(missing) => missing,
        };
        if deadline <= Instant::now() {
            return Err(Failure::TooLate { what: what.to_owned(), patience, last });
        }
        sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_wait_ends_with_the_value_or_with_what_was_missing() {
        let mut looks = 0;
        let found = until("three looks", Duration::from_secs(10), async || {
            looks += 1;
            if looks < 3 { Err(format!("{looks} looks")) } else { Ok(looks) }
        });
        assert_eq!(found.await.unwrap(), 3);

        let never: Result<(), Failure> =
            until("never", Duration::ZERO, async || Err("nothing".to_owned())).await;
        assert_eq!(never.unwrap_err().to_string(), "waited 0ns for never; last seen: nothing");
    }
}
