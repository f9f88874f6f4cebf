//! `lexecon system`: the AI systems of the organisation.

use std::path::PathBuf;

use client::Client;
use client::ledger::Order;
use client::systems::{System, SystemDetails, SystemFilter, Systems};
use types::{Json, Object};

use crate::console::{Console, printable};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input;
use crate::table::{cell, fields, table};

pub(crate) const HELP: &str = "\
The AI systems of the organisation: what each is for, by which route duties bind it, and whose \
decisions belong to it.

Example:

  lexecon system register --name 'Claims triage' --purpose 'Sorts claims by urgency' --role deployer \
--route annex_iii --actor 'ai_agent:claims:*'";

const REGISTER_HELP: &str = "\
Registers a system. What role and what route it has, you say; nothing here classifies. It is planned \
until it is placed on the market or put into service, and retired from the date of --retired on.

A file for --annex-viii is a JSON or YAML object with what the EU database wants; contact details \
belong in its member `contact`, which can be erased alone.

Example:

  lexecon system register --name 'Claims triage' --purpose 'Sorts claims by urgency' --role provider \
--route annex_iii --placed-on-market 2027-01-15 --annex-viii registration.yaml";

const UPDATE_HELP: &str = "\
Changes what is said of a system; what is not named stays as it is. Every change is a version of its \
own, and `show --as-of` tells the ones before.

Example:

  lexecon system update sys_01K1R0D2J7Q4M8X5B9C3F6H0TN --retired 2027-12-31";

const LIST_HELP: &str = "\
Systems that are registered, oldest first.

Example:

  lexecon system list --status in_use";

const SHOW_HELP: &str = "\
One system, as it is, or as it was at an entry or a time.

Example:

  lexecon system show sys_01K1R0D2J7Q4M8X5B9C3F6H0TN --as-of 2027-03-04";

/// What to do with systems.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Verb {
    /// Register a system
    #[command(long_about = REGISTER_HELP)]
    Register(Box<RegisterArgs>),
    /// Systems that are registered
    #[command(long_about = LIST_HELP)]
    List {
        /// Only those that stand so
        #[arg(long, value_parser = ["planned", "in_use", "retired"])]
        status: Option<String>,
        /// `next` of the page before
        #[arg(long, value_name = "SYSTEM_ID")]
        after: Option<String>,
        /// At most so many
        #[arg(long)]
        limit: Option<u32>,
        /// Oldest first, or newest first
        #[arg(long, value_name = "ORDER", value_parser = ["asc", "desc"], default_value = "asc")]
        order: String,
        /// As they were at an entry or a time
        #[arg(long, value_name = "ENTRY or TIME")]
        as_of: Option<String>,
    },
    /// One system
    #[command(long_about = SHOW_HELP)]
    Show {
        /// Its id
        system_id: String,
        /// As it was at an entry or a time
        #[arg(long, value_name = "ENTRY or TIME")]
        as_of: Option<String>,
    },
    /// Change what is said of a system
    #[command(long_about = UPDATE_HELP)]
    Update {
        /// Its id
        system_id: String,
        #[command(flatten)]
        change: Box<ChangeArgs>,
    },
}

const ROLES: [&str; 5] =
    ["provider", "deployer", "importer", "distributor", "authorised_representative"];
const ROUTES: [&str; 5] = ["annex_i", "annex_iii", "transparency", "minimal", "prohibited"];

/// A system to register.
#[derive(Clone, Debug, clap::Args)]
pub struct RegisterArgs {
    /// What it is called
    #[arg(long)]
    name: String,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    purpose: String,
    /// As what you have to do with it
    #[arg(long, value_parser = ROLES)]
    role: String,
    /// By which route duties bind it
    #[arg(long, value_parser = ROUTES)]
    route: String,
    #[command(flatten)]
    more: MoreArgs,
}

/// What is to change.
#[derive(Clone, Debug, clap::Args)]
pub struct ChangeArgs {
    /// What it is called
    #[arg(long)]
    name: Option<String>,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    purpose: Option<String>,
    /// As what you have to do with it
    #[arg(long, value_parser = ROLES)]
    role: Option<String>,
    /// By which route duties bind it
    #[arg(long, value_parser = ROUTES)]
    route: Option<String>,
    #[command(flatten)]
    more: MoreArgs,
}

/// What both may say.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct MoreArgs {
    /// Whose decisions belong to it; may be given again
    #[arg(long = "actor", value_name = "NAME or PREFIX:*")]
    actors: Vec<String>,
    /// When it was placed on the market
    #[arg(long, value_name = "DATE")]
    placed_on_market: Option<String>,
    /// When it was put into service
    #[arg(long, value_name = "DATE")]
    put_into_service: Option<String>,
    /// When that ended
    #[arg(long, value_name = "DATE")]
    retired: Option<String>,
    /// File with what Annex VIII wants; `-` is standard input
    #[arg(long, value_name = "PATH")]
    annex_viii: Option<PathBuf>,
    /// Whatever you want to keep with it
    #[arg(long, value_name = "JSON")]
    metadata: Option<String>,
}

pub(crate) async fn run(
    verb: &Verb,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    match verb {
        Verb::Register(args) => {
            let details = registered(args)?;
            let reply = console.wait("the system", client.system_register(&details)).await?;
            console.show(&reply.raw, || shown(&reply.value))?;
        }
        Verb::List { status, after, limit, order, as_of } => {
            let filter = SystemFilter {
                status: status.clone(),
                after: after.clone(),
                limit: *limit,
                order: order_of(order),
                as_of: as_of.clone(),
            };
            let reply = console.wait("the systems", client.systems(&filter)).await?;
            console.show(&reply.raw, || listed(&reply.value))?;
        }
        Verb::Show { system_id, as_of } => {
            let system = client.system(system_id, as_of.as_deref());
            let reply = console.wait("the system", system).await?;
            console.show(&reply.raw, || shown(&reply.value))?;
        }
        Verb::Update { system_id, change } => {
            let change = changed(change)?;
            let update = client.system_update(system_id, &change);
            let reply = console.wait("the change", update).await?;
            console.show(&reply.raw, || shown(&reply.value))?;
        }
    }
    Ok(Exit::Done)
}

fn registered(args: &RegisterArgs) -> Result<SystemDetails, Failure> {
    Ok(SystemDetails {
        name: Some(args.name.clone()),
        intended_purpose: Some(args.purpose.clone()),
        role: Some(args.role.clone()),
        risk_route: Some(args.route.clone()),
        ..details(&args.more)?
    })
}

fn changed(args: &ChangeArgs) -> Result<SystemDetails, Failure> {
    let change = SystemDetails {
        name: args.name.clone(),
        intended_purpose: args.purpose.clone(),
        role: args.role.clone(),
        risk_route: args.route.clone(),
        ..details(&args.more)?
    };
    match change == SystemDetails::default() {
        true => Err(Failure::Usage("name what is to change".to_owned())),
        false => Ok(change),
    }
}

fn details(args: &MoreArgs) -> Result<SystemDetails, Failure> {
    let annex_viii = args.annex_viii.as_ref().map(|path| document(path)).transpose()?;
    let metadata = args.metadata.as_deref();
    let object = |text| crate::intervention::object("--metadata", text);
    Ok(SystemDetails {
        actor_patterns: Some(args.actors.clone()).filter(|actors| !actors.is_empty()),
        placed_on_market: args.placed_on_market.clone(),
        put_into_service: args.put_into_service.clone(),
        retired: args.retired.clone(),
        annex_viii,
        metadata: metadata.map(object).transpose()?,
        ..SystemDetails::default()
    })
}

/// The order that a word names.
pub(crate) fn order_of(word: &str) -> Order {
    if word == "desc" { Order::Descending } else { Order::Ascending }
}

/// The object in a file.
pub(crate) fn document(path: &std::path::Path) -> Result<Object, Failure> {
    match input::document(path)? {
        Json::Object(object) => Ok(object),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) => {
            Err(Failure::Usage(format!("`{}` must hold an object", path.display())))
        }
    }
}

fn shown(system: &System) -> String {
    let actors = Some(system.actor_patterns.join(", ")).filter(|actors| !actors.is_empty());
    let annex_viii = system.annex_viii.clone().map(|it| Json::Object(it).to_canonical());
    fields([
        ("system", Some(system.system_id.clone())),
        ("name", Some(system.name.clone())),
        ("purpose", Some(system.intended_purpose.clone())),
        ("role", Some(system.role.clone())),
        ("route", Some(system.risk_route.clone())),
        ("status", Some(system.status.clone())),
        ("actors", actors),
        ("on the market", system.placed_on_market.clone()),
        ("in service", system.put_into_service.clone()),
        ("retired", system.retired.clone()),
        ("annex viii", annex_viii),
        ("version", Some(system.version.to_string())),
        ("updated", Some(system.updated_at.clone())),
        ("entry", Some(system.ledger_entry_id.to_string())),
    ])
}

fn listed(page: &Systems) -> String {
    let rows = page.systems.iter().map(|system| {
        [
            system.system_id.clone(),
            system.status.clone(),
            system.role.clone(),
            system.risk_route.clone(),
            cell(Some(system.version)),
            system.name.clone(),
        ]
    });
    let header = ["SYSTEM", "STATUS", "ROLE", "ROUTE", "VERSION", "NAME"];
    let mut text = table(header, rows.collect());
    if let Some(next) = &page.next {
        text.push_str(&format!("more with --after {}\n", printable(next)));
    }
    text
}
