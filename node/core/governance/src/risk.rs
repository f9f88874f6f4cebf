//! Risk as a number: integer arithmetic over six weighted dimensions. Keeping
//! what was found is the part of `risk/assess.rs`.

mod assess;

use types::{Json, Object};

use crate::command::RiskInput;

pub(crate) use assess::{assess, forget, keep, of_decision};

/// From this score on a human must approve.
pub const CRITICAL: u32 = 80;

/// What risk a request brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Score {
    /// 1..=100.
    pub score: u32,
    /// What it was computed from.
    pub basis: Basis,
}

/// What a score was computed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// The dimensions given.
    Dimensions,
    /// The level, 20 points each.
    Level,
    /// Nothing was given.
    None,
}

impl Basis {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dimensions => "dimensions",
            Self::Level => "level",
            Self::None => "none",
        }
    }
}

impl Score {
    /// The score of a request; given both ways, the higher counts.
    pub fn of(risk: Option<&RiskInput>, level: Option<u8>) -> Self {
        let by_dimensions =
            risk.map(|risk| Self { score: overall(risk), basis: Basis::Dimensions });
        let by_level = level.map(|level| Self {
            score: u32::from(level).saturating_mul(20).clamp(1, 100),
            basis: Basis::Level,
        });
        match (by_dimensions, by_level) {
            (Some(dimensions), Some(level)) if dimensions.score < level.score => level,
            (Some(dimensions), _) => dimensions,
            (None, Some(level)) => level,
            (None, None) => Self { score: 1, basis: Basis::None },
        }
    }

    /// `low`, `medium`, `high` or `critical`.
    pub fn level(self) -> &'static str {
        level(self.score)
    }

    /// The score in a byte.
    pub(crate) fn byte(self) -> u8 {
        u8::try_from(self.score).unwrap_or(u8::MAX)
    }

    /// `{score, level, basis}`.
    pub fn to_json(self) -> Json {
        Json::object([
            ("score", self.score.into()),
            ("level", self.level().into()),
            ("basis", self.basis.as_str().into()),
        ])
    }
}

/// What a score is called.
pub fn level(score: u32) -> &'static str {
    match score {
        CRITICAL.. => "critical",
        60.. => "high",
        30.. => "medium",
        0.. => "low",
    }
}

/// Dimensions by name with their weights in percent.
pub fn weighted(risk: &RiskInput) -> [(&'static str, u32, Option<u8>); 6] {
    [
        ("security", 25, risk.security),
        ("privacy", 20, risk.privacy),
        ("compliance", 20, risk.compliance),
        ("operational", 15, risk.operational),
        ("reputational", 10, risk.reputational),
        ("financial", 10, risk.financial),
    ]
}

/// The weighted mean of what was given, rounded down, within 1..=100.
fn overall(risk: &RiskInput) -> u32 {
    let given = weighted(risk).into_iter().filter_map(|(_, weight, value)| Some((weight, value?)));
    let (sum, weights) = given.fold((0_u32, 0_u32), |(sum, weights), (weight, value)| {
        let part = weight.saturating_mul(u32::from(value));
        (sum.saturating_add(part), weights.saturating_add(weight))
    });
    sum.checked_div(weights).unwrap_or(1).clamp(1, 100)
}

/// The six dimensions as entries show them, `null` where not given.
pub(crate) fn input_json(risk: &RiskInput) -> Json {
    Json::object(weighted(risk).map(|(name, _, value)| (name, value.map(u32::from).into())))
}

/// Reads back what [`input_json`] made.
pub(crate) fn input(risk: &Object) -> RiskInput {
    let given = |name| risk.get(name).and_then(Json::as_u64).and_then(|n| u8::try_from(n).ok());
    RiskInput {
        security: given("security"),
        privacy: given("privacy"),
        compliance: given("compliance"),
        operational: given("operational"),
        reputational: given("reputational"),
        financial: given("financial"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(risk: RiskInput, score: u32, level: &str) {
        let got = Score::of(Some(&risk), None);
        assert_eq!((got.score, got.level()), (score, level));
    }

    #[test]
    fn scores_are_weighted_means_rounded_down() {
        let none = RiskInput::default();
        let three =
            RiskInput { security: Some(85), privacy: Some(70), compliance: Some(60), ..none };
        check(three, 72, "high");
        check(RiskInput { security: Some(90), ..none }, 90, "critical");
        check(RiskInput { security: Some(40), privacy: Some(65), ..none }, 51, "medium");
        check(RiskInput { financial: Some(0), ..none }, 1, "low");
        check(none, 1, "low");
    }

    #[test]
    fn of_two_scores_the_higher_counts() {
        let risk = RiskInput { security: Some(50), ..RiskInput::default() };
        let of = |level| Score::of(Some(&risk), Some(level));
        assert_eq!(of(2), Score { score: 50, basis: Basis::Dimensions });
        assert_eq!(of(3), Score { score: 60, basis: Basis::Level });
        assert_eq!(Score::of(None, None), Score { score: 1, basis: Basis::None });
    }
}
