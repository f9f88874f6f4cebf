//! Exports: who may have one, which node builds it, and that what it shows never
//! changes but by an erasure.

mod shown;

use crate::people::{key, new_key, of_key, person, socket};
use crate::support::{Machine, SECOND, cosign, data, decided, erase, id, named, node_with_keys};
use crate::support::{recorded, refused};
use governance::access::{AccountRole, Permission};
use governance::command::{
    AnswerExport, BuiltExport, ClaimExport, Command, CompleteExport, ErasedPart, ExportAnswer,
    FailExport, Principal, RegisterNode, RequestExport,
};
use governance::export::{self, ExportFormat, ExportQuery, Scope};
use governance::record::{ExportRecord, ExportStatus};
use governance::{Direction, Outcome, Rejection, deadline, view};
use ledger::EntryType;
use types::{Digest, EntryId, ExportId, Json, RaftId, Timestamp};

const MINUTE: u64 = 60 * SECOND;

fn asking() -> RequestExport {
    RequestExport {
        scope: Scope::All,
        format: ExportFormat::Json,
        from: None,
        to: None,
        ledger_size: None,
        purpose: Some("annual audit".to_owned()),
    }
}

fn request() -> Command {
    Command::RequestExport(Box::new(asking()))
}

fn answer(export: ExportId, answer: ExportAnswer) -> Command {
    let notes = Some("seen".to_owned());
    Command::AnswerExport(Box::new(AnswerExport { export, answer, notes }))
}

fn approve(export: ExportId) -> Command {
    answer(export, ExportAnswer::Approve)
}

fn claim(export: ExportId) -> Command {
    gets_on(export, 0)
}

fn gets_on(export: ExportId, worked: u64) -> Command {
    Command::ClaimExport(ClaimExport { export, worked, percent: 100 })
}

fn complete(export: ExportId, checkpoint_size: u64, run: Option<EntryId>) -> Command {
    let built = BuiltExport {
        record_count: 3,
        size_bytes: 700,
        sha256: Digest([9; 32]),
        checkpoint_size,
        erasures_through: run,
        form: 1,
    };
    Command::CompleteExport(Box::new(CompleteExport { export, built }))
}

fn fail(export: ExportId) -> Command {
    let error = "the disk is full".to_owned();
    Command::FailExport(Box::new(FailExport { export, error }))
}

/// Asks for an export, and says which that made.
#[track_caller]
fn requested(machine: &mut Machine, at: u64, who: Principal) -> ExportId {
    let entry = recorded(machine.run_for(who, at, request()));
    id(&data(machine, entry), "export_id")
}

fn found(machine: &Machine, id: ExportId) -> ExportRecord {
    export::export(&machine.store, id).unwrap().unwrap()
}

fn status(machine: &Machine, id: ExportId) -> ExportStatus {
    found(machine, id).status
}

/// Two more voters beside the founder.
fn three() -> Machine {
    let mut machine = Machine::founded_with_keys();
    let mut voters = vec![RaftId(1)];
    for name in ["n2", "n3"] {
        let register =
            RegisterNode { node: node_with_keys(name), nonce: name.to_owned(), lost_bearer: None };
        match machine.run(10, Command::RegisterNode(register)) {
            Outcome::NodeRegistered(registered) => voters.push(registered.raft_id),
            other => panic!("not registered: {other:?}"),
        }
    }
    let next = machine.index.0 + 1;
    machine.members(next, &[voters], &[]);
    machine
}

/// A final checkpoint over all there is; its size.
fn sealed(machine: &mut Machine, at: u64, signers: &[&str]) -> u64 {
    let Outcome::Sealed(sealed) = machine.run(at, Command::Checkpoint) else {
        panic!("not sealed")
    };
    for name in signers {
        let command = cosign(&machine.origin(), sealed.place, &sealed.claim, name);
        let outcome = machine.run(at, command);
        assert!(matches!(outcome, Outcome::Cosigned(_)), "{outcome:?}");
    }
    sealed.claim.size
}

fn tick(machine: &mut Machine, at: u64) {
    assert_eq!(machine.run(at, Command::Tick), Outcome::Ticked);
}

#[test]
fn whoever_may_take_exports_away_is_served_at_once() {
    let mut machine = Machine::founded();
    decided(&mut machine, 100, "ai:a");
    let size = view::head(&machine.store).unwrap().size();
    let entry = recorded(machine.run_as("act_human_user:maria", 200, request()));
    let data = data(&machine, entry);
    assert_eq!(data.get("status").and_then(Json::as_str), Some("pending"));
    assert_eq!(data.get("ledger_size").and_then(Json::as_u64), Some(size));
    assert_eq!(data.get("by").and_then(Json::as_str), Some("act_human_user:maria"));
    let id: ExportId = id(&data, "export_id");
    let record = found(&machine, id);
    assert_eq!(record.status, ExportStatus::Pending);
    assert_eq!(record.node.as_deref(), Some("n1"), "the node asked builds");
    let entry = view::entry(&machine.store, entry).unwrap().unwrap();
    assert_eq!(entry.header.entry_type, EntryType::AuditExportRequested);
    assert_eq!(entry.personal.unwrap().text, r#"{"purpose":"annual audit"}"#);
    let why = refused(machine.run_as("act_human_user:leo", 300, approve(id)));
    assert_eq!(why, Rejection::ExportAnswered);
}

#[test]
fn a_size_beyond_the_head_or_of_nothing_is_refused() {
    let mut machine = Machine::founded();
    let size = view::head(&machine.store).unwrap().size();
    for (pinned, is_taken) in [(0, false), (1, true), (size, true), (size + 5, false)] {
        let asking = RequestExport { ledger_size: Some(pinned), ..asking() };
        let outcome = machine.run(100, Command::RequestExport(Box::new(asking)));
        if is_taken {
            recorded(outcome);
        } else {
            assert_eq!(refused(outcome), Rejection::OutOfBounds { member: "ledger_size" });
        }
    }
}

#[test]
fn nobody_takes_all_of_the_room_from_the_others() {
    let mut machine = Machine::founded();
    let [ann, ben, cat] = ["ann", "ben", "cat"]
        .map(|name| person(&mut machine, 10, name, (AccountRole::Auditor, &[])));
    for _ in 0..500 {
        requested(&mut machine, 20, ann.clone());
    }
    let why = refused(machine.run_for(ann, 30, request()));
    assert_eq!(why, Rejection::TooMany { things: "exports of one person waiting", there: 20 });
    for _ in 0..20 {
        requested(&mut machine, 40, ben.clone());
    }
    let why = refused(machine.run_for(ben, 50, request()));
    assert_eq!(why, Rejection::TooMany { things: "exports of one person waiting", there: 20 });
    requested(&mut machine, 60, cat);
}

#[test]
fn the_same_key_is_the_same_export() {
    let mut machine = Machine::founded();
    let first = recorded(machine.run_keyed(100, request(), "k", 1));
    assert_eq!(machine.run_keyed(200, request(), "k", 1), Outcome::Replayed(first));
    let other = refused(machine.run_keyed(200, request(), "k", 2));
    assert_eq!(other.code(), "idempotency_conflict");
}

#[test]
fn whoever_may_only_ask_waits_for_another_person() {
    let mut machine = Machine::founded();
    let admin = person(&mut machine, 100, "founder", (AccountRole::Admin, &[]));
    let auditor = person(&mut machine, 100, "ann", (AccountRole::Auditor, &[]));
    let viewer = person(&mut machine, 100, "vic", (AccountRole::Viewer, &[]));
    assert_eq!(refused(machine.run_for(viewer, 200, request())).code(), "permission_denied");
    let one = requested(&mut machine, 200, auditor.clone());
    assert_eq!(status(&machine, one), ExportStatus::AwaitingApproval);
    assert_eq!(refused(machine.run_by("n1", 200, claim(one))), Rejection::AlreadyRecorded);
    let denied = refused(machine.run_for(auditor, 200, approve(one)));
    assert_eq!(denied.code(), "permission_denied");
    let entry = recorded(machine.run_for(admin.clone(), 300, approve(one)));
    assert_eq!(data(&machine, entry).get("notes").and_then(Json::as_str), Some("seen"));
    assert_eq!(status(&machine, one), ExportStatus::Pending);
    assert_eq!(refused(machine.run_for(admin, 300, approve(one))), Rejection::ExportAnswered);
}

#[test]
fn a_request_that_is_rejected_has_failed() {
    let mut machine = Machine::founded();
    let admin = person(&mut machine, 100, "founder", (AccountRole::Admin, &[]));
    let auditor = person(&mut machine, 100, "ann", (AccountRole::Auditor, &[]));
    let id = requested(&mut machine, 200, auditor);
    let entry = recorded(machine.run_for(admin, 300, answer(id, ExportAnswer::Reject)));
    let record = found(&machine, id);
    assert_eq!(record.status, ExportStatus::Failed);
    assert_eq!(record.failed, Some(("the request was rejected".to_owned(), entry)));
}

#[test]
fn nobody_lets_their_own_request_out_not_even_through_a_key() {
    let mut machine = Machine::founded();
    let admin = person(&mut machine, 100, "founder", (AccountRole::Admin, &[]));
    let other = person(&mut machine, 100, "second", (AccountRole::Admin, &[]));
    let new = new_key(1, &["*"], &[Permission::RequestAuditPacket, Permission::ApproveAuditPacket]);
    let key = of_key(key(&mut machine, 100, &admin, new));
    let id = requested(&mut machine, 200, key.clone());
    assert_eq!(status(&machine, id), ExportStatus::AwaitingApproval);
    for who in [key, admin] {
        let why = refused(machine.run_for(who, 200, approve(id)));
        assert_eq!(why, Rejection::SamePerson);
    }
    recorded(machine.run_for(other, 200, approve(id)));
}

#[test]
fn a_node_reports_a_file_over_the_first_final_checkpoint_that_covers_it() {
    let mut machine = three();
    let id = requested(&mut machine, 100, named("act_human_user:maria"));
    let early = sealed(&mut machine, SECOND, &["n1"]);
    assert_eq!(machine.run_by("n1", SECOND, claim(id)), Outcome::Noted);
    let why = refused(machine.run_by("n1", SECOND, complete(id, early, None)));
    assert_eq!(why, Rejection::NotProven, "one of three is no majority");
    decided(&mut machine, 2 * SECOND, "ai:a");
    let size = sealed(&mut machine, 3 * SECOND, &["n1", "n2"]);
    decided(&mut machine, 4 * SECOND, "ai:a");
    let later = sealed(&mut machine, 5 * SECOND, &["n1", "n2"]);
    let wrong = refused(machine.run_by("n1", 6 * SECOND, complete(id, later, None)));
    assert_eq!(wrong, Rejection::NotProven);
    let entry = recorded(machine.run_by("n1", 6 * SECOND, complete(id, size, None)));
    let data = data(&machine, entry);
    assert_eq!(data.get("by").and_then(Json::as_str), Some("n1"));
    assert_eq!(data.get("checkpoint_size").and_then(Json::as_u64), Some(size));
    assert_eq!(status(&machine, id), ExportStatus::Completed);
    let again = refused(machine.run_by("n2", 6 * SECOND, complete(id, size, None)));
    assert_eq!(again, Rejection::AlreadyRecorded);
    assert_eq!(deadline::next(&machine.store).unwrap(), None);
}

#[test]
fn another_node_takes_over_and_the_third_is_the_last() {
    let mut machine = three();
    let id = requested(&mut machine, 100, named("act_human_user:maria"));
    let mut now = SECOND;
    assert_eq!(refused(machine.run_by("n2", now, claim(id))), Rejection::NotProven, "not its turn");
    assert_eq!(machine.run_by("n1", now, claim(id)), Outcome::Noted);
    let due = deadline::next(&machine.store).unwrap();
    assert_eq!(due, Some(Timestamp(now + MINUTE)));
    tick(&mut machine, now + MINUTE - 1);
    assert_eq!(status(&machine, id), ExportStatus::Running);
    now += MINUTE;
    tick(&mut machine, now);
    assert_eq!(status(&machine, id), ExportStatus::Pending);
    assert_eq!(refused(machine.run_by("n1", now, claim(id))), Rejection::NotProven, "it tried");
    assert_eq!(machine.run_by("n2", now, claim(id)), Outcome::Noted);
    assert_eq!(machine.run_by("n2", now, fail(id)), Outcome::Noted);
    assert_eq!(machine.run_by("n3", now, claim(id)), Outcome::Noted);
    assert_eq!(refused(machine.run_by("n2", now, fail(id))), Rejection::NotProven, "no more");
    now += MINUTE;
    tick(&mut machine, now);
    let record = found(&machine, id);
    assert_eq!(record.status, ExportStatus::Failed);
    assert_eq!(record.tried, ["n1", "n2", "n3"]);
    let (error, entry) = record.failed.unwrap();
    assert_eq!(data(&machine, entry).get("error").and_then(Json::as_str), Some(error.as_str()));
    let entry = view::entry(&machine.store, entry).unwrap().unwrap();
    assert_eq!(entry.header.entry_type, EntryType::AuditExportFailed);
    assert_eq!(deadline::next(&machine.store).unwrap(), None);
}

#[test]
fn a_node_that_gets_on_keeps_its_turn_and_one_that_does_not_loses_it() {
    let mut machine = three();
    let id = requested(&mut machine, 100, named("act_human_user:maria"));
    assert_eq!(machine.run_by("n1", SECOND, claim(id)), Outcome::Noted);
    let stuck = refused(machine.run_by("n1", 2 * SECOND, claim(id)));
    assert_eq!(stuck, Rejection::NotProven, "it has written nothing");
    for written in 1..5 {
        let now = written * (MINUTE - SECOND);
        tick(&mut machine, now);
        assert_eq!(machine.run_by("n1", now, gets_on(id, written)), Outcome::Noted);
        let due = deadline::next(&machine.store).unwrap();
        assert_eq!(due, Some(Timestamp(now + MINUTE)));
    }
    let record = found(&machine, id);
    assert_eq!((record.status, record.worked, record.percent), (ExportStatus::Running, 4, 99));
    let other = refused(machine.run_by("n2", 4 * MINUTE, gets_on(id, 9)));
    assert_eq!(other, Rejection::AlreadyRecorded);
    tick(&mut machine, 6 * MINUTE);
    let late = refused(machine.run_by("n1", 6 * MINUTE, gets_on(id, 9)));
    assert_eq!(late, Rejection::NotProven, "its turn is over");
    let record = found(&machine, id);
    assert_eq!((record.status, record.worked, record.percent), (ExportStatus::Pending, 0, 0));
}

#[test]
fn what_nobody_else_begins_has_failed_after_as_many_minutes_as_turns() {
    let mut machine = three();
    let id = requested(&mut machine, 100, named("act_human_user:maria"));
    assert_eq!(machine.run_by("n1", SECOND, claim(id)), Outcome::Noted);
    assert_eq!(machine.run_by("n1", SECOND, fail(id)), Outcome::Noted);
    tick(&mut machine, SECOND + MINUTE);
    assert_eq!(found(&machine, id).tried, ["n1", ""]);
    tick(&mut machine, SECOND + 2 * MINUTE);
    let record = found(&machine, id);
    assert_eq!((record.status, record.tried.len()), (ExportStatus::Failed, 3));
    assert_eq!(record.failed.unwrap().0, "no other node began it in time");
    assert_eq!(deadline::next(&machine.store).unwrap(), None);
}

#[test]
fn what_a_later_program_builds_takes_the_place_of_what_no_node_could_build_again() {
    let mut machine = three();
    let id = requested(&mut machine, 100, named("act_human_user:maria"));
    let size = sealed(&mut machine, SECOND, &["n1", "n2"]);
    recorded(machine.run_by("n1", SECOND, complete(id, size, None)));
    let Command::CompleteExport(mut later) = complete(id, size, None) else { unreachable!() };
    later.built.form = 0;
    let earlier = Command::CompleteExport(later.clone());
    assert_eq!(refused(machine.run_by("n2", 2 * SECOND, earlier)), Rejection::AlreadyRecorded);
    later.built.form = 2;
    let entry = recorded(machine.run_by("n2", 2 * SECOND, Command::CompleteExport(later)));
    assert_eq!(data(&machine, entry).get("form").and_then(Json::as_u64), Some(2));
    assert_eq!(found(&machine, id).built.unwrap().0.form, 2);
}

#[test]
fn a_node_that_does_not_begin_leaves_it_to_any_other() {
    let mut machine = three();
    let id = requested(&mut machine, 100, named("act_human_user:maria"));
    tick(&mut machine, 100 + MINUTE);
    let record = found(&machine, id);
    assert_eq!((record.status, record.node, record.tried.len()), (ExportStatus::Pending, None, 0));
    assert_eq!(machine.run_by("n3", 101 + MINUTE, claim(id)), Outcome::Noted);
}

#[test]
fn the_only_node_may_try_again() {
    let mut machine = Machine::founded_with_keys();
    machine.members(5, &[vec![RaftId(1)]], &[]);
    let id = requested(&mut machine, 100, named("act_human_user:maria"));
    for _ in 0..3 {
        assert_eq!(machine.run_by("n1", 200, claim(id)), Outcome::Noted);
        assert_eq!(machine.run_by("n1", 200, fail(id)), Outcome::Noted);
    }
    let (error, _) = found(&machine, id).failed.unwrap();
    assert_eq!(error, "the disk is full");
}

#[test]
fn a_file_that_took_too_long_is_taken_all_the_same_while_no_other_is_there() {
    let mut machine = three();
    let id = requested(&mut machine, 100, named("act_human_user:maria"));
    let size = sealed(&mut machine, SECOND, &["n1", "n2"]);
    assert_eq!(machine.run_by("n1", SECOND, claim(id)), Outcome::Noted);
    tick(&mut machine, 2 * MINUTE);
    assert_eq!(machine.run_by("n2", 2 * MINUTE, claim(id)), Outcome::Noted);
    recorded(machine.run_by("n1", 2 * MINUTE, complete(id, size, None)));
    assert_eq!(status(&machine, id), ExportStatus::Completed);
    assert_eq!(deadline::next(&machine.store).unwrap(), None);
}

#[test]
fn after_an_erasure_a_file_that_was_built_anew_is_reported_anew() {
    let mut machine = Machine::founded_with_keys();
    decided(&mut machine, 100, "ai:a");
    let id = requested(&mut machine, 200, named("act_human_user:maria"));
    let size = sealed(&mut machine, SECOND, &["n1"]);
    assert_eq!(machine.run_by("n1", SECOND, claim(id)), Outcome::Noted);
    recorded(machine.run_by("n1", SECOND, complete(id, size, None)));
    let Outcome::Erased(erased) = machine.run(2 * SECOND, erase(ErasedPart::Personal, EntryId(1)))
    else {
        panic!("not erased")
    };
    let run = erased.recorded.entry_id;
    let size_of = found(&machine, id).ledger_size;
    assert_eq!(export::erasures_through(&machine.store, size_of).unwrap(), Some(run));
    // Entry 1 is not in it, and comes along with the checkpoint.
    assert_eq!(export::erasures_through(&machine.store, 1).unwrap(), Some(run));
    let stale = refused(machine.run_by("n1", 3 * SECOND, complete(id, size, None)));
    assert_eq!(stale, Rejection::AlreadyRecorded);
    let entry = recorded(machine.run_by("n1", 3 * SECOND, complete(id, size, Some(run))));
    let (built, by) = found(&machine, id).built.unwrap();
    assert_eq!((built.erasures_through, by), (Some(run), entry));
}

#[test]
fn a_request_is_erased_only_once_nothing_is_to_come_of_it() {
    let mut machine = Machine::founded_with_keys();
    let id = requested(&mut machine, 200, named("act_human_user:maria"));
    let entry = found(&machine, id).entry_id;
    let why = refused(machine.run(300, erase(ErasedPart::All, entry)));
    assert_eq!(why, Rejection::NotErasable { entry });
    for _ in 0..3 {
        assert_eq!(machine.run_by("n1", 400, claim(id)), Outcome::Noted);
        assert_eq!(machine.run_by("n1", 400, fail(id)), Outcome::Noted);
    }
    assert!(matches!(machine.run(500, erase(ErasedPart::All, entry)), Outcome::Erased(_)));
    assert_eq!(found(&machine, id).requester, "");
}

#[test]
fn exports_are_listed_by_how_they_stand() {
    let mut machine = Machine::founded_with_keys();
    let mut ids = Vec::new();
    for format in [ExportFormat::Zip, ExportFormat::Json, ExportFormat::Zip] {
        let asking = RequestExport { format, ..asking() };
        let entry = recorded(machine.run(200, Command::RequestExport(Box::new(asking))));
        ids.push(id::<ExportId>(&data(&machine, entry), "export_id"));
    }
    assert_eq!(machine.run_by("n1", 300, claim(ids[1])), Outcome::Noted);
    let query = ExportQuery {
        status: None,
        format: None,
        after: None,
        direction: Direction::Ascending,
        limit: 2,
    };
    let listed = |query: &ExportQuery| {
        let page = export::exports(&machine.store, query).unwrap();
        let ids: Vec<ExportId> = page.exports.iter().map(|(id, _)| *id).collect();
        (ids, page.next, page.total)
    };
    let (first, next, total) = listed(&query);
    assert_eq!((first, total), (ids[..2].to_vec(), 3));
    assert_eq!(listed(&ExportQuery { after: next, ..query }), (vec![ids[2]], None, 3));
    let newest = ExportQuery { direction: Direction::Descending, ..query };
    assert_eq!(listed(&newest).0, [ids[2], ids[1]]);
    let zips = ExportQuery { format: Some(ExportFormat::Zip), ..query };
    assert_eq!(listed(&zips), (vec![ids[0], ids[2]], None, 2));
    let running = ExportQuery { status: Some(ExportStatus::Running), ..query };
    assert_eq!(listed(&running), (vec![ids[1]], None, 1));
    let waiting = export::waiting(&machine.store, 10).unwrap();
    assert_eq!(waiting.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [ids[0], ids[2]]);
}

#[test]
fn the_socket_of_a_node_claims_nothing_in_its_name() {
    let mut machine = Machine::founded_with_keys();
    let id = requested(&mut machine, 200, named("act_human_user:maria"));
    let why = refused(machine.run_for(socket(), 300, claim(id)));
    assert_eq!(why.code(), "permission_denied");
}
