//! Assessments over a machine in memory: that of a ledger that has just begun,
//! and those along a story.

use std::collections::BTreeMap;

use ed25519_dalek::{Signer as _, SigningKey};
use ledger::EntryType;
use types::{
    ArtifactId, ClusterId, DecisionId, Json, KeyId, LogIndex, Object, RaftId, RiskId, Ulid, UserId,
};

use super::*;
use crate::apply::{Applied, Context, apply, finish_batch};
use crate::cache::Cache;
use crate::command::{
    AssessRisk, ChangeUser, Command, Cosign, CreateUser, Decide, EntryRange, Envelope, Erase,
    ErasedPart, ErasureCause, Found, HumanRole, Intervene, InterventionType, KeyUsage, LoadPolicy,
    MAIN_GROUP, NodeDescription, Principal, PublicKey, RegisterEvidence, RiskInput, UserChange,
};
use crate::draw::{Draw, Seed};
use crate::outcome::Outcome;
use crate::record::ArtifactKind;
use crate::store::{MemStore, Table};
use crate::tables::Tables;
use crate::{keys, view};

mod kept;
mod queries;
mod story;

const SECOND: u64 = 1_000_000;
const DAY: u64 = 24 * 3600 * SECOND;

fn asking(actor: &str) -> Decide {
    Decide {
        actor: actor.to_owned(),
        action: "read".to_owned(),
        resource: None,
        tool: None,
        data_classes: Vec::new(),
        context: Object::new(),
        user_intent: None,
        risk: None,
        risk_level: None,
        policy_mode: None,
        expires_in_seconds: 300,
        request_id: None,
    }
}

/// A machine whose time goes on by a second with each command.
struct Bench {
    store: MemStore,
    cache: Cache,
    index: u64,
    at: u64,
}

fn signing() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn node() -> NodeDescription {
    let key = |(n, usage): (u8, KeyUsage)| {
        let bytes = match usage {
            KeyUsage::Checkpoint => signing().verifying_key().to_bytes(),
            KeyUsage::Decision | KeyUsage::Token | KeyUsage::Export => [n; 32],
        };
        PublicKey { id: KeyId(Ulid(u128::from(n))), usage, bytes }
    };
    NodeDescription {
        name: "n1".to_owned(),
        api_address: "http://n1:1".to_owned(),
        peer_address: "n1:2".to_owned(),
        region: None,
        zone: None,
        keys: (1..).zip(KeyUsage::ALL).map(key).collect(),
    }
}

/// Somebody whose identity was checked.
fn checked(id: &str) -> Principal {
    Principal { id: id.to_owned(), authn: "password+totp".to_owned(), ..Principal::nobody() }
}

impl Bench {
    fn founded(day: &str) -> Self {
        let at = day.parse::<Timestamp>().unwrap().0;
        let mut bench = Self { store: MemStore::default(), cache: Cache::default(), index: 0, at };
        let (cluster_id, log_name) = (ClusterId(Ulid(1)), "l".to_owned());
        let found = Found { cluster_id, log_name, node: node(), raft_id: RaftId(1) };
        let outcome = bench.run(Principal::node("n1"), Command::Found(found));
        assert!(matches!(outcome, Outcome::Founded(_)), "{outcome:?}");
        bench
    }

    fn next(&mut self) -> Applied {
        self.index = self.index.saturating_add(1);
        self.at = self.at.saturating_add(SECOND);
        Applied { index: LogIndex(self.index), sub_index: 0, at: Timestamp(self.at) }
    }

    fn envelope(&self, principal: Principal, command: Command) -> Envelope {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&self.index.to_be_bytes());
        Envelope {
            version: crate::command::ENVELOPE_VERSION,
            group: MAIN_GROUP.to_owned(),
            command,
            principal,
            idempotency: None,
            seed: Seed(seed),
            asked_node: "n1".to_owned(),
        }
    }

    fn run(&mut self, principal: Principal, command: Command) -> Outcome {
        let applied = self.next();
        let envelope = self.envelope(principal, command);
        let outcome = apply(&mut self.store, &mut self.cache, applied, &envelope).unwrap();
        finish_batch(&mut self.store, &mut self.cache).unwrap();
        outcome
    }

    /// The same, and the entry that it leaves.
    #[track_caller]
    fn recorded(&mut self, principal: Principal, command: Command) -> EntryId {
        let outcome = self.run(principal, command);
        let Outcome::Recorded(recorded) = outcome else { panic!("{outcome:?}") };
        recorded.entry_id
    }

    /// What an entry says under a name.
    fn word(&self, id: EntryId, name: &str) -> String {
        let data = view::entry(&self.store, id).unwrap().unwrap().data.unwrap();
        let data: Object = serde_json::from_str(&data.text).unwrap();
        data.get(name).and_then(Json::as_str).unwrap().to_owned()
    }

    /// Erases an entry as far as that, and says by which run.
    #[track_caller]
    fn erase(&mut self, id: EntryId, part: ErasedPart) -> EntryId {
        let ranges = vec![EntryRange { from: id, to: id }];
        let erase = Erase { part, ranges, cause: ErasureCause::Request };
        let outcome = self.run(Principal::node("n1"), Command::Erase(erase));
        let Outcome::Erased(erased) = outcome else { panic!("{outcome:?}") };
        erased.recorded.entry_id
    }

    /// Writes an entry as the service would that has a command for it.
    fn tell(&mut self, who: Principal, entry_type: EntryType, members: &[(&str, Json)]) -> EntryId {
        let applied = self.next();
        let envelope = self.envelope(who, Command::Tick);
        let before = self.cache.head(&self.store).unwrap().state_digest;
        let mut context = Context {
            tables: Tables::new(&mut self.store, before),
            cache: &mut self.cache,
            draw: Draw::new(&envelope.seed, applied.at),
            applied,
            envelope: &envelope,
        };
        let mut data = context.asked();
        for (name, value) in members {
            data.insert(*name, value.clone());
        }
        let word = |name: &str| data.get(name).and_then(Json::as_str).map(str::to_owned);
        let control = word("framework").zip(word("control_id"));
        let artifact = word("artifact_id").and_then(|id| id.parse::<ArtifactId>().ok());
        let recorded = context.record(entry_type, data).unwrap();
        let (id, index) = (recorded.entry_id, &mut context.tables);
        if let Some((framework, control)) = control {
            let name = crate::control::full_name(&framework, &control);
            let (table, row) = match artifact {
                Some(artifact) => (Table::ControlLink, keys::control_link(&name, artifact.0, id)),
                None => (Table::ControlAttestation, keys::text_and_number(&name, id.0)),
            };
            index.put_record(table, &row, &id).unwrap();
        }
        self.cache.head(&self.store).unwrap().at = applied.at;
        finish_batch(&mut self.store, &mut self.cache).unwrap();
        recorded.entry_id
    }

    fn decide(&mut self, actor: &str) -> DecisionId {
        let decide = asking(actor);
        self.decide_as(checked("gateway"), decide)
    }

    fn decide_as(&mut self, who: Principal, decide: Decide) -> DecisionId {
        let outcome = self.run(who, Command::Decide(Box::new(decide)));
        let Outcome::Decided(decided) = outcome else { panic!("{outcome:?}") };
        let id = decided.data.as_object().unwrap().get("decision_id");
        id.and_then(Json::as_str).unwrap().parse().unwrap()
    }

    fn load_policy(&mut self, who: Principal) {
        let document = serde_json::from_str(
            r#"{"name":"desk","terms":[{"id":"actor:ai:a","type":"actor"},{"id":"action:read","type":"action"},
                {"id":"data:health","type":"data_class","metadata":{"personal":true}}],
                "relations":[{"type":"permits","subject":"actor:ai:a","action":"action:read","justification":"a may read"}]}"#,
        );
        let load = LoadPolicy {
            document: document.unwrap(),
            expected_active_version: None,
            acknowledge_widening: false,
            note: None,
        };
        let outcome = self.run(who, Command::LoadPolicy(Box::new(load)));
        assert!(!matches!(outcome, Outcome::Rejected(_)), "{outcome:?}");
    }

    fn intervene(&mut self, who: Principal, kind: InterventionType) {
        let said = |decision: &str| {
            let mut said = Object::new();
            said.insert("decision", decision);
            said
        };
        let intervene = Intervene {
            kind,
            decision: None,
            ai_recommendation: said("pay"),
            human_decision: said("hold"),
            role: HumanRole::RiskManager,
            reason: "duplicate".to_owned(),
            request_context: None,
            response_time_ms: None,
            display_digest: None,
            stop: None,
        };
        let outcome = self.run(who, Command::Intervene(Box::new(intervene)));
        assert!(matches!(outcome, Outcome::Recorded(_)), "{outcome:?}");
    }

    /// Has the only voter sign what there is.
    fn seal(&mut self) {
        let Outcome::Sealed(sealed) = self.run(Principal::node("n1"), Command::Checkpoint) else {
            panic!("not sealed")
        };
        let origin = view::cluster(&self.store).unwrap().unwrap().origin();
        let text = sealed.claim.checkpoint(origin).to_text();
        let key = node().keys.iter().find(|key| key.usage == KeyUsage::Checkpoint).unwrap().id;
        let signature = signing().sign(text.as_bytes()).to_bytes().to_vec();
        let cosign = Cosign { place: sealed.place, claim: sealed.claim, key, signature, rsa: None };
        let outcome = self.run(Principal::node("n1"), Command::Cosign(Box::new(cosign)));
        assert!(matches!(outcome, Outcome::Cosigned(_)), "{outcome:?}");
    }

    /// Registers a piece of evidence.
    fn artifact(&mut self, who: Principal) -> String {
        self.artifact_of(who, vec![1, 2, 3])
    }

    fn artifact_of(&mut self, who: Principal, content: Vec<u8>) -> String {
        let register = RegisterEvidence {
            kind: ArtifactKind::ExternalReport,
            source: "audit".to_owned(),
            content: crate::command::EvidenceContent::Inline(content),
            content_type: None,
            storage_uri: None,
            retention_days: None,
            decisions: Vec::new(),
            controls: Vec::new(),
            metadata: None,
        };
        let outcome = self.run(who, Command::RegisterEvidence(Box::new(register)));
        let Outcome::Recorded(recorded) = outcome else { panic!("{outcome:?}") };
        let entry = view::entry(&self.store, recorded.entry_id).unwrap().unwrap();
        let data: Object = serde_json::from_str(&entry.data.unwrap().text).unwrap();
        data.get("artifact_id").and_then(Json::as_str).unwrap().to_owned()
    }

    /// Links an artifact to a control.
    fn link(&mut self, name: (&str, &str), artifact: &str, kinds: &[EvidenceKind]) -> EntryId {
        let kinds: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
        let members = [
            ("framework", name.0.into()),
            ("control_id", name.1.into()),
            ("artifact_id", artifact.into()),
            ("evidence_types", kinds.into()),
        ];
        self.tell(checked("user_a"), EntryType::ControlEvidenceLinked, &members)
    }

    /// Has somebody attest an artifact of a control, until a time.
    fn attest(&mut self, who: Principal, name: (&str, &str), artifact: &str, until: Option<u64>) {
        let until = until.map(|until| Timestamp(until).to_string());
        let by = who.id.clone();
        let members = [
            ("framework", name.0.into()),
            ("control_id", name.1.into()),
            ("artifact_ids", vec![artifact].into()),
            ("attested_by", by.into()),
            ("valid_until", until.into()),
        ];
        self.tell(who, EntryType::ControlAttested, &members);
    }

    /// Brings everything that people must bring for a control, and attests it.
    fn complete(&mut self, name: (&str, &str), until: Option<u64>) {
        let kinds = self.assess().item(name.0, name.1).unwrap().human_required;
        let artifact = self.artifact(checked("user_a"));
        self.link(name, &artifact, kinds);
        self.attest(checked("user_b"), name, &artifact, until);
    }

    fn head(&self) -> EntryId {
        EntryId(view::head(&self.store).unwrap().size().saturating_sub(1))
    }

    fn assess(&self) -> Assessment {
        assess(&self.store, self.head()).unwrap()
    }

    #[track_caller]
    fn detail(&self, name: (&str, &str), expect: Detail) {
        let assessment = self.assess();
        let item = assessment.item(name.0, name.1).unwrap();
        assert_eq!(item.detail, expect, "{name:?} lacks {:?}", item.missing);
    }
}

/// How many duties and controls have each status.
fn counts(assessment: &Assessment) -> BTreeMap<Status, usize> {
    let mut counts = BTreeMap::new();
    for item in assessment.all() {
        let count: &mut usize = counts.entry(item.status).or_default();
        *count = count.saturating_add(1);
    }
    counts
}
