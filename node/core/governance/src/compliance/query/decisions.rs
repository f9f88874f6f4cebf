//! Decisions, and the tokens that come of them.

use super::{NOT_COUNTED, of_period};
use crate::compliance::answer::Answer;
use crate::compliance::counted;
use crate::compliance::facts::{Facts, Span};
use crate::decision;
use crate::outcome::Corruption;
use crate::store::Read;
use ::ledger::EntryType;
use policy::Verdict;

/// Decisions that are judged again.
const REPLAYED: u64 = 16;

const OUTSIDE: &str = "calls that never reached the service leave no entry: no counter of a \
                       gateway is recorded to compare with";

fn made(facts: &Facts<'_, impl Read>) -> Result<Span, Corruption> {
    facts.span(&[EntryType::Decision], &facts.period)
}

pub(super) fn in_window(facts: &Facts<'_, impl Read>) -> Result<Answer, Corruption> {
    Ok(of_period(Answer::any(made(facts)?)).gap(OUTSIDE))
}

/// Whatever an entry of a decision says, it says why and by which policy.
pub(super) fn denied(facts: &Facts<'_, impl Read>) -> Result<Answer, Corruption> {
    let denied = facts.tallied(counted::outcome(Verdict::Denied), &facts.period)?;
    let escalated = facts.tallied(counted::outcome(Verdict::Escalated), &facts.period)?;
    Ok(of_period(Answer::any(denied.and(escalated)))
        .with("denied", denied.count)
        .with("escalated", escalated.count)
        .open_if(!facts.is_counted(&facts.period), NOT_COUNTED))
}

pub(super) fn by_subject(facts: &Facts<'_, impl Read>) -> Result<Answer, Corruption> {
    let personal = facts.tally(counted::PERSONAL, &facts.period)?;
    Ok(of_period(Answer::any(made(facts)?))
        .with("personal_data", personal)
        .gap("each decision names its actor; a data subject other than the actor is not recorded")
        .open_if(0 < personal, "entries that touch personal data name no data subject")
        .open_if(!facts.is_counted(&facts.period), NOT_COUNTED))
}

/// The newest decisions under the policy of the last of them, judged again from
/// what was recorded of them.
pub(super) fn explanation(facts: &Facts<'_, impl Read>) -> Result<Answer, Corruption> {
    let newest = facts.newest(EntryType::Decision, &facts.period, REPLAYED)?;
    let ids = newest.entries.iter().rev().filter_map(|telling| telling.text("decision_id"));
    let replayed = decision::replay_alike(facts.read, ids.filter_map(|id| id.parse().ok()))?;
    let answer = Answer::counted(replayed.judged, replayed.identical, replayed.judged);
    let answer = of_period(answer.over(newest.span()))
        .with("policy_version", replayed.policy_version)
        .with("sample", REPLAYED);
    Ok(match replayed.left_out.saturating_add(newest.erased) {
        0 => answer,
        left_out => answer.gap(format!(
            "{left_out} of the sample are under another policy, or erased, and were not judged"
        )),
    })
}

/// A decision grants a token only where it allows, and one that is issued later
/// names the decision it rests on.
pub(super) fn tokens_issued(facts: &Facts<'_, impl Read>) -> Result<Answer, Corruption> {
    let allowed = facts.tallied(counted::outcome(Verdict::Allowed), &facts.period)?;
    let later = facts.span(&[EntryType::TokenIssued], &facts.period)?;
    Ok(of_period(Answer::any(allowed.and(later)))
        .with("with_a_decision", allowed.count)
        .with("issued_later", later.count)
        .open_if(!facts.is_counted(&facts.period), NOT_COUNTED))
}

pub(super) fn tokens_revoked(facts: &Facts<'_, impl Read>) -> Result<Answer, Corruption> {
    let revoked = facts.span(&[EntryType::TokenRevoked], &facts.period)?;
    Ok(of_period(Answer::any(revoked))
        .open("whether a token was taken after its end is not recorded: uses leave no entry"))
}

pub(super) fn token_scope(facts: &Facts<'_, impl Read>) -> Result<Answer, Corruption> {
    let issued = facts.span(&[EntryType::TokenIssued], &facts.period)?;
    Ok(of_period(Answer::any(issued))
        .open("what a token was used for is not recorded, so nothing is left to compare"))
}

/// Figures of this system are sums over entries of which none is left out.
pub(super) fn metrics(facts: &Facts<'_, impl Read>) -> Result<Answer, Corruption> {
    let mut answer = of_period(Answer::any(made(facts)?));
    for verdict in [Verdict::Allowed, Verdict::Denied, Verdict::Escalated] {
        let count = facts.tally(counted::outcome(verdict), &facts.period)?;
        answer = answer.with(verdict.as_str(), count);
    }
    Ok(answer.open_if(!facts.is_counted(&facts.period), NOT_COUNTED))
}
