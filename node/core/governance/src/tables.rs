//! Typed tables over a [`Store`], and the state digest over what they write.
//!
//! Invariants
//! - Every logical write but those of [`Table::Meta`] passes through
//!   [`Tables::put`] or [`Tables::delete`] once and is folded into the digest:
//!   table, key, record or deletion, before encryption and compression.
//! - The digest moves once per command that wrote, so it does not depend on how
//!   commands are gathered into batches.

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use types::Digest;

use crate::outcome::Corruption;
use crate::store::{Direction, Read, Row, Scan, Store, Table};
use crate::{codec, keys};

/// The tables while one command is applied.
#[derive(Debug)]
pub(crate) struct Tables<'a, S> {
    store: &'a mut S,
    /// Digest of the writes of this command, begun with the digest before it.
    fold: Option<Sha256>,
    before: Digest,
}

impl<'a, S: Store> Tables<'a, S> {
    pub(crate) fn new(store: &'a mut S, state_digest: Digest) -> Self {
        Self { store, fold: None, before: state_digest }
    }

    /// The state below, for reading.
    pub(crate) fn read(&self) -> &impl Read {
        &*self.store
    }

    pub(crate) fn record<T: DeserializeOwned>(
        &self,
        table: Table,
        key: &[u8],
    ) -> Result<Option<T>, Corruption> {
        record(&*self.store, table, key)
    }

    pub(crate) fn has(&self, table: Table, key: &[u8]) -> Result<bool, Corruption> {
        Ok(self.store.get(table, key)?.is_some())
    }

    pub(crate) fn scan(&self, scan: Scan<'_>) -> Result<Vec<Row>, Corruption> {
        self.store.scan(scan)
    }

    pub(crate) fn put_record<T: Serialize>(
        &mut self,
        table: Table,
        key: &[u8],
        record: &T,
    ) -> Result<(), Corruption> {
        let value = codec::encode(name(table), record)?;
        self.put(table, key, &value);
        Ok(())
    }

    /// Puts bytes that have a format of their own after the format byte.
    pub(crate) fn put_bytes(&mut self, table: Table, key: &[u8], parts: &[&[u8]]) {
        let mut value = vec![codec::FORMAT];
        for part in parts {
            value.extend_from_slice(part);
        }
        self.put(table, key, &value);
    }

    pub(crate) fn delete(&mut self, table: Table, key: &[u8]) {
        self.fold(table, key, None);
        self.store.delete(table, key);
    }

    fn put(&mut self, table: Table, key: &[u8], value: &[u8]) {
        self.fold(table, key, Some(value));
        self.store.put(table, key, value);
    }

    /// Lengths go in before bytes, so that no two writes read alike.
    fn fold(&mut self, table: Table, key: &[u8], value: Option<&[u8]>) {
        let before = self.before;
        let fold = self.fold.get_or_insert_with(|| Sha256::new_with_prefix(before.0));
        let kind = if value.is_some() { b'p' } else { b'd' };
        fold.update([table.number(), kind]);
        for part in [key, value.unwrap_or_default()] {
            fold.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            fold.update(part);
        }
    }

    /// The digest after this command.
    pub(crate) fn finish(self) -> Digest {
        match self.fold {
            Some(fold) => Digest(fold.finalize().into()),
            None => self.before,
        }
    }
}

/// One record of a table.
pub(crate) fn record<T: DeserializeOwned>(
    read: &impl Read,
    table: Table,
    key: &[u8],
) -> Result<Option<T>, Corruption> {
    let bytes = read.get(table, key)?;
    bytes.map(|bytes| codec::decode(name(table), &bytes)).transpose()
}

/// The last row of a table.
pub(crate) fn last(read: &impl Read, table: Table) -> Result<Option<Row>, Corruption> {
    let scan = Scan { table, from: &[], to: None, direction: Direction::Descending, rows_max: 1 };
    Ok(read.scan(scan)?.into_iter().next())
}

/// The last number under a text, 0 where there is none.
pub(crate) fn last_number(read: &impl Read, table: Table, text: &str) -> Result<u64, Corruption> {
    let (from, to) = (keys::texts(&[text]), keys::after_texts(&[text]));
    let scan =
        Scan { table, from: &from, to: Some(&to), direction: Direction::Descending, rows_max: 1 };
    let rows = read.scan(scan)?;
    let Some((key, _)) = rows.first() else {
        return Ok(0);
    };
    keys::last_number(key).ok_or_else(|| Corruption::new(name(table), "key too short"))
}

macro_rules! names {
    ($($table:ident = $name:literal,)+) => {
        /// What a table is called in an error.
        pub(crate) fn name(table: Table) -> &'static str {
            match table {
                $(Table::$table => $name,)+
            }
        }
    };
}

names! {
    Meta = "meta",
    Header = "header",
    Data = "data",
    Personal = "personal",
    Request = "request",
    Decision = "decision",
    EntryByType = "entry_by_type",
    EntryByActor = "entry_by_actor",
    Policy = "policy",
    Node = "node",
    Key = "key",
    JoinNonce = "join_nonce",
    Allowed = "allowed",
    CommandKey = "command_key",
    CommandKeyExpiry = "command_key_expiry",
    Cluster = "cluster",
    Tile = "tile",
    Checkpoint = "checkpoint",
    Erased = "erased",
    ActorCount = "actor_count",
    Incident = "incident",
    Scrub = "scrub",
    Forgotten = "forgotten",
    Token = "token",
    DecisionByActor = "decision_by_actor",
    DecisionByAction = "decision_by_action",
    DecisionByOutcome = "decision_by_outcome",
    Risk = "risk",
    RiskByDecision = "risk_by_decision",
    RiskByScore = "risk_by_score",
    RiskCount = "risk_count",
    Escalation = "escalation",
    EscalationByDecision = "escalation_by_decision",
    EscalationByState = "escalation_by_state",
    EscalationCount = "escalation_count",
    EscalationByDeadline = "escalation_by_deadline",
    Override = "override",
    OverrideByDecision = "override_by_decision",
    OverrideUnreviewed = "override_unreviewed",
    TokenByDecision = "token_by_decision",
    Responsibility = "responsibility",
    ResponsibilityById = "responsibility_by_id",
    ResponsibilityByDecision = "responsibility_by_decision",
    ResponsibilityByParty = "responsibility_by_party",
    ResponsibilityPending = "responsibility_pending",
    ResponsibilityReview = "responsibility_review",
    Artifact = "artifact",
    ArtifactByDecision = "artifact_by_decision",
    ArtifactByText = "artifact_by_text",
    ArtifactByEntry = "artifact_by_entry",
    ArtifactLater = "artifact_later",
    Upload = "upload",
    EvidenceCount = "evidence_count",
    Content = "content",
    Chunk = "chunk",
    Signer = "signer",
    Intervention = "intervention",
    Stop = "stop",
    StopInForce = "stop_in_force",
    InterventionTally = "intervention_tally",
    InterventionTime = "intervention_time",
    Deadline = "deadline",
    Effect = "effect",
    User = "user",
    UserByName = "user_by_name",
    Session = "session",
    SessionByHash = "session_by_hash",
    SessionByUser = "session_by_user",
    Challenge = "challenge",
    LoginPair = "login_pair",
    LoginPairByAge = "login_pair_by_age",
    ApiKey = "api_key",
    ApiKeyByHash = "api_key_by_hash",
    OidcLink = "oidc_link",
    JoinToken = "join_token",
    Access = "access",
    ChallengeByUser = "challenge_by_user",
    Tally = "tally",
    System = "system",
    SystemByName = "system_by_name",
    Profile = "profile",
    Register = "register",
    ControlLink = "control_link",
    ControlAttestation = "control_attestation",
    Hold = "hold",
    HoldInForce = "hold_in_force",
    Retention = "retention",
    AnnexIv = "annex_iv",
    AiIncident = "ai_incident",
    SystemVersion = "system_version",
    Export = "export",
    ExportByState = "export_by_state",
    EntryBlock = "entry_block",
    CommandKeyByEntry = "command_key_by_entry",
}
