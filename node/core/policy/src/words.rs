//! The closed sets of words a policy and its verdicts are written in.
//!
//! Read in any letter case, written in lower case. A set never shrinks and its
//! order never changes: records hold the position of a word.

use serde::{Deserialize, Serialize};

/// A closed set of words, for readers that take any of them.
pub(crate) trait Word: Copy + 'static {
    /// Every word, in order.
    const WORDS: &'static [Self];

    /// The word as it is written.
    fn text(self) -> &'static str;
}

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $word:ident = $text:literal,)+ })+) => {$(
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        pub enum $name {
            $($(#[$word_doc])* #[serde(rename = $text)] $word,)+
        }

        impl $name {
            /// Every word, in order.
            pub const ALL: &'static [Self] = &[$(Self::$word,)+];

            /// The word as it is written.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$word => $text,)+
                }
            }

            /// Reads the word in any letter case.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|word| word.as_str().eq_ignore_ascii_case(text))
            }
        }

        impl Word for $name {
            const WORDS: &'static [Self] = Self::ALL;

            fn text(self) -> &'static str {
                self.as_str()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    )+};
}

words! {
    /// How much is allowed without a rule; the loosest is the least.
    Mode {
        /// Allowed unless something forbids it.
        Permissive = "permissive",
        /// A permit is required.
        Strict = "strict",
        /// Everything is denied: for audits and tests.
        Paranoid = "paranoid",
    }

    /// What a term names.
    TermType {
        /// Who acts.
        Actor = "actor",
        /// What is done.
        Action = "action",
        /// A class of data that is touched.
        DataClass = "data_class",
        /// The thing acted upon.
        Resource = "resource",
        /// A member of the context.
        Context = "context",
        /// A named condition.
        Constraint = "constraint",
    }

    /// What a relation says about its source and target.
    RelationType {
        /// The actor may do the action.
        Permits = "permits",
        /// The actor may not.
        Forbids = "forbids",
        /// The conditions are obligations.
        Requires = "requires",
        /// The source is a kind of the target.
        Implies = "implies",
        /// One actor may not be allowed both actions.
        Conflicts = "conflicts",
    }

    /// What a constraint does when its condition holds.
    Effect {
        /// The request is denied.
        Deny = "deny",
        /// A human decides.
        Escalate = "escalate",
    }

    /// How a condition compares.
    Op {
        /// Equal.
        Eq = "eq",
        /// Of the same type and not equal.
        Ne = "ne",
        /// Equal to one of the list.
        In = "in",
        /// Of the type of each of the list and equal to none.
        NotIn = "not_in",
        /// Less.
        Lt = "lt",
        /// Less or equal.
        Lte = "lte",
        /// Greater.
        Gt = "gt",
        /// Greater or equal.
        Gte = "gte",
        /// Within two bounds, both included.
        Between = "between",
        /// A text that begins so.
        Prefix = "prefix",
        /// A text that ends so.
        Suffix = "suffix",
        /// A list with such an item.
        Contains = "contains",
        /// Whether the key is there.
        Exists = "exists",
        /// An address of the network.
        Cidr = "cidr",
        /// The whole text matches the regular expression.
        Matches = "matches",
    }

    /// What was decided.
    Verdict {
        /// May be done.
        Allowed = "allowed",
        /// May not be done.
        Denied = "denied",
        /// A human decides.
        Escalated = "escalated",
    }

    /// Which rule of the evaluation order decided.
    ReasonCode {
        /// A permit applies and nothing speaks against it.
        Permitted = "permitted",
        /// Nothing speaks against it, and the mode asks for no permit.
        PermissiveDefault = "permissive_default",
        /// The mode asks for a permit and none applies.
        NoPermit = "no_permit",
        /// A prohibition applies.
        Forbidden = "forbidden",
        /// The actor was allowed something that conflicts.
        Conflict = "conflict",
        /// A constraint denies, or the evaluation took too many steps.
        ConstraintDenied = "constraint_denied",
        /// An obligation is not met.
        ObligationUnmet = "obligation_unmet",
        /// The mode denies everything.
        Paranoid = "paranoid",
        /// An emergency stop is in force: said by the caller, who knows of it.
        EmergencyStop = "emergency_stop",
        /// The risk score asks for a human.
        RiskCritical = "risk_critical",
        /// A constraint asks for a human.
        ConstraintEscalated = "constraint_escalated",
    }
}

/// What the language meant when a decision was made. A meaning never changes:
/// a recorded decision is evaluated again by the engine it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Engine {
    /// A value of another type leaves a restriction unmet, so that it does not
    /// apply: `amount > 500` was escaped by sending `"501"`. A permit for a
    /// pattern covers the target of any `implies` under all of its names. A
    /// restriction on a pattern is escaped by asking for a term by its label.
    V1,
    /// A value that cannot be compared is to a restriction what a missing one
    /// is: it applies. A permit for a pattern covers a name that it matches, and
    /// what is a kind of something that has such a name. A restriction on a
    /// pattern covers every term it matches, whichever of its names is used.
    V2,
}

impl Engine {
    /// The newest.
    pub const NEWEST: Self = Self::V2;

    /// The number that decisions record.
    pub fn number(self) -> u32 {
        match self {
            Self::V1 => 1,
            Self::V2 => 2,
        }
    }

    /// The engine of a number that was recorded.
    pub fn from_number(number: u64) -> Option<Self> {
        match number {
            1 => Some(Self::V1),
            2 => Some(Self::V2),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_read_in_any_case_and_written_in_lower_case() {
        assert_eq!(Mode::parse("STRICT"), Some(Mode::Strict));
        assert_eq!(Op::parse("Not_In").map(Op::as_str), Some("not_in"));
        assert_eq!(Mode::parse("strictly"), None);
        assert_eq!(Mode::parse(" strict"), None);
    }

    #[test]
    fn modes_are_ordered_from_loose_to_tight() {
        assert!(Mode::Permissive < Mode::Strict && Mode::Strict < Mode::Paranoid);
    }

    #[test]
    fn a_word_in_a_record_reads_as_it_is_spoken() {
        for reason in ReasonCode::ALL {
            let text = serde_json::to_string(reason).unwrap();
            assert_eq!(text, format!("\"{reason}\""));
            assert_eq!(serde_json::from_str::<ReasonCode>(&text).unwrap(), *reason);
        }
    }
}
