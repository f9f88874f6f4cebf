//! The one place that decides which service handles a command.

use ledger::EntryType;
use types::{Json, LogIndex, Object, RaftId, Timestamp, Ulid};

use crate::cache::Cache;
use crate::command::{Command, ENVELOPE_VERSION, Envelope, MAIN_GROUP};
use crate::compliance::counted;
use crate::draw::Draw;
use crate::journal::{Draft, Journal};
use crate::outcome::{Corruption, Outcome, Recorded, Rejection};
use crate::store::{Store, Table};
use crate::tables::Tables;
use crate::{
    access, account, api_key, checkpoint, codec, deadline, decision, divergence, effect, erasure,
    escalation, evidence, export, founding, intervention, keys, login, membership, mfa, node,
    overrides, policies, reads, responsibility, retention, risk, session, stop, token,
};
use crate::{ai_incident, annex_iv, system};

/// Where and when a command was committed: the only clock a service has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Index of the log entry.
    pub index: LogIndex,
    /// Place of the command within its log entry, which may carry many.
    pub sub_index: u32,
    /// Stamped by the leader.
    pub at: Timestamp,
}

/// What a service works with while one command is applied.
pub(crate) struct Context<'a, S> {
    pub(crate) tables: Tables<'a, S>,
    pub(crate) cache: &'a mut Cache,
    pub(crate) draw: Draw<'a>,
    pub(crate) applied: Applied,
    pub(crate) envelope: &'a Envelope,
}

impl<S> Context<'_, S> {
    /// `data` of an entry with who asked.
    pub(crate) fn asked(&self) -> Object {
        let mut data = Object::new();
        self.envelope.principal.tell(&mut data);
        data
    }
}

impl<S: Store> Context<'_, S> {
    /// Records an entry about nobody that has no personal part.
    pub(crate) fn record(
        &mut self,
        entry_type: EntryType,
        data: Object,
    ) -> Result<Recorded, Corruption> {
        self.record_about(entry_type, None, data, Object::new())
    }

    /// Records an entry about an actor, or nobody. Members of `personal` are
    /// null where they were not given; where all are, there is no such part.
    pub(crate) fn record_about(
        &mut self,
        entry_type: EntryType,
        actor: Option<&str>,
        data: Object,
        personal: Object,
    ) -> Result<Recorded, Corruption> {
        let (data, is_given) = (Json::Object(data), personal.iter().any(|(_, it)| !it.is_null()));
        let personal = Json::Object(personal);
        let is_unchecked = counted::is_unchecked(entry_type, &data);
        let salt = self.draw.salt("salt");
        let draft = Draft {
            entry_type,
            actor,
            data: &data,
            salt,
            personal: is_given.then(|| (&personal, self.draw.salt("personal_salt"))),
        };
        let recorded =
            Journal::new(&mut self.tables, self.cache, self.applied.at).append(&draft)?;
        if is_unchecked {
            counted::unchecked(self, entry_type, recorded.entry_id)?;
        }
        Ok(recorded)
    }

    /// An id that no row of the table has. One that is taken is drawn again; by
    /// chance that never happens even once.
    pub(crate) fn fresh(&mut self, label: &str, table: Table) -> Result<Ulid, Corruption> {
        const DRAWS_MAX: u32 = 16;
        let mut id = self.draw.ulid(label);
        for _ in 0..DRAWS_MAX {
            if !self.tables.has(table, &id.key())? {
                break;
            }
            id = self.draw.ulid(label);
        }
        Ok(id)
    }
}

/// Applies one committed command.
///
/// On [`Outcome::Rejected`] nothing has been written: a service checks
/// everything first and writes after. `cache` holds only what follows from
/// `store`.
///
/// # Errors
/// [`Corruption`]: the stored state breaks a rule that no command can break.
pub fn apply(
    store: &mut impl Store,
    cache: &mut Cache,
    applied: Applied,
    envelope: &Envelope,
) -> Result<Outcome, Corruption> {
    let head = cache.head(store)?;
    // Applied time never runs backwards and always has a text, whoever stamped
    // it: a header without one could not be read back.
    let at = applied.at.max(head.at).min(Timestamp::MAX);
    let applied = Applied { at, ..applied };
    head.at = applied.at;
    let before = head.state_digest;
    let tables = Tables::new(store, before);
    let draw = Draw::new(&envelope.seed, applied.at);
    let mut context = Context { tables, cache, draw, applied, envelope };
    let result = dispatch(&mut context);
    let Context { tables, .. } = context;
    let state_digest = tables.finish();
    cache.head(store)?.state_digest = state_digest;
    match result {
        Ok(outcome) => Ok(outcome),
        Err(Stop::Rejected(why)) => Ok(Outcome::Rejected(why)),
        Err(Stop::Corrupt(what)) => Err(what),
    }
}

fn dispatch<S: Store>(context: &mut Context<'_, S>) -> Result<Outcome, Stop> {
    let envelope = context.envelope;
    if envelope.version != ENVELOPE_VERSION || envelope.group != MAIN_GROUP {
        let (version, group) = (envelope.version, envelope.group.clone());
        return Err(Rejection::UnknownEnvelope { version, group }.into());
    }
    let founded = 0 < context.cache.head(context.tables.read())?.size();
    if let Command::Found(found) = &envelope.command {
        if founded {
            return Err(Rejection::AlreadyFounded.into());
        }
        return founding::found(context, found);
    }
    if !founded {
        return Err(Rejection::NotFounded.into());
    }
    access::admit(context)?;
    carry_out(context)
}

/// Which service carries out a command that says something: one row each, so that
/// a command without a row does not compile.
macro_rules! services {
    ($($command:ident => $service:path,)+) => {
        fn carry_out<S: Store>(context: &mut Context<'_, S>) -> Result<Outcome, Stop> {
            match &context.envelope.command {
                // Handled before there is anything to be admitted to.
                Command::Found(_) => Err(Rejection::AlreadyFounded.into()),
                Command::Tick => deadline::sweep(context),
                Command::Checkpoint => checkpoint::seal(context),
                Command::Scrub => divergence::scrub(context),
                $(Command::$command(asked) => $service(context, asked),)+
            }
        }
    };
}

services! {
    Decide => decision::decide,
    LoadPolicy => policies::load,
    RegisterNode => node::register,
    Cosign => checkpoint::cosign,
    AddKey => node::keys::add,
    RetireKey => node::keys::retire,
    Erase => erasure::erase,
    ReportForgotten => erasure::forgotten,
    RecordDivergence => divergence::record,
    RecordRecovery => divergence::recover,
    ReportContent => divergence::report,
    RollbackPolicy => policies::roll_back,
    LoadGatedPolicy => policies::load_gated,
    RevokeToken => token::revoke,
    AssessRisk => risk::assess,
    EffectsDone => effect::done,
    CreateEscalation => escalation::create,
    AcknowledgeEscalation => escalation::acknowledge,
    ResolveEscalation => escalation::resolve,
    RecordResponsibility => responsibility::record,
    ReviewResponsibility => responsibility::review,
    ExecuteOverride => overrides::execute,
    ReviewOverride => overrides::review,
    IssueToken => token::issue,
    UploadChunk => evidence::upload,
    RegisterEvidence => evidence::register,
    LinkEvidence => evidence::link,
    SignEvidence => evidence::sign,
    RegisterSigner => evidence::signer::register,
    RevokeSigner => evidence::signer::revoke,
    Intervene => intervention::intervene,
    LiftStop => stop::lift,
    CreateUser => account::create,
    UpdateUser => account::update,
    ChangeUser => account::change,
    ChangePassword => account::change_password,
    EnrollMfa => mfa::enroll,
    ConfirmMfa => mfa::confirm,
    RenewBackupCodes => mfa::renew,
    OpenChallenge => login::challenge,
    OpenSession => session::open,
    FailLogin => login::fail,
    RevokeSession => session::revoke,
    TouchCredentials => session::touch,
    CreateApiKey => api_key::create,
    RevokeApiKey => api_key::revoke,
    LinkOidc => login::link,
    IssueJoinToken => node::token::issue,
    RegisterNodeByToken => node::token::register,
    RecordPersonalReads => reads::record,
    ApplyHold => retention::hold::apply,
    ReleaseHold => retention::hold::release,
    Anonymize => retention::anonymize::anonymize,
    SetRetention => retention::set_days,
    RequestExport => export::request::request,
    AnswerExport => export::request::answer,
    ClaimExport => export::build::claim,
    CompleteExport => export::build::complete,
    FailExport => export::build::fail,
    RegisterSystem => system::register,
    UpdateSystem => system::update,
    RecordIncident => ai_incident::record,
    ReportIncident => ai_incident::report,
    CloseIncident => ai_incident::close,
    UpdateAnnexIv => annex_iv::update,
    SetProfile => crate::profile::set,
    UpdateRegister => crate::profile::update_register,
    LinkControl => crate::control::link,
    AttestControl => crate::control::attest,
}

/// Records that Raft's membership entry at `index` was applied. `voters` is
/// one set, or two in a joint configuration. Before genesis nothing is written:
/// genesis itself names the first voter.
///
/// # Errors
/// [`Corruption`], as [`apply`].
pub fn apply_membership(
    store: &mut impl Store,
    cache: &mut Cache,
    index: LogIndex,
    voters: &[Vec<RaftId>],
    learners: &[RaftId],
) -> Result<Option<Recorded>, Corruption> {
    let head = cache.head(store)?;
    if head.size() == 0 {
        return Ok(None);
    }
    let at = head.at;
    let mut tables = Tables::new(store, head.state_digest);
    let mut journal = Journal::new(&mut tables, cache, at);
    let recorded = membership::change(&mut journal, index, voters, learners)?;
    let state_digest = tables.finish();
    cache.head(store)?.state_digest = state_digest;
    Ok(Some(recorded))
}

/// Keeps where the ledger ends; called once per Raft entry, before its writes
/// are committed.
///
/// # Errors
/// [`Corruption`], as [`apply`].
pub fn finish_batch(store: &mut impl Store, cache: &mut Cache) -> Result<(), Corruption> {
    let head = cache.head(store)?;
    let bytes = codec::encode("meta", head)?;
    store.put(Table::Meta, keys::ONLY, &bytes);
    Ok(())
}

/// Why a service stopped short.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Stop {
    #[error(transparent)]
    Rejected(#[from] Rejection),
    #[error(transparent)]
    Corrupt(#[from] Corruption),
}
