//! A credential that was revoked earlier in the log records nothing, whatever the
//! log says before and after; and replicas that restart anywhere agree on it.

use crate::people::{
    OIDC, account, begin_mfa, change, create, creating, log_in, new_key, new_user, of_key,
    revoking, update, updating,
};
use crate::support::{Machine, data, decide, id, load, policy};
use governance::access::{AccountRole, Permission};
use governance::command::{
    ChangePassword, Command, CreateApiKey, Principal, PrincipalKind, UpdateUser, UserChange,
};
use governance::oversight::Role;
use governance::{Cache, MemStore, Outcome, view};
use proptest::prelude::*;
use types::{ApiKeyId, Digest, UserId};

/// One step of a log. Numbers choose among what there is then.
#[derive(Clone, Copy, Debug)]
enum Step {
    LogIn(usize),
    BeginMfa(usize),
    Ask { who: usize, what: What, of: usize },
}

#[derive(Clone, Copy, Debug)]
enum What {
    Decide,
    Load,
    MakeUser,
    Role(AccountRole),
    Oversight(bool),
    Change(UserChange),
    Password,
    MakeKey(bool),
    RevokeKey,
}

fn any_step() -> impl Strategy<Value = Step> {
    let change =
        vec![UserChange::Disable, UserChange::Enable, UserChange::Unlock, UserChange::ResetMfa];
    let what = prop_oneof![
        3 => Just(What::Decide),
        2 => Just(What::Load),
        2 => Just(What::MakeUser),
        2 => prop::sample::select(AccountRole::ALL.to_vec()).prop_map(What::Role),
        1 => any::<bool>().prop_map(What::Oversight),
        4 => prop::sample::select(change).prop_map(What::Change),
        2 => Just(What::Password),
        2 => any::<bool>().prop_map(What::MakeKey),
        3 => Just(What::RevokeKey),
    ];
    prop_oneof![
        3 => (0..6_usize).prop_map(Step::LogIn),
        1 => (0..6_usize).prop_map(Step::BeginMfa),
        12 => (0..12_usize, what, 0..6_usize).prop_map(|(who, what, of)| Step::Ask { who, what, of }),
    ]
}

/// A credential, and whether something that was recorded has ended it.
#[derive(Debug)]
struct Credential {
    principal: Principal,
    is_revoked: bool,
}

#[derive(Debug, Default)]
struct World {
    machine: Machine,
    users: Vec<UserId>,
    keys: Vec<ApiKeyId>,
    credentials: Vec<Credential>,
    at: u64,
}

impl World {
    /// A closed cluster with two administrators, so that one may end the other.
    fn new() -> Self {
        let mut world = Self { machine: Machine::founded(), at: 100, ..Self::default() };
        for name in ["root", "second"] {
            let user = account(&mut world.machine, 100, name, (AccountRole::Admin, &[]));
            world.users.push(user);
            world.log_in(user);
        }
        world
    }

    fn log_in(&mut self, user: UserId) {
        let principal = log_in(&mut self.machine, user, self.at, OIDC);
        self.credentials.push(Credential { principal, is_revoked: false });
    }

    fn step(&mut self, step: Step) {
        self.at += 1_000;
        match step {
            Step::LogIn(user) => self.log_in(self.users[user % self.users.len()]),
            Step::BeginMfa(user) => {
                let user = self.users[user % self.users.len()];
                let known = view::user(&self.machine.store, user).unwrap().unwrap();
                if known.pending_mfa.is_none() {
                    begin_mfa(&mut self.machine, user);
                }
            }
            Step::Ask { who, what, of } => self.ask(who % self.credentials.len(), what, of),
        }
    }

    fn ask(&mut self, who: usize, what: What, of: usize) {
        let principal = self.credentials[who].principal.clone();
        let Some(command) = self.command(&principal, what, of) else { return };
        let before = view::head(&self.machine.store).unwrap().state_digest;
        let users: Vec<_> = self.accounts();
        let outcome = self.machine.run_for(principal.clone(), self.at, command.clone());
        let is_recorded = !matches!(outcome, Outcome::Rejected(_));
        if self.credentials[who].is_revoked {
            assert!(!is_recorded, "{principal:?} did {command:?}: {outcome:?}");
            assert_eq!(view::head(&self.machine.store).unwrap().state_digest, before);
        }
        if let (true, Outcome::Recorded(recorded)) = (is_recorded, &outcome) {
            self.follow(&principal, &command, &users);
            let data = data(&self.machine, recorded.entry_id);
            match &command {
                Command::CreateUser(_) => self.users.push(id(&data, "user_id")),
                Command::CreateApiKey(_) => {
                    let key = id(&data, "key_id");
                    self.keys.push(key);
                    let principal = of_key(key);
                    self.credentials.push(Credential { principal, is_revoked: false });
                }
                _ => (),
            }
        }
    }

    /// Role and roles of oversight of each account.
    fn accounts(&self) -> Vec<(UserId, AccountRole, Vec<Role>)> {
        let users = view::users(&self.machine.store, None, 100).unwrap();
        users.into_iter().map(|(id, user)| (id, user.role, user.oversight)).collect()
    }

    /// Which credentials a recorded command has ended.
    fn follow(
        &mut self,
        by: &Principal,
        command: &Command,
        before: &[(UserId, AccountRole, Vec<Role>)],
    ) {
        let (ended, spared) = match command {
            Command::RevokeApiKey(revoke) => (revoke.key.to_string(), None),
            Command::ChangePassword(change) => (change.user.to_string(), Some(by.clone())),
            Command::ChangeUser(change)
                if matches!(change.change, UserChange::Disable | UserChange::ResetMfa) =>
            {
                (change.user.to_string(), None)
            }
            Command::UpdateUser(update) if self.accounts() != before => {
                (update.user.to_string(), None)
            }
            _ => return,
        };
        for credential in &mut self.credentials {
            let is_spared = spared.as_ref() == Some(&credential.principal);
            credential.is_revoked |= credential.principal.id == ended && !is_spared;
        }
    }

    fn command(&self, by: &Principal, what: What, of: usize) -> Option<Command> {
        let user = self.users[of % self.users.len()];
        Some(match what {
            What::Decide => decide("ai:a", "read"),
            What::Load => load(policy()),
            What::MakeUser => {
                let name = format!("user{}", self.users.len());
                create(new_user(&name, AccountRole::ALL[of % 4], &[]))
            }
            What::Role(role) => updating(UpdateUser { role: Some(role), ..update(user) }),
            What::Oversight(is_any) => {
                let roles = if is_any { vec![Role::Executive] } else { Vec::new() };
                updating(UpdateUser { oversight: Some(roles), ..update(user) })
            }
            What::Change(what) => change(user, what),
            What::Password => {
                let user = by.id.parse().ok().filter(|_| by.kind == PrincipalKind::User)?;
                let version = view::user(&self.machine.store, user).unwrap()?.password_version;
                let password_hash = format!("$argon2id${version}");
                let change = ChangePassword { user, version, password_hash };
                Command::ChangePassword(Box::new(change))
            }
            What::MakeKey(manages) => {
                let permissions: &[Permission] =
                    if manages { &Permission::ALL } else { &[Permission::ManagePolicies] };
                let mut hash = Digest([0; 32]);
                hash.0[0] = u8::try_from(self.keys.len()).unwrap();
                creating(CreateApiKey { key_hash: hash, ..new_key(1, &["*"], permissions) })
            }
            What::RevokeKey => revoking(*self.keys.get(of % self.keys.len().max(1))?),
        })
    }
}

/// The state after a log, and how many were revoked.
fn run(steps: &[Step], restarts: bool) -> (MemStore, usize) {
    let mut world = World::new();
    for step in steps {
        world.step(*step);
        if restarts {
            world.machine.cache = Cache::default();
        }
    }
    let revoked = world.credentials.iter().filter(|credential| credential.is_revoked).count();
    check_counts(&world);
    (world.machine.store, revoked)
}

/// What is counted is what there is.
fn check_counts(world: &World) {
    let access = view::access_record(&world.machine.store).unwrap();
    let users = view::users(&world.machine.store, None, 100).unwrap();
    let administrators = users.iter().filter(|(_, user)| user.is_administrator()).count();
    assert_eq!(access.administrators, administrators as u64);
    assert!(access.is_closed && 0 < administrators);
    let keys = view::api_keys(&world.machine.store, None, 100).unwrap();
    let alive = keys.iter().filter(|(_, key)| key.revoked.is_none()).count();
    assert_eq!(access.api_keys, alive as u64);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn what_was_revoked_earlier_records_nothing(
        steps in prop::collection::vec(any_step(), 0..60),
    ) {
        let whole = run(&steps, false);
        prop_assert_eq!(whole, run(&steps, true));
    }
}

#[test]
fn the_property_sees_a_revoked_key_and_an_ended_session() {
    let ask = |who, what, of| Step::Ask { who, what, of };
    let steps = [
        ask(0, What::MakeKey(true), 0),
        ask(2, What::Decide, 0),
        ask(1, What::RevokeKey, 0),
        ask(2, What::Decide, 0),
        ask(0, What::Change(UserChange::Disable), 1),
        ask(1, What::Load, 0),
    ];
    assert_eq!(run(&steps, true).1, 2);
}
