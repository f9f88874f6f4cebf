//! Attestations, which have no command of their own.

use types::{ClusterId, LogIndex, RaftId, Ulid};

use super::*;
use crate::apply::{Applied, Context, apply};
use crate::cache::Cache;
use crate::command::{
    Command, ENVELOPE_VERSION, EntryRange, Envelope, Erase, ErasedPart, ErasureCause, Found,
    MAIN_GROUP, NodeDescription, Principal,
};
use crate::draw::{Draw, Seed};
use crate::outcome::Outcome;
use crate::record::ArtifactKind;
use crate::store::MemStore;
use crate::tables::Tables;
use crate::view;
use ledger::EntryType;
use types::{EntryId, Object, Timestamp};

const APPLIED: Applied = Applied { index: LogIndex(1), sub_index: 0, at: Timestamp(1) };
const ID: ArtifactId = ArtifactId(Ulid(7));
const DECISION: DecisionId = DecisionId(Ulid(8));

fn envelope(command: Command) -> Envelope {
    Envelope {
        version: ENVELOPE_VERSION,
        group: MAIN_GROUP.to_owned(),
        command,
        principal: Principal::nobody(),
        idempotency: None,
        seed: Seed([1; 32]),
        asked_node: "n1".to_owned(),
    }
}

fn founded() -> (MemStore, Cache) {
    let (mut store, mut cache) = (MemStore::default(), Cache::default());
    let node = NodeDescription {
        name: "n1".to_owned(),
        api_address: "http://n1:1".to_owned(),
        peer_address: "n1:2".to_owned(),
        region: None,
        zone: None,
        keys: Vec::new(),
    };
    let (cluster_id, log_name, raft_id) = (ClusterId(Ulid(1)), "l".to_owned(), RaftId(1));
    let found = Command::Found(Found { cluster_id, log_name, node, raft_id });
    let outcome = apply(&mut store, &mut cache, APPLIED, &envelope(found)).unwrap();
    assert!(matches!(outcome, Outcome::Founded(_)), "{outcome:?}");
    (store, cache)
}

/// Records an override with its attestation.
fn attested(store: &mut MemStore, cache: &mut Cache, content: &[u8]) -> EntryId {
    let envelope = envelope(Command::Tick);
    let before = cache.head(store).unwrap().state_digest;
    let draw = Draw::new(&envelope.seed, APPLIED.at);
    let tables = Tables::new(store, before);
    let mut context = Context { tables, cache, draw, applied: APPLIED, envelope: &envelope };
    let mut data = context.asked();
    data.insert("decision_id", DECISION.to_string());
    let mut personal = Object::new();
    personal.insert("justification", "because");
    let recorded =
        context.record_about(EntryType::OverrideExecuted, Some("ai:a"), data, personal).unwrap();
    let entry = recorded.entry_id;
    let attestation = Attestation { artifact: ID, entry, decision: DECISION, content };
    attest(&mut context, &attestation).unwrap();
    entry
}

fn erase(store: &mut MemStore, cache: &mut Cache, part: ErasedPart, id: EntryId) {
    let ranges = vec![EntryRange { from: id, to: id }];
    let erase = Erase { part, ranges, cause: ErasureCause::Request };
    let outcome = apply(store, cache, APPLIED, &envelope(Command::Erase(erase))).unwrap();
    assert!(matches!(outcome, Outcome::Erased(_)), "{outcome:?}");
}

#[test]
fn an_attestation_is_told_by_the_entry_of_what_it_attests() {
    let (mut store, mut cache) = founded();
    let entry = attested(&mut store, &mut cache, b"{}");
    let artifact = view::artifact(&store, ID).unwrap().unwrap();
    assert_eq!((artifact.kind, artifact.entry_id), (ArtifactKind::Attestation, entry));
    assert_eq!(artifact.decisions, [DECISION]);
    assert_eq!(content(&store, &artifact.content.unwrap()).unwrap().unwrap(), b"{}");
    assert_eq!(of_decision(&store, DECISION).unwrap(), [ID]);
    let counts = view::evidence_statistics(&store).unwrap();
    assert_eq!(counts.decisions, 1);
}

#[test]
fn the_content_of_an_attestation_goes_with_the_personal_part() {
    let (mut store, mut cache) = founded();
    let entry = attested(&mut store, &mut cache, b"{}");
    let place = view::artifact(&store, ID).unwrap().unwrap().content.unwrap();
    erase(&mut store, &mut cache, ErasedPart::Personal, entry);
    assert_eq!(view::artifact(&store, ID).unwrap().unwrap().content, None);
    assert_eq!(content(&store, &place).unwrap(), None);
    assert!(exists(&store, ID).unwrap());
    erase(&mut store, &mut cache, ErasedPart::All, entry);
    assert_eq!(view::artifact(&store, ID).unwrap(), Err(view::Absent::Erased));
    assert_eq!(of_decision(&store, DECISION).unwrap(), []);
    assert_eq!(store.rows().filter(|(table, ..)| *table == Table::EvidenceCount).count(), 0);
}
