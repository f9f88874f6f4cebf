//! Evidence: what is recorded, what is refused, contents in chunks, links,
//! signatures, lists, and what an erasure leaves.

use crate::support::{Machine, SECOND, decide, envelope};
use ed25519_dalek::{Signer as _, SigningKey};
use governance::command::{
    Command, EntryRange, Erase, ErasedPart, ErasureCause, EvidenceContent, LinkEvidence,
    RegisterEvidence, RegisterSigner, RevokeSigner, SignEvidence, UploadChunk,
};
use governance::evidence::{self, CHUNK_BYTES_MAX, CHUNKS_MAX};
use governance::record::ArtifactKind;
use governance::view::{Absent, Artifact, ArtifactQuery};
use governance::{
    Direction, Outcome, Rejection, Store as _, Table, decode_envelope, encode_envelope, view,
};
use ledger::EntryType;
use types::{ArtifactId, DecisionId, Digest, EntryId, Json, KeyId, Object, Timestamp, Ulid};

const NOBODY: ArtifactId = ArtifactId(Ulid(1));

fn decided(machine: &mut Machine) -> DecisionId {
    let Outcome::Decided(decided) = machine.run(100, decide("ai:a", "read")) else {
        panic!("not decided")
    };
    let id = decided.data.as_object().unwrap().get("decision_id").and_then(Json::as_str);
    id.unwrap().parse().unwrap()
}

fn report(content: &[u8]) -> RegisterEvidence {
    RegisterEvidence {
        kind: ArtifactKind::ExternalReport,
        content: EvidenceContent::Inline(content.to_vec()),
        content_type: None,
        source: "acme".to_owned(),
        decisions: Vec::new(),
        controls: Vec::new(),
        storage_uri: None,
        retention_days: None,
        metadata: None,
    }
}

fn register(register: RegisterEvidence) -> Command {
    Command::RegisterEvidence(Box::new(register))
}

/// Registers, and says which artifact that made.
#[track_caller]
fn registered(machine: &mut Machine, evidence: RegisterEvidence) -> ArtifactId {
    let Outcome::Recorded(recorded) = machine.run(200, register(evidence)) else {
        panic!("not recorded")
    };
    let data = data(machine, recorded.entry_id);
    data.get("artifact_id").and_then(Json::as_str).unwrap().parse().unwrap()
}

fn data(machine: &Machine, id: EntryId) -> Object {
    let entry = view::entry(&machine.store, id).unwrap().unwrap();
    serde_json::from_str(&entry.data.unwrap().text).unwrap()
}

fn link(artifact: ArtifactId, decision: DecisionId) -> Command {
    let note = Some("seen".to_owned());
    Command::LinkEvidence(Box::new(LinkEvidence { artifact, decision, note }))
}

fn known(machine: &Machine, id: ArtifactId) -> Artifact {
    view::artifact(&machine.store, id).unwrap().unwrap()
}

fn sha256(bytes: &[u8]) -> Digest {
    ledger::hash::sha256(bytes)
}

fn chunk(upload: u8, number: u32, bytes: &[u8]) -> Command {
    let (upload, bytes) = (Digest([upload; 32]), bytes.to_vec());
    Command::UploadChunk(Box::new(UploadChunk { upload, number, bytes }))
}

fn uploaded(upload: u8, chunks: u32, whole: &[u8]) -> RegisterEvidence {
    let size = u64::try_from(whole.len()).unwrap();
    let (upload, sha256) = (Digest([upload; 32]), sha256(whole));
    let content = EvidenceContent::Uploaded { upload, chunks, size, sha256 };
    RegisterEvidence { content, ..report(b"-") }
}

fn rows(machine: &Machine, table: Table) -> usize {
    machine.store.rows().filter(|(of, ..)| *of == table).count()
}

fn content(machine: &Machine, id: ArtifactId) -> Option<Vec<u8>> {
    evidence::content(&machine.store, &known(machine, id).content?).unwrap()
}

#[track_caller]
fn refused(machine: &mut Machine, command: Command, expect: Rejection) {
    let before = view::head(&machine.store).unwrap();
    assert_eq!(machine.run(900, command), Outcome::Rejected(expect));
    assert_eq!(view::head(&machine.store).unwrap().state_digest, before.state_digest);
}

fn erase(part: ErasedPart, id: EntryId) -> Command {
    let ranges = vec![EntryRange { from: id, to: id }];
    Command::Erase(Erase { part, ranges, cause: ErasureCause::Request })
}

fn all() -> ArtifactQuery {
    ArtifactQuery {
        after: None,
        kind: None,
        source: None,
        from: None,
        to: None,
        direction: Direction::Ascending,
        limit: 100,
    }
}

fn listed(machine: &Machine, query: &ArtifactQuery) -> Vec<ArtifactId> {
    let page = view::artifacts(&machine.store, query).unwrap();
    assert!(page.total_exact);
    page.artifacts.iter().map(|artifact| artifact.id).collect()
}

fn signing(n: u8) -> SigningKey {
    SigningKey::from_bytes(&[n; 32])
}

fn signer(machine: &mut Machine, n: u8) -> KeyId {
    let public_key = signing(n).verifying_key().to_bytes();
    let name = format!("signer {n}");
    let command = Command::RegisterSigner(Box::new(RegisterSigner { name, public_key }));
    let Outcome::Recorded(recorded) = machine.run(300, command) else { panic!("not recorded") };
    let data = data(machine, recorded.entry_id);
    data.get("key_id").and_then(Json::as_str).unwrap().parse().unwrap()
}

fn sign(artifact: ArtifactId, key: KeyId, n: u8, sha256: &Digest) -> Command {
    let text = evidence::signed_text(artifact, sha256);
    let signature = signing(n).sign(text.as_bytes()).to_bytes().to_vec();
    Command::SignEvidence(Box::new(SignEvidence { artifact, key, signature }))
}

fn revoke(key: KeyId) -> Command {
    Command::RevokeSigner(Box::new(RevokeSigner { key, reason: "left".to_owned() }))
}

#[test]
fn an_artifact_is_one_entry_about_nobody() {
    let mut machine = Machine::founded();
    let decision = decided(&mut machine);
    let id = registered(
        &mut machine,
        RegisterEvidence {
            decisions: vec![decision],
            controls: vec!["soc2:CC7.1".to_owned()],
            ..report(b"pen test summary")
        },
    );
    let entry = view::entry(&machine.store, EntryId(2)).unwrap().unwrap();
    assert_eq!(entry.header.entry_type, EntryType::EvidenceRegistered);
    assert_eq!((entry.header.actor_seq, entry.header.type_seq), (0, 1));
    let hash = sha256(b"pen test summary");
    let expect = format!(
        r#"{{"artifact_id":"{id}","artifact_type":"external_report","authn":"none","by":null,"content_type":null,"related_control_ids":["soc2:CC7.1"],"related_decision_ids":["{decision}"],"retention_until":"1976-12-30T00:00:00.000200Z","sha256_hash":"{hash}","size_bytes":16,"storage_uri":null}}"#
    );
    assert_eq!(entry.data.unwrap().text, expect);
    assert_eq!(entry.personal.unwrap().text, r#"{"metadata":null,"note":null,"source":"acme"}"#);
    let artifact = known(&machine, id);
    assert_eq!((artifact.entry_id, artifact.at), (EntryId(2), Timestamp(200)));
    assert_eq!(artifact.decisions, [decision]);
    assert_eq!(artifact.source.as_deref(), Some("acme"));
    assert_eq!(content(&machine, id).unwrap(), b"pen test summary");
    assert_eq!(evidence::of_decision(&machine.store, decision).unwrap(), [id]);
    assert!(evidence::exists(&machine.store, id).unwrap());
    assert!(!evidence::exists(&machine.store, NOBODY).unwrap());
}

#[test]
fn how_long_a_thing_is_kept_is_told_or_is_that_of_its_kind() {
    for (kind, days, expect) in [
        (ArtifactKind::Screenshot, None, Some(365)),
        (ArtifactKind::Signature, None, Some(3650)),
        (ArtifactKind::Attestation, None, Some(2555)),
        (ArtifactKind::Screenshot, Some(1), Some(1)),
        (ArtifactKind::Screenshot, Some(0), None),
    ] {
        let mut machine = Machine::founded();
        let evidence = RegisterEvidence { kind, retention_days: days, ..report(b"x") };
        let id = registered(&mut machine, evidence);
        let expect = expect.map(|days| Timestamp(200 + days * 86_400 * SECOND));
        assert_eq!(known(&machine, id).retention_until, expect, "{kind:?} {days:?}");
    }
}

#[test]
fn what_names_something_unknown_is_refused() {
    let mut machine = Machine::founded();
    let decisions = vec![DecisionId(Ulid(1))];
    let about_nothing = register(RegisterEvidence { decisions, ..report(b"x") });
    refused(&mut machine, about_nothing, Rejection::UnknownDecision);
    let control = "soc2:CC99".to_owned();
    let controls = vec!["soc2:CC6.1".to_owned(), control.clone()];
    let on_nothing = register(RegisterEvidence { controls, ..report(b"x") });
    refused(&mut machine, on_nothing, Rejection::UnknownControl { control });
    let decision = decided(&mut machine);
    let unknown = Rejection::UnknownArtifact { artifact: NOBODY };
    refused(&mut machine, link(NOBODY, decision), unknown.clone());
    let id = registered(&mut machine, report(b"x"));
    refused(&mut machine, link(id, DecisionId(Ulid(1))), Rejection::UnknownDecision);
    let key = signer(&mut machine, 1);
    refused(&mut machine, sign(NOBODY, key, 1, &sha256(b"x")), unknown);
    let nowhere = KeyId(Ulid(1));
    let by_nobody = sign(id, nowhere, 1, &sha256(b"x"));
    refused(&mut machine, by_nobody, Rejection::UnknownKey { id: nowhere });
    refused(&mut machine, revoke(nowhere), Rejection::UnknownKey { id: nowhere });
}

#[test]
fn a_content_in_a_command_has_bounds() {
    let mut machine = Machine::founded();
    refused(&mut machine, register(report(b"")), Rejection::ContentMismatch);
    let large = vec![7; CHUNK_BYTES_MAX + 1];
    refused(&mut machine, register(report(&large)), Rejection::ContentMismatch);
    registered(&mut machine, report(&large[1..]));
}

#[test]
fn a_content_in_chunks_is_seen_once_it_is_registered() {
    let mut machine = Machine::founded();
    let whole = [vec![1; CHUNK_BYTES_MAX], vec![2; 10]].concat();
    for (number, part) in (0..).zip(whole.chunks(CHUNK_BYTES_MAX)) {
        assert_eq!(machine.run(100, chunk(9, number, part)), Outcome::Noted);
        assert_eq!(machine.run(100, chunk(9, number, part)), Outcome::Noted);
    }
    assert_eq!(view::head(&machine.store).unwrap().size(), 1);
    let id = registered(&mut machine, uploaded(9, 2, &whole));
    let artifact = known(&machine, id);
    assert_eq!(artifact.content.unwrap().sha256, sha256(&whole));
    assert_eq!(content(&machine, id).unwrap(), whole);
    assert_eq!(evidence::rehash(&machine.store, &artifact.content.unwrap()).unwrap(), {
        Some(sha256(&whole))
    });
    assert_eq!((rows(&machine, Table::Upload), rows(&machine, Table::Deadline)), (0, 0));
    assert_eq!(rows(&machine, Table::Chunk), 2);
}

#[test]
fn an_upload_that_is_not_what_the_command_says_is_refused() {
    let mut machine = Machine::founded();
    let nothing = register(uploaded(9, 1, b"ab"));
    refused(&mut machine, nothing, Rejection::UploadIncomplete);
    machine.run(100, chunk(9, 1, b"b"));
    for chunks in [0, 1, 2] {
        let hole = register(uploaded(9, chunks, b"b"));
        refused(&mut machine, hole, Rejection::UploadIncomplete);
    }
    machine.run(100, chunk(9, 0, b"a"));
    for chunks in [1, 3] {
        let other = register(uploaded(9, chunks, b"ab"));
        refused(&mut machine, other, Rejection::UploadIncomplete);
    }
    for told in [b"ax".as_slice(), b"abc"] {
        refused(&mut machine, register(uploaded(9, 2, told)), Rejection::ContentMismatch);
    }
    registered(&mut machine, uploaded(9, 2, b"ab"));
    refused(&mut machine, register(uploaded(9, 2, b"ab")), Rejection::UploadIncomplete);
}

#[test]
fn a_chunk_has_bounds_and_does_not_change() {
    let mut machine = Machine::founded();
    machine.run(100, chunk(9, 0, b"a"));
    let large = vec![0; CHUNK_BYTES_MAX + 1];
    for (number, bytes) in [(0, b"b".as_slice()), (1, b""), (1, &large), (CHUNKS_MAX, b"a")] {
        let expect = Rejection::ChunkRefused { number };
        refused(&mut machine, chunk(9, number, bytes), expect);
    }
    assert_eq!(machine.run(100, chunk(9, CHUNKS_MAX - 1, &large[1..])), Outcome::Noted);
    // Two ids of which the first half is the same share no chunks.
    let mut upload = Digest([9; 32]);
    upload.0[31] = 0;
    let other = UploadChunk { upload, number: 2, bytes: b"a".to_vec() };
    let expect = Rejection::ChunkRefused { number: 2 };
    refused(&mut machine, Command::UploadChunk(Box::new(other)), expect);
}

#[test]
fn an_upload_that_nobody_registers_is_swept_and_makes_room() {
    let mut machine = Machine::founded();
    for upload in 0..64 {
        assert_eq!(machine.run(100, chunk(upload, 0, b"a")), Outcome::Noted);
    }
    refused(&mut machine, chunk(64, 0, b"a"), Rejection::UploadsBusy);
    assert_eq!(machine.run(100, chunk(63, 1, b"b")), Outcome::Noted);
    let due = governance::deadline::next(&machine.store).unwrap().unwrap();
    assert_eq!(due, Timestamp(100 + 600 * SECOND));
    machine.run(due.0 - 1, Command::Tick);
    assert_eq!(rows(&machine, Table::Chunk), 65);
    machine.run(due.0, Command::Tick);
    let left = [Table::Upload, Table::Chunk, Table::Deadline].map(|table| rows(&machine, table));
    assert_eq!(left, [0, 0, 0]);
    assert_eq!(machine.run(due.0, chunk(64, 0, b"a")), Outcome::Noted);
    refused(&mut machine, register(uploaded(63, 2, b"ab")), Rejection::UploadIncomplete);
}

#[test]
fn one_content_is_kept_once_and_goes_with_the_last_artifact() {
    let mut machine = Machine::founded();
    let first = registered(&mut machine, report(b"same"));
    let second = registered(&mut machine, report(b"same"));
    machine.run(100, chunk(9, 0, b"same"));
    let third = registered(&mut machine, uploaded(9, 1, b"same"));
    assert_eq!((rows(&machine, Table::Content), rows(&machine, Table::Chunk)), (1, 1));
    for (at, id) in [first, second, third].into_iter().enumerate() {
        assert_eq!(content(&machine, id).unwrap(), b"same");
        machine.run(300, erase(ErasedPart::All, known(&machine, id).entry_id));
        assert_eq!(view::artifact(&machine.store, id).unwrap(), Err(Absent::Erased));
        assert_eq!(rows(&machine, Table::Chunk), usize::from(at < 2));
    }
    let tables = [Table::Content, Table::ArtifactByText, Table::EvidenceCount];
    assert_eq!(tables.map(|table| rows(&machine, table)), [0, 0, 0]);
}

#[test]
fn a_link_is_an_entry_the_first_time() {
    let mut machine = Machine::founded();
    let (one, two) = (decided(&mut machine), decided(&mut machine));
    let evidence = RegisterEvidence { decisions: vec![one], ..report(b"x") };
    let id = registered(&mut machine, evidence);
    assert_eq!(machine.run(300, link(id, one)), Outcome::Noted);
    let Outcome::Recorded(recorded) = machine.run(300, link(id, two)) else { panic!() };
    assert_eq!(machine.run(300, link(id, two)), Outcome::Noted);
    let expect =
        format!(r#"{{"artifact_id":"{id}","authn":"none","by":null,"decision_id":"{two}"}}"#);
    let entry = view::entry(&machine.store, recorded.entry_id).unwrap().unwrap();
    assert_eq!(entry.data.unwrap().text, expect);
    assert_eq!(entry.personal.unwrap().text, r#"{"metadata":null,"note":"seen","source":null}"#);
    let artifact = known(&machine, id);
    let links: Vec<_> = artifact.links.iter().map(|link| link.decision).collect();
    assert_eq!((artifact.decisions, links), (vec![one], vec![two]));
    assert_eq!(evidence::of_decision(&machine.store, two).unwrap(), [id]);
}

#[test]
fn one_decision_has_no_end_of_evidence() {
    let mut machine = Machine::founded();
    let decision = decided(&mut machine);
    for n in 1000..2000_u64 {
        let key = [&decision.0.key()[..], &n.to_be_bytes()].concat();
        machine.store.put(Table::ArtifactByDecision, &key, b"\x01");
    }
    let things = "artifacts";
    let subject = format!("`{decision}`");
    let expect = Rejection::TooMuchEvidence { subject, count: 1000, things };
    let more = RegisterEvidence { decisions: vec![decision], ..report(b"x") };
    refused(&mut machine, register(more), expect.clone());
    let id = registered(&mut machine, report(b"x"));
    refused(&mut machine, link(id, decision), expect);
}

#[test]
fn a_signature_counts_that_verifies_with_the_key_of_a_signer() {
    let mut machine = Machine::founded();
    let id = registered(&mut machine, report(b"x"));
    let other = registered(&mut machine, report(b"y"));
    let (one, two) = (signer(&mut machine, 1), signer(&mut machine, 2));
    let hash = sha256(b"x");
    for wrong in [sign(id, one, 2, &hash), sign(id, one, 1, &sha256(b"y"))] {
        refused(&mut machine, wrong, Rejection::SignatureInvalid);
    }
    let Command::SignEvidence(mut moved) = sign(other, one, 1, &hash) else { panic!() };
    moved.artifact = id;
    refused(&mut machine, Command::SignEvidence(moved), Rejection::SignatureInvalid);
    let Command::SignEvidence(mut short) = sign(id, one, 1, &hash) else { panic!() };
    short.signature.pop();
    refused(&mut machine, Command::SignEvidence(short), Rejection::SignatureInvalid);
    let Outcome::Recorded(recorded) = machine.run(400, sign(id, one, 1, &hash)) else { panic!() };
    refused(&mut machine, sign(id, one, 1, &hash), Rejection::ArtifactSigned { key: one });
    machine.run(400, revoke(two));
    refused(&mut machine, sign(id, two, 2, &hash), Rejection::SignerRevoked { key: two });
    let signatures = known(&machine, id).signatures;
    assert_eq!(signatures.len(), 1);
    assert_eq!((signatures[0].key, signatures[0].entry_id), (one, recorded.entry_id));
    assert_eq!(signatures[0].signer.as_deref(), Some("signer 1"));
    let counts = view::evidence_statistics(&machine.store).unwrap().kinds;
    let (_, count) = counts.iter().find(|(kind, _)| *kind == ArtifactKind::ExternalReport).unwrap();
    assert_eq!((count.artifacts, count.bytes, count.signed), (2, 2, 1));
}

#[test]
fn a_public_key_is_registered_once_and_revoked_once() {
    let mut machine = Machine::founded();
    let key = signer(&mut machine, 1);
    let public_key = signing(1).verifying_key().to_bytes();
    let again = RegisterSigner { name: "other".to_owned(), public_key };
    let again = Command::RegisterSigner(Box::new(again));
    refused(&mut machine, again.clone(), Rejection::SignerExists { key });
    assert!(matches!(machine.run(400, revoke(key)), Outcome::Recorded(_)));
    refused(&mut machine, revoke(key), Rejection::AlreadyRevoked);
    refused(&mut machine, again, Rejection::SignerExists { key });
    let known = view::signer(&machine.store, key).unwrap().unwrap();
    assert_eq!((known.entry_id, known.revoked), (EntryId(1), Some(EntryId(2))));
}

#[test]
fn signers_are_listed_page_by_page() {
    let mut machine = Machine::founded();
    let mut keys: Vec<KeyId> = (1..=5).map(|n| signer(&mut machine, n)).collect();
    keys.sort();
    let (mut after, mut seen) = (None, Vec::new());
    loop {
        let page = view::signers(&machine.store, after, 2).unwrap();
        assert_eq!((page.total, page.total_exact), (5, true));
        seen.extend(page.signers.iter().map(|signer| signer.id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, keys);
}

#[test]
fn artifacts_are_listed_by_kind_source_and_time() {
    let mut machine = Machine::founded();
    let mut register_at = |at: u64, kind, source: &str| {
        let source = source.to_owned();
        let command = register(RegisterEvidence { kind, source, ..report(b"x") });
        let Outcome::Recorded(recorded) = machine.run(at, command) else { panic!() };
        let data = data(&machine, recorded.entry_id);
        data.get("artifact_id").and_then(Json::as_str).unwrap().parse().unwrap()
    };
    let (report, shot) = (ArtifactKind::ExternalReport, ArtifactKind::Screenshot);
    let one: ArtifactId = register_at(100, report, "a");
    let two: ArtifactId = register_at(200, shot, "a");
    let three: ArtifactId = register_at(300, report, "b\0b");
    let of = |source: &str| Some(source.to_owned());
    for (query, expect) in [
        (all(), vec![one, two, three]),
        (ArtifactQuery { direction: Direction::Descending, ..all() }, vec![three, two, one]),
        (ArtifactQuery { kind: Some(report), ..all() }, vec![one, three]),
        (ArtifactQuery { source: of("a"), ..all() }, vec![one, two]),
        (ArtifactQuery { source: of("b\0b"), ..all() }, vec![three]),
        (ArtifactQuery { source: of("b"), ..all() }, vec![]),
        (ArtifactQuery { source: of("a"), kind: Some(shot), ..all() }, vec![two]),
        (ArtifactQuery { from: Some(Timestamp(200)), ..all() }, vec![two, three]),
        (ArtifactQuery { to: Some(Timestamp(200)), ..all() }, vec![one]),
    ] {
        assert_eq!(listed(&machine, &query), expect, "{query:?}");
    }
    let page = view::artifacts(&machine.store, &ArtifactQuery { limit: 2, ..all() }).unwrap();
    assert_eq!((page.total, page.next), (3, Some(EntryId(2))));
    let rest = ArtifactQuery { limit: 2, after: page.next, ..all() };
    assert_eq!(listed(&machine, &rest), [three]);
}

#[test]
fn a_repeated_request_is_recorded_once() {
    let mut machine = Machine::founded();
    let command = || register(report(b"x"));
    assert!(matches!(machine.run_keyed(200, command(), "k", 1), Outcome::Recorded(_)));
    assert_eq!(machine.run_keyed(300, command(), "k", 1), Outcome::Replayed(EntryId(1)));
    assert_eq!(machine.run_keyed(300, chunk(9, 0, b"x"), "k", 1), Outcome::Replayed(EntryId(1)));
    let conflict = Rejection::IdempotencyConflict { key: "k".to_owned() };
    let other = machine.run_keyed(300, chunk(9, 0, b"x"), "k", 2);
    assert_eq!(other, Outcome::Rejected(conflict));
    assert_eq!(rows(&machine, Table::Upload), 0);
}

#[test]
fn erasing_the_personal_part_takes_the_source_and_leaves_the_content() {
    let mut machine = Machine::founded();
    let mut metadata = Object::new();
    metadata.insert("case", "7");
    let id =
        registered(&mut machine, RegisterEvidence { metadata: Some(metadata), ..report(b"x") });
    machine.run(300, erase(ErasedPart::Personal, EntryId(1)));
    let artifact = known(&machine, id);
    assert_eq!((artifact.source, artifact.metadata), (None, None));
    assert_eq!(content(&machine, id).unwrap(), b"x");
    assert_eq!(listed(&machine, &all()), [id]);
    assert_eq!(listed(&machine, &ArtifactQuery { source: Some("acme".to_owned()), ..all() }), []);
    let before = known(&machine, id);
    machine.run(300, erase(ErasedPart::All, EntryId(1)));
    assert_eq!(view::artifact(&machine.store, id).unwrap(), Err(Absent::Erased));
    assert_eq!(evidence::content(&machine.store, &before.content.unwrap()).unwrap(), None);
    assert!(!evidence::exists(&machine.store, id).unwrap());
}

#[test]
fn erasing_an_artifact_whole_takes_links_and_signatures_with_it() {
    let mut machine = Machine::founded();
    let (one, two) = (decided(&mut machine), decided(&mut machine));
    let controls = vec!["soc2:CC6.1".to_owned()];
    let evidence = RegisterEvidence { decisions: vec![one], controls, ..report(b"x") };
    let id = registered(&mut machine, evidence);
    let key = signer(&mut machine, 1);
    machine.run(300, link(id, two));
    machine.run(300, sign(id, key, 1, &sha256(b"x")));
    let counts = view::evidence_statistics(&machine.store).unwrap();
    assert_eq!((counts.decisions, counts.controls), (2, 1));
    machine.run(400, erase(ErasedPart::All, known(&machine, id).entry_id));
    for decision in [one, two] {
        assert_eq!(evidence::of_decision(&machine.store, decision).unwrap(), []);
    }
    let left = [Table::ArtifactLater, Table::EvidenceCount, Table::ArtifactByText];
    assert_eq!(left.map(|table| rows(&machine, table)), [0, 0, 0]);
    refused(&mut machine, link(id, one), Rejection::ArtifactErased);
    refused(&mut machine, sign(id, key, 1, &sha256(b"x")), Rejection::ArtifactErased);
}

#[test]
fn erasing_a_link_or_a_signature_leaves_the_artifact() {
    let mut machine = Machine::founded();
    let decision = decided(&mut machine);
    let id = registered(&mut machine, report(b"x"));
    let key = signer(&mut machine, 1);
    let Outcome::Recorded(linked) = machine.run(300, link(id, decision)) else { panic!() };
    let signed = machine.run(300, sign(id, key, 1, &sha256(b"x")));
    let Outcome::Recorded(signed) = signed else { panic!() };
    machine.run(400, erase(ErasedPart::Personal, linked.entry_id));
    assert_eq!(known(&machine, id).links[0].note, None);
    machine.run(400, erase(ErasedPart::All, linked.entry_id));
    machine.run(400, erase(ErasedPart::All, signed.entry_id));
    let artifact = known(&machine, id);
    assert_eq!((artifact.links, artifact.signatures), (vec![], vec![]));
    assert_eq!(evidence::of_decision(&machine.store, decision).unwrap(), []);
    let counts = view::evidence_statistics(&machine.store).unwrap();
    assert_eq!((counts.decisions, counts.kinds.iter().map(|(_, it)| it.signed).sum()), (0, 0_u64));
    assert!(matches!(machine.run(500, link(id, decision)), Outcome::Recorded(_)));
    assert!(matches!(machine.run(500, sign(id, key, 1, &sha256(b"x"))), Outcome::Recorded(_)));
}

#[test]
fn commands_have_their_place_in_the_log() {
    let register_signer = RegisterSigner { name: "s".to_owned(), public_key: [1; 32] };
    for command in [
        chunk(9, 0, b"a"),
        register(report(b"x")),
        register(uploaded(9, 1, b"x")),
        link(NOBODY, DecisionId(Ulid(2))),
        sign(NOBODY, KeyId(Ulid(2)), 1, &sha256(b"x")),
        Command::RegisterSigner(Box::new(register_signer)),
        revoke(KeyId(Ulid(2))),
    ] {
        let bytes = encode_envelope(&envelope(command.clone(), 1)).unwrap();
        assert_eq!(decode_envelope(&bytes).unwrap().command, command);
    }
}
