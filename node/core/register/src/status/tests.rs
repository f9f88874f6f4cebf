//! The status model, rule by rule.
