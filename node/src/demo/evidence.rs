//! What the demo shows of duties and controls: how many come to which status,
//! counted from the ledger it has just written.
//!
//! An organisation that uses systems of high risk is said once, since what binds
//! whom depends on it; a ledger in which somebody said another keeps it.

use client::Client;
use client::compliance::{ByStatus, NewProfile};

use super::{DemoError, say};

/// Statuses, in the order of the contract, as they are shown.
const STATUSES: [(&str, &str); 5] = [
    ("evidence_sufficient", "with sufficient evidence"),
    ("partial", "in part"),
    ("needs_human_evidence", "want people's evidence"),
    ("insufficient", "not shown"),
    ("not_applicable", "not applicable"),
];

/// Says what the organisation is, unless somebody did.
pub(super) async fn say_who(client: &Client) -> Result<(), DemoError> {
    let known = client.profile(None).await;
    let known = known.map_err(|err| DemoError::new("cannot read the profile", &err))?.value;
    if known.ledger_entry_id.is_some() {
        return Ok(());
    }
    let profile = NewProfile {
        organisation_name: "Demo".to_owned(),
        roles: vec!["deployer".to_owned()],
        risk_routes: vec!["annex_iii".to_owned()],
        reason: "the demo".to_owned(),
        ..NewProfile::default()
    };
    let set = client.profile_set(&profile).await;
    set.map_err(|err| DemoError::new("cannot say what the organisation is", &err))?;
    say("The organisation is a deployer of AI systems of high risk");
    Ok(())
}

/// Shows the counts.
pub(super) async fn show(client: &Client) -> Result<(), DemoError> {
    let counts = client.compliance_statistics(None).await;
    let counts = counts.map_err(|err| DemoError::new("cannot count the statuses", &err))?.value;
    say(&format!("\nWhat does that show an auditor, as of entry {}?", counts.as_of_index));
    let frameworks = counts.frameworks_tracked;
    say(&format!("  of {} controls of {frameworks} frameworks:", counts.total_controls));
    say(&format!("    {}", in_words(&counts.by_status)));
    say("  of the duties of the EU AI Act:");
    say(&format!("    {}", in_words(&counts.obligations.by_status)));
    Ok(())
}

fn in_words(counts: &ByStatus) -> String {
    let of = |(status, words): &(&str, &str)| {
        format!("{} {words}", counts.get(*status).copied().unwrap_or_default())
    };
    STATUSES.iter().map(of).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_is_told_and_those_of_nobody_as_none() {
        let counts = [("partial".to_owned(), 2), ("insufficient".to_owned(), 40)];
        let expect = "0 with sufficient evidence, 2 in part, 0 want people's evidence, 40 not \
                      shown, 0 not applicable";
        assert_eq!(in_words(&counts.into_iter().collect()), expect);
    }
}
