//! Rights, by what a principal has.

use super::*;

#[test]
fn an_actor_is_covered_up_to_the_end_of_a_segment() {
    for (prefix, actor, expect) in [
        ("ai_agent:claims", "ai_agent:claims", true),
        ("ai_agent:claims", "ai_agent:claims:triage", true),
        ("ai_agent:claims", "ai_agent:claims_other", false),
        ("ai_agent:", "ai_agent:claims", true),
        ("ai_agent:", "ai_agent", false),
        ("*", "anybody", true),
        ("ai*", "ai_agent", false),
    ] {
        let actors = Actors::Prefixes(vec![prefix.to_owned()]);
        assert_eq!(actors.cover(actor), expect, "{prefix} {actor}");
    }
}

#[test]
fn roles_grant_what_the_contract_says() {
    let granted = |role: AccountRole| {
        role.permissions().iter().map(Permission::as_str).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(granted(AccountRole::Viewer), "view_dashboard");
    assert_eq!(
        granted(AccountRole::Auditor),
        "view_dashboard view_audit_logs request_audit_packet"
    );
    assert_eq!(
        granted(AccountRole::ComplianceOfficer),
        "view_dashboard view_audit_logs request_audit_packet approve_audit_packet export_data \
         manage_policies"
    );
    assert_eq!(AccountRole::Admin.permissions(), Permissions::all());
}

#[test]
fn who_must_enroll_first_may_do_nothing_but_that() {
    let restricted = Authority { restriction: Some(Restriction::MfaRequired), ..Authority::open() };
    assert_eq!(restricted.permits(Right::Own, None), Ok(()));
    assert_eq!(restricted.permits(Right::Any, None), Err(Denied::MfaRequired));
    assert_eq!(restricted.permits(Right::Operator, None), Err(Denied::MfaRequired));
}

#[test]
fn an_administrator_oversees_nothing_by_that() {
    let admin = Authority { oversight: Vec::new(), ..Authority::open() };
    assert_eq!(admin.permits(Right::OversightRole, None), Err(Denied::NotAuthorised));
    assert_eq!(admin.permits(Right::Operator, None), Ok(()));
}
