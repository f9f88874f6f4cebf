//! What the organisation says it is, and which regulatory data a release has.
//!
//! Invariants
//! - A profile is said whole; the last one counts, and every one stays recorded.
//! - The version of the data that the ledger names only ever rises.

use ledger::EntryType;
use types::Json;

use crate::access;
use crate::apply::{Context, Stop};
use crate::command::{SetProfile, UpdateRegister};
use crate::idempotency;
use crate::keys;
use crate::outcome::{Outcome, Rejection};
use crate::record::{ProfileRecord, RegisterRecord};
use crate::store::{Store, Table};

/// What an organisation is to an AI system, in the words of the contract.
pub const ROLES: [&str; 5] =
    ["provider", "deployer", "importer", "distributor", "authorised_representative"];

/// How the law looks at an AI system, in the words of the contract.
pub const RISK_ROUTES: [&str; 5] =
    ["annex_i", "annex_iii", "transparency", "minimal", "prohibited"];

/// Frameworks that the service keeps account of.
pub const FRAMEWORKS: [&str; 12] = [
    "soc2",
    "iso27001",
    "gdpr",
    "hipaa",
    "pci_dss",
    "nist_csf",
    "fedramp",
    "cfr21_part11",
    "iso42001",
    "nist_ai_rmf",
    "dora",
    "nis2",
];

/// Jurisdictions of an organisation.
pub const JURISDICTIONS_MAX: usize = 100;

/// Characters of its name, and of the name of a jurisdiction.
pub const NAME_CHARS_MAX: usize = 512;

/// Characters of a reason.
pub const REASON_CHARS_MAX: usize = 10_000;

/// Characters of the version of regulatory data.
const VERSION_CHARS_MAX: usize = 64;

pub(crate) fn set<S: Store>(
    context: &mut Context<'_, S>,
    profile: &SetProfile,
) -> Result<Outcome, Stop> {
    access::need_level(context, access::EVIDENCE)?;
    if let Some(before) = idempotency::done(context)? {
        return Ok(before);
    }
    check(profile)?;
    let before: Option<ProfileRecord> = context.tables.record(Table::Profile, keys::ONLY)?;
    let version = before.map_or(1, |before| before.version.saturating_add(1));
    let mut data = context.asked();
    data.insert("frameworks", profile.frameworks.clone());
    data.insert("jurisdictions", profile.jurisdictions.clone());
    data.insert("organisation_name", profile.organisation_name.as_str());
    data.insert("reason", profile.reason.as_str());
    data.insert("risk_routes", profile.risk_routes.clone());
    data.insert("roles", profile.roles.clone());
    data.insert("version", version);
    let recorded = context.record(EntryType::ProfileUpdated, data)?;
    let record = ProfileRecord { entry_id: recorded.entry_id, version };
    context.tables.put_record(Table::Profile, keys::ONLY, &record)?;
    idempotency::keep(context, recorded.entry_id)?;
    Ok(Outcome::Recorded(recorded))
}

/// Everything must be of the contract, since a node of another release may have
/// asked.
fn check(profile: &SetProfile) -> Result<(), Rejection> {
    let is_short =
        |text: &str, chars_max: usize| !text.trim().is_empty() && text.chars().count() <= chars_max;
    let are_known = |given: &[String], known: &[&str]| {
        given.iter().enumerate().all(|(at, word)| {
            known.contains(&word.as_str()) && !given.iter().take(at).any(|other| other == word)
        })
    };
    let jurisdictions = &profile.jurisdictions;
    for (member, holds) in [
        ("organisation_name", is_short(&profile.organisation_name, NAME_CHARS_MAX)),
        ("reason", is_short(&profile.reason, REASON_CHARS_MAX)),
        ("roles", !profile.roles.is_empty() && are_known(&profile.roles, &ROLES)),
        (
            "risk_routes",
            !profile.risk_routes.is_empty() && are_known(&profile.risk_routes, &RISK_ROUTES),
        ),
        ("frameworks", are_known(&profile.frameworks, &FRAMEWORKS)),
        (
            "jurisdictions",
            jurisdictions.len() <= JURISDICTIONS_MAX
                && jurisdictions.iter().all(|name| is_short(name, NAME_CHARS_MAX)),
        ),
    ] {
        if !holds {
            return Err(Rejection::OutOfBounds { member });
        }
    }
    Ok(())
}

/// Names newer regulatory data. Nodes of one release propose the same, so all
/// but the first are told that it is recorded.
pub(crate) fn update_register<S: Store>(
    context: &mut Context<'_, S>,
    update: &UpdateRegister,
) -> Result<Outcome, Stop> {
    access::need_level(context, access::EVIDENCE)?;
    let before: Option<RegisterRecord> = context.tables.record(Table::Register, keys::ONLY)?;
    if update.version.is_empty() || VERSION_CHARS_MAX < update.version.len() {
        return Err(Rejection::OutOfBounds { member: "version" }.into());
    }
    if before.as_ref().is_some_and(|before| update.version <= before.version) {
        return Err(Rejection::AlreadyRecorded.into());
    }
    let mut data = context.asked();
    let previous = before.map_or(Json::Null, |before| before.version.into());
    data.insert("previous_version", previous);
    data.insert("register_digest", update.digest.to_string());
    data.insert("register_version", update.version.as_str());
    let recorded = context.record(EntryType::RegisterUpdated, data)?;
    let (version, digest) = (update.version.clone(), update.digest);
    let record = RegisterRecord { entry_id: recorded.entry_id, version, digest };
    context.tables.put_record(Table::Register, keys::ONLY, &record)?;
    Ok(Outcome::Recorded(recorded))
}
