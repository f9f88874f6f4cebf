//! How long records are kept, as this node is set: three numbers of days.
//!
//! They count once this node leads: then it tells the cluster, and what the cluster
//! was told last holds on every node. What is not set is left as it is.

use governance::command::RetentionDays;

use super::{ConfigError, Settings, bad};

/// Days that are set, if they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// The personal part, in every class.
    pub personal_days: Option<u32>,
    /// The data part of what is of high risk.
    pub high_risk_days: Option<u32>,
    /// The data part of everything else.
    pub days: Option<u32>,
}

impl Settings {
    /// Times below those that hold without a setting are refused: the law has them.
    pub(super) fn retention(&self) -> Result<Retention, ConfigError> {
        let of = |key: &'static str| match self.text(key) {
            Some(_) => self.parse(key, "a number of days").map(Some),
            None => Ok(None),
        };
        let found = Retention {
            personal_days: of("retention.personal_days")?,
            high_risk_days: of("retention.high_risk_days")?,
            days: of("retention.days")?,
        };
        let least = RetentionDays::DEFAULT;
        let days = RetentionDays {
            personal: found.personal_days.unwrap_or(least.personal),
            high_risk: found.high_risk_days.unwrap_or(least.high_risk),
            other: found.days.unwrap_or(least.other),
        };
        match days.fault() {
            None => Ok(found),
            Some("personal_days") => {
                Err(refused("retention.personal_days", days.personal, least.personal))
            }
            Some("high_risk_days") => {
                Err(refused("retention.high_risk_days", days.high_risk, least.high_risk))
            }
            Some(_) => Err(refused("retention.days", days.other, least.other)),
        }
    }
}

fn refused(key: &str, days: u32, least: u32) -> ConfigError {
    bad(key, &days.to_string(), &format!("{least} to 36500 days: less would be below the law"))
}
