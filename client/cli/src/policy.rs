//! `lexecon policy`: what is in force, and everything about documents before
//! they are.
//!
//! A file for each group of verbs. What judges a document here is the crate
//! that nodes judge by.

mod diff;
mod explain;
mod fmt;
mod impact;
mod import;
mod local;
mod test;
mod validate;
mod versions;

use std::path::PathBuf;

use client::policy::LoadOptions;

use self::versions::{LIST_HELP, LOAD_HELP, ROLLBACK_HELP, SHOW_HELP, Which};
use crate::command::Globals;
use crate::connect;
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;

pub(crate) const HELP: &str = "\
Policies say who may do what. One is in force at a time; loading another makes a new version, and \
every decision names the version it was judged by.

Example:

  lexecon policy list";

/// What to do with policies.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Verb {
    /// Put a policy in force
    #[command(long_about = LOAD_HELP)]
    Load {
        /// The document, JSON or YAML; `-` for standard input
        file: PathBuf,
        /// Refuse unless this version is in force
        #[arg(long, value_name = "VERSION")]
        expected_active_version: Option<u64>,
        /// Load although more would be allowed than before
        #[arg(long)]
        acknowledge_widening: bool,
        /// Why, for the ledger
        #[arg(long)]
        note: Option<String>,
    },
    /// Say whether a policy would be taken
    #[command(long_about = validate::HELP)]
    Validate(validate::Args),
    /// List every version
    #[command(long_about = LIST_HELP)]
    List,
    /// Show one version
    #[command(long_about = SHOW_HELP)]
    Show {
        /// A version, or `active`
        // Every command has a `--version`, which goes by that name.
        #[arg(id = "which", value_name = "VERSION", default_value = "active")]
        version: Which,
    },
    /// Judge requests by a policy and compare with what is expected
    #[command(long_about = test::HELP)]
    Test(test::Args),
    /// Lay a document out
    #[command(long_about = fmt::HELP)]
    Fmt(fmt::Args),
    /// Read a policy of another system
    #[command(long_about = import::HELP)]
    Import(import::Args),
    /// Compare two policies
    #[command(long_about = diff::HELP)]
    Diff(diff::Args),
    /// Say why a request comes out as it does
    #[command(long_about = explain::HELP)]
    Explain(Box<explain::Args>),
    /// Show which recorded decisions a policy would change
    #[command(long_about = impact::HELP)]
    Impact(impact::Args),
    /// Put an earlier version in force again
    #[command(long_about = ROLLBACK_HELP)]
    Rollback {
        /// The version whose document it is
        #[arg(id = "which", value_name = "VERSION")]
        version: u64,
        /// Why, for the ledger
        #[arg(long)]
        reason: String,
    },
}

pub(crate) async fn run(
    verb: &Verb,
    globals: &Globals,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    match verb {
        Verb::Load { file, expected_active_version, acknowledge_widening, note } => {
            let options = LoadOptions {
                expected_active_version: *expected_active_version,
                acknowledge_widening: *acknowledge_widening,
                note: note.clone(),
            };
            versions::load(file, &options, &connect(globals)?, console).await
        }
        Verb::Validate(args) if args.offline => validate::check(args, console),
        Verb::Validate(args) => validate::ask(args, &connect(globals)?, console).await,
        Verb::List => versions::list(&connect(globals)?, console).await,
        Verb::Show { version } => versions::show(*version, &connect(globals)?, console).await,
        Verb::Test(args) => test::run(args, console),
        Verb::Fmt(args) => fmt::run(args, console),
        Verb::Import(args) => import::run(args, console),
        Verb::Diff(args) => diff::run(args, globals, console).await,
        Verb::Explain(args) if args.offline => explain::judge(args, console),
        Verb::Explain(args) => explain::run(args, &connect(globals)?, console).await,
        Verb::Impact(args) => impact::run(args, &connect(globals)?, console).await,
        Verb::Rollback { version, reason } => {
            versions::rollback(*version, reason, &connect(globals)?, console).await
        }
    }
}
