//! How long rows of the register want records kept, where they say so in words: a
//! ledger that keeps them less long shows no such row, however well it does that.
//!
//! Not here: HIPAA's six years, which are for documentation and not for entries,
//! and which the register itself says not to read otherwise; the AI Act's six
//! months, which are the least that can be set.

use types::{EntryId, Json};

use super::Subject;
use super::answer::QueryResult;
use super::query::KEPT_DAYS;

/// Framework, control and days.
const LEAST: [(&str, &str, u64); 3] = [
    // 12 months at hand and 18 more in storage.
    ("fedramp", "AU-11", 913),
    ("pci_dss", "10.5", 365),
    ("pci_dss", "10.5.1", 365),
];

/// The result of `retention_status` for a row that wants more than is set.
pub(super) fn too_short(
    subject: Subject,
    status: &QueryResult,
    as_of: EntryId,
) -> Option<QueryResult> {
    let is_it = |(framework, id, _): &&(&str, &str, u64)| {
        *framework == subject.framework() && *id == subject.id()
    };
    let (_, _, least) = LEAST.iter().find(is_it)?;
    let kept = status.parameters.as_object()?.get(KEPT_DAYS)?.as_u64()?;
    if *least <= kept {
        return None;
    }
    let gap = format!("entries are kept {kept} days, and here {least} are asked for");
    Some(status.lacking(as_of, ("days_least", Json::from(*least)), gap))
}

#[cfg(test)]
mod tests {
    use super::*;
    use register::Query;

    #[test]
    fn every_row_is_one_of_the_register_that_rests_on_retention() {
        for (framework, id, _) in LEAST {
            let control = register::register().control(framework, id);
            assert!(control.is_some_and(|it| it.queries.contains(&Query::RetentionStatus)), "{id}");
        }
    }
}
