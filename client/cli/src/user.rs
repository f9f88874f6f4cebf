//! `lexecon user`: accounts of people.

use std::path::PathBuf;

use client::Reply;
use client::auth::user::{NewUser, User, UserChange, UserUpdate, Users};

use crate::command::Globals;
use crate::console::{Console, printable};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::secret::At;
use crate::table::{cell, fields, table};

pub(crate) const HELP: &str = "\
Accounts of people. It takes manage_users, which administrators have, or the socket of a node.

Example:

  lexecon user list";

const CREATE_HELP: &str = "\
Makes an account. Its first password is asked for; where standard input is no terminal, its first line \
is taken.

Example:

  lexecon user create --username leo --email leo@example.com --role auditor \
--oversight-role governance_lead";

const LIST_HELP: &str = "\
Accounts, oldest first, disabled ones among them.

Example:

  lexecon user list --limit 20";

const SHOW_HELP: &str = "\
An account by its id.

Example:

  lexecon user show user_01K1R0D2J7Q4M8X5B9C3F6H0TP";

const UPDATE_HELP: &str = "\
Changes what an account is for. Another role, and other roles of oversight, end its sessions.

Examples:

  lexecon user update user_01K1R0D2J7Q4M8X5B9C3F6H0TP --role compliance_officer

  lexecon user update user_01K1R0D2J7Q4M8X5B9C3F6H0TP --no-oversight";

const DISABLE_HELP: &str = "\
Disables an account: nobody logs in to it, and its sessions end at once.

Example:

  lexecon user disable user_01K1R0D2J7Q4M8X5B9C3F6H0TP --reason 'left the company'";

const ENABLE_HELP: &str = "\
Lets an account be used again.

Example:

  lexecon user enable user_01K1R0D2J7Q4M8X5B9C3F6H0TP --reason 'is back'";

const UNLOCK_HELP: &str = "\
Forgets failed logins of an account, so that it can log in before the lock would end.

Example:

  lexecon user unlock user_01K1R0D2J7Q4M8X5B9C3F6H0TP --reason 'called, it was her'";

const RESET_HELP: &str = "\
Takes the second factor of an account away; its sessions end. An account that must have one enrolls \
anew at its next login.

Example:

  lexecon user reset-mfa user_01K1R0D2J7Q4M8X5B9C3F6H0TP --reason 'lost the phone'";

/// What to do with accounts.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Verb {
    /// Make one
    #[command(long_about = CREATE_HELP)]
    Create(Box<CreateArgs>),
    /// List them
    #[command(long_about = LIST_HELP)]
    List {
        /// `next` of the page before
        #[arg(long, value_name = "NEXT")]
        after: Option<String>,
        /// At most so many
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: Option<u32>,
    },
    /// Show one
    #[command(long_about = SHOW_HELP)]
    Show {
        /// Which one
        user_id: String,
    },
    /// Change what one is for
    #[command(long_about = UPDATE_HELP)]
    Update(UpdateArgs),
    /// Let nobody use one
    #[command(long_about = DISABLE_HELP)]
    Disable(ChangeArgs),
    /// Let one be used again
    #[command(long_about = ENABLE_HELP)]
    Enable(ChangeArgs),
    /// Forget its failed logins
    #[command(long_about = UNLOCK_HELP)]
    Unlock(ChangeArgs),
    /// Take its second factor away
    #[command(long_about = RESET_HELP)]
    ResetMfa(ChangeArgs),
}

/// Who the person is.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Person {
    /// What the person logs in as: letters, digits, `_`, `-` and `.`
    #[arg(long, value_name = "NAME")]
    username: String,
    /// Address of e-mail
    #[arg(long)]
    email: String,
    /// Name for people
    #[arg(long, value_name = "NAME")]
    full_name: Option<String>,
    /// A role in which the person oversees; may be repeated
    #[arg(long = "oversight-role", value_name = "ROLE", value_parser = OVERSIGHT)]
    oversight_roles: Vec<String>,
    /// File with the password on its first line; `-` is standard input
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

/// An account to be made.
#[derive(Clone, Debug, clap::Args)]
pub struct CreateArgs {
    #[command(flatten)]
    person: Person,
    /// What the person may do to the service
    #[arg(long, value_parser = ROLES)]
    role: String,
}

/// What is changed.
#[derive(Clone, Debug, clap::Args)]
pub struct UpdateArgs {
    /// Which one
    user_id: String,
    /// Another role
    #[arg(long, value_parser = ROLES)]
    role: Option<String>,
    /// Another name for people
    #[arg(long, value_name = "NAME")]
    full_name: Option<String>,
    /// All roles in which the person is to oversee; may be repeated
    #[arg(long = "oversight-role", value_name = "ROLE", value_parser = OVERSIGHT)]
    oversight_roles: Vec<String>,
    /// Let the person oversee in no role
    #[arg(long, conflicts_with = "oversight_roles")]
    no_oversight: bool,
}

/// What is done to an account.
#[derive(Clone, Debug, clap::Args)]
pub struct ChangeArgs {
    /// Which one
    user_id: String,
    /// Why, for whoever reads the ledger
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

const ROLES: [&str; 4] = ["viewer", "auditor", "compliance_officer", "admin"];
const OVERSIGHT: [&str; 3] = ["executive", "governance_lead", "security_officer"];

pub(crate) async fn run(
    verb: &Verb,
    globals: &Globals,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    let client = crate::connect(globals)?;
    let reply = match verb {
        Verb::Create(args) => {
            let new = new_user(&args.person, &args.role, console).await?;
            console.wait("the account", client.user_create(&new)).await?
        }
        Verb::List { after, limit } => {
            let users = client.users(after.as_deref(), *limit);
            let reply = console.wait("the accounts", users).await?;
            console.show(&reply.raw, || shown_list(&reply.value))?;
            return Ok(Exit::Done);
        }
        Verb::Show { user_id } => console.wait("the account", client.user(user_id)).await?,
        Verb::Update(args) => {
            let update = update(args)?;
            console.wait("the account", client.user_update(&args.user_id, &update)).await?
        }
        Verb::Disable(args) => change(args, UserChange::Disable, &client, console).await?,
        Verb::Enable(args) => change(args, UserChange::Enable, &client, console).await?,
        Verb::Unlock(args) => change(args, UserChange::Unlock, &client, console).await?,
        Verb::ResetMfa(args) => change(args, UserChange::ResetMfa, &client, console).await?,
    };
    console.show(&reply.raw, || account(&reply.value))?;
    Ok(Exit::Done)
}

/// Asks for the password of somebody who is to have an account.
pub(crate) async fn new_user(
    person: &Person,
    role: &str,
    console: &mut Console<'_>,
) -> Result<NewUser, Failure> {
    let at = At::first(person.password_file.as_ref());
    Ok(NewUser {
        username: person.username.clone(),
        email: person.email.clone(),
        password: console.new_secret("Password", at).await?,
        role: role.to_owned(),
        full_name: person.full_name.clone(),
        oversight_roles: person.oversight_roles.clone(),
    })
}

fn update(args: &UpdateArgs) -> Result<UserUpdate, Failure> {
    let has_oversight = args.no_oversight || !args.oversight_roles.is_empty();
    let update = UserUpdate {
        role: args.role.clone(),
        full_name: args.full_name.clone(),
        oversight_roles: has_oversight.then(|| args.oversight_roles.clone()),
    };
    match update == UserUpdate::default() {
        true => Err(Failure::Usage("nothing is to change: give --role, say".to_owned())),
        false => Ok(update),
    }
}

async fn change(
    args: &ChangeArgs,
    change: UserChange,
    client: &client::Client,
    console: &mut Console<'_>,
) -> Result<Reply<User>, Failure> {
    console.wait("the account", client.user_change(&args.user_id, change, &args.reason)).await
}

/// An account, name by value.
pub(crate) fn account(user: &User) -> String {
    let list = |items: &[String]| (!items.is_empty()).then(|| items.join(" "));
    fields([
        ("user", Some(user.user_id.clone())),
        ("username", Some(user.username.clone())),
        ("name", user.full_name.clone()),
        ("email", Some(user.email.clone())),
        ("role", Some(user.role.clone())),
        ("may", list(&user.permissions)),
        ("oversees as", list(&user.oversight_roles)),
        ("status", user.status.clone()),
        ("factor", Some(if user.mfa_enabled { "enrolled" } else { "none" }.to_owned())),
        ("last login", user.last_login.clone()),
        ("password", user.password_expires_at.as_ref().map(|end| format!("until {end}"))),
        ("made", user.created_at.clone()),
        ("entry", user.ledger_entry_id.map(|entry| entry.to_string())),
    ])
}

fn shown_list(list: &Users) -> String {
    let rows = list.users.iter().map(|user| {
        [
            user.user_id.clone(),
            user.username.clone(),
            user.role.clone(),
            cell((!user.oversight_roles.is_empty()).then(|| user.oversight_roles.join(" "))),
            cell(user.status.as_ref()),
            if user.mfa_enabled { "yes" } else { "no" }.to_owned(),
            cell(user.last_login.as_ref()),
        ]
    });
    let header = ["USER", "NAME", "ROLE", "OVERSEES AS", "STATUS", "FACTOR", "LAST LOGIN"];
    let mut text = table(header, rows.collect());
    if let Some(next) = &list.next {
        text.push_str(&format!("more with --after {}\n", printable(next)));
    }
    text
}
