//! Accounts: who has which, how they log in, who looked at what.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use ::ledger::EntryType;
use register::{Query, Standing, register};

use super::{CUT, NOT_COUNTED, by_people, of_period};
use crate::access::{AccountRole, PASSWORD_MAX, SESSION_IDLE, SESSION_MAX};
use crate::compliance::answer::Answer;
use crate::compliance::controls::Controls;
use crate::compliance::facts::{Facts, Span, Telling, Told};
use crate::outcome::Corruption;
use crate::store::Read;
use crate::view;
use types::{EntryId, Json};

const GIVEN_BY_PROVIDER: &str = "who let a provider make accounts, and approved the roles that it \
                                 gives, is not recorded";

/// A login that fails is counted, and the fifth locks: an entry that says so is
/// the rule at work.
pub(super) fn auth_failures(facts: &Facts<'_, impl Read>) -> Result<Answer, Corruption> {
    let failed = facts.span(&[EntryType::LoginFailed], &facts.period)?;
    let locked = facts.span(&[EntryType::AccountLocked], &facts.period)?;
    let succeeded = facts.span(&[EntryType::LoginSucceeded], &facts.period)?;
    Ok(of_period(Answer::any(failed.and(locked).and(succeeded)))
        .with("failed", failed.count)
        .with("locked", locked.count)
        .with("succeeded", succeeded.count))
}

/// An account as its entries have it.
#[derive(Clone, Copy, Debug)]
struct Account {
    made_by: EntryId,
    role: Option<AccountRole>,
    is_disabled: bool,
    has_mfa: bool,
    is_of_provider: bool,
    /// It cannot be used any more, and no entry is left that says since when.
    is_gone: bool,
}

impl Account {
    /// Whether it may change what others rely on.
    fn is_privileged(&self) -> bool {
        let is_role =
            matches!(self.role, Some(AccountRole::Admin | AccountRole::ComplianceOfficer));
        is_role && !self.is_disabled
    }

    /// Whether its provider is who would ask for a second factor.
    fn is_elsewhere(&self) -> bool {
        self.is_of_provider && !self.has_mfa
    }

    fn after(mut self, entry_type: EntryType, telling: &Telling) -> Self {
        if let Some(role) = telling.text("role").and_then(AccountRole::parse) {
            self.role = Some(role);
        }
        self.is_disabled |= entry_type == EntryType::UserDisabled;
        self.is_disabled &= entry_type != EntryType::UserEnabled;
        self.has_mfa |= entry_type == EntryType::MfaEnrolled;
        self.has_mfa &= entry_type != EntryType::MfaReset;
        self.is_of_provider |= entry_type == EntryType::OidcLinked;
        self
    }
}

/// Accounts up to the entry, and whether some entries of them were not read.
///
/// What says how an account stands is kept while it can be used; of one that
/// ended, the end may be erased and the beginning held.
fn accounts(facts: &Facts<'_, impl Read>) -> Result<(Vec<Account>, bool), Corruption> {
    const TYPES: [EntryType; 7] = [
        EntryType::UserCreated,
        EntryType::UserUpdated,
        EntryType::UserDisabled,
        EntryType::UserEnabled,
        EntryType::MfaEnrolled,
        EntryType::MfaReset,
        EntryType::OidcLinked,
    ];
    let mut changes: BTreeMap<EntryId, (EntryType, Telling)> = BTreeMap::new();
    let (mut is_cut, mut are_ends_erased) = (false, false);
    for entry_type in TYPES {
        let Told { entries, is_cut: cut, erased } = facts.told(entry_type, &facts.whole())?;
        is_cut |= cut;
        are_ends_erased |= entry_type == EntryType::UserDisabled && 0 < erased;
        changes.extend(entries.into_iter().map(|telling| (telling.id, (entry_type, telling))));
    }
    let mut accounts: BTreeMap<String, Account> = BTreeMap::new();
    for (id, (entry_type, telling)) in &changes {
        let user = telling.text("user_id").or_else(|| telling.text("actor"));
        let Some(user) = user else { continue };
        let fresh = Account {
            made_by: *id,
            role: None,
            is_disabled: false,
            has_mfa: false,
            is_of_provider: false,
            is_gone: are_ends_erased && !is_usable(facts.read, user)?,
        };
        let account = accounts.entry(user.to_owned()).or_insert(fresh);
        *account = account.after(*entry_type, telling);
    }
    Ok((accounts.into_values().collect(), is_cut))
}

/// Whether the account is one that can be used now.
fn is_usable(read: &impl Read, user: &str) -> Result<bool, Corruption> {
    let user = user.parse().ok().map(|user| view::user(read, user)).transpose()?;
    Ok(user.flatten().is_some_and(|user| !user.is_disabled))
}

pub(super) fn mfa_coverage(facts: &Facts<'_, impl Read>) -> Result<Answer, Corruption> {
    let (accounts, is_cut) = accounts(facts)?;
    let privileged = || accounts.iter().filter(|account| account.is_privileged());
    let gone = privileged().filter(|account| account.is_gone).count() as u64;
    let privileged = || privileged().filter(|account| !account.is_gone);
    let elsewhere = privileged().filter(|account| account.is_elsewhere()).count() as u64;
    let ours = || privileged().filter(|account| !account.is_elsewhere());
    let with = ours().filter(|account| account.has_mfa).count() as u64;
    let span = Span::of(ours().map(|account| account.made_by));
    let why = "whether a provider asks for a second factor is not recorded";
    Ok(Answer::all(span, with)
        .with("accounts", accounts.len() as u64)
        .with("privileged_by_provider", elsewhere)
        .open_if(0 < elsewhere, why)
        .open_if(0 < gone, "of accounts that ended, what says when is erased")
        .open_if(is_cut, CUT))
}

/// Entries of the period that made an account because a provider vouches for
/// somebody.
fn by_provider(facts: &Facts<'_, impl Read>) -> Result<Told, Corruption> {
    let mut told = facts.told(EntryType::OidcLinked, &facts.period)?;
    told.entries.retain(|telling| telling.data.get("created") == Some(&Json::Bool(true)));
    Ok(told)
}

pub(super) fn user_lifecycle(facts: &Facts<'_, impl Read>) -> Result<Answer, Corruption> {
    let types = [EntryType::UserCreated, EntryType::UserUpdated];
    let by_provider = by_provider(facts)?;
    let span = facts.span(&types, &facts.period)?;
    let unchecked = facts.unchecked(&types, &facts.period)?;
    let ended = facts.span(&[EntryType::UserDisabled], &facts.period)?;
    let all = span.and(by_provider.span());
    Ok(of_period(Answer::all(all, all.count.saturating_sub(unchecked)))
        .with("disabled", ended.count)
        .with("made_by_provider", by_provider.entries.len() as u64)
        .open_if(!by_provider.entries.is_empty(), GIVEN_BY_PROVIDER)
        .open_if(by_provider.is_cut, CUT)
        .open_if(!facts.is_counted(&facts.period), NOT_COUNTED)
        .gap("when a person left is known to whoever keeps the staff, and not recorded"))
}

/// Entries that give a privileged role.
fn grants(facts: &Facts<'_, impl Read>) -> Result<Told, Corruption> {
    let created = facts.told(EntryType::UserCreated, &facts.period)?;
    let mut told =
        created.and(facts.told(EntryType::UserUpdated, &facts.period)?).and(by_provider(facts)?);
    told.entries.retain(|telling| {
        let role = telling.text("role").and_then(AccountRole::parse);
        matches!(role, Some(AccountRole::Admin | AccountRole::ComplianceOfficer))
    });
    Ok(told)
}

/// Somebody else must have given it, whose identity was checked, and grants must
/// have been reviewed.
pub(super) fn privileged_grants(
    facts: &Facts<'_, impl Read>,
    controls: &Controls,
) -> Result<Answer, Corruption> {
    let grants = grants(facts)?;
    let is_of_provider = |telling: &&Telling| telling.text("provider").is_some();
    let by_provider = grants.entries.iter().filter(is_of_provider).count() as u64;
    let is_given = |telling: &&Telling| {
        let by = telling.text("by");
        is_of_provider(telling)
            || by.is_some()
                && by != telling.text("user_id")
                && telling.text("authn") != Some("none")
    };
    let given = grants.entries.iter().filter(is_given).count() as u64;
    let is_reviewed = reviewed(&facts.period, controls).any(|(_, is_valid)| is_valid);
    Ok(of_period(Answer::all(grants.span(), given))
        .with("given_by_provider", by_provider)
        .open_if(0 < by_provider, GIVEN_BY_PROVIDER)
        .open_if(!is_reviewed, "no review of grants is recorded in the period")
        .open_if(grants.is_cut, CUT))
}

/// Statements of the period about controls that ask for reviews of grants, and
/// whether somebody else's, of something that stands.
fn reviewed(period: &Range<u64>, controls: &Controls) -> impl Iterator<Item = (EntryId, bool)> {
    let asks = |framework: &str, id: &str| match register().control(framework, id) {
        Some(control) => control.queries.contains(&Query::AccessReviews),
        None => false,
    };
    let asking = controls.each().filter(move |(framework, id, _)| asks(framework, id));
    asking.flat_map(move |(_, _, brought)| {
        let standing: BTreeSet<_> = brought
            .artifacts
            .iter()
            .filter(|linked| linked.standing == Standing::Valid)
            .map(|linked| linked.artifact)
            .collect();
        let recent = brought.attestations.iter().filter(|one| period.contains(&one.entry_id.0));
        recent.map(move |one| {
            let is_valid = one.artifacts.iter().any(|id| standing.contains(id));
            (one.entry_id, is_valid && !one.is_over && one.is_checked && !one.is_own)
        })
    })
}

pub(super) fn reviews(
    facts: &Facts<'_, impl Read>,
    controls: &Controls,
) -> Result<Answer, Corruption> {
    let reviews: Vec<(EntryId, bool)> = reviewed(&facts.period, controls).collect();
    let valid = reviews.iter().filter(|(_, is_valid)| *is_valid).count() as u64;
    let span = Span::of(reviews.iter().map(|(id, _)| *id));
    Ok(of_period(Answer::counted(span.count, valid, 1).over(span))
        .with("told_by", "attestations of controls that ask for reviews of access"))
}

/// No session outlives its limits: whoever asks is refused then. That one ended
/// by time leaves no entry.
pub(super) fn session_controls(facts: &Facts<'_, impl Read>) -> Result<Answer, Corruption> {
    let begun = facts.span(&[EntryType::LoginSucceeded], &facts.period)?;
    let ended = facts.span(&[EntryType::SessionRevoked], &facts.period)?;
    let seconds = |micros: types::Micros| types::Timestamp(micros.0).seconds();
    Ok(of_period(Answer::any(begun))
        .with("idle_seconds_max", seconds(SESSION_IDLE))
        .with("password_seconds_max", seconds(PASSWORD_MAX))
        .with("revoked", ended.count)
        .with("session_seconds_max", seconds(SESSION_MAX))
        .gap("a session that ends by time leaves no entry"))
}

pub(super) fn log_access(facts: &Facts<'_, impl Read>) -> Result<Answer, Corruption> {
    let types = [EntryType::AuditExportRequested, EntryType::PersonalDataRead];
    Ok(by_people(facts, &types)?.gap("reads that show nothing personal leave no entry"))
}
