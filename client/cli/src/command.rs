//! The command line. Fixed: scripts outside this repository rely on it.

use std::path::PathBuf;

use client::Credential;

use crate::{
    certs, cluster, decide, decisions, escalation, evidence, intervention, keys, ledger, overrides,
    oversight, policy, responsibility, risk, signer, stop, token, verify,
};

/// What is common to all commands.
#[derive(Clone, Debug, clap::Args)]
pub struct Globals {
    /// Nodes to ask; the next one is asked where one cannot answer.
    #[arg(
        long,
        global = true,
        env = "LEXECON_URL",
        value_name = "URL[,URL]",
        value_delimiter = ',',
        default_value = "http://127.0.0.1:8000"
    )]
    pub url: Vec<String>,
    /// Print the reply of the server as JSON, and problems as JSON on standard
    /// error.
    #[arg(long, global = true)]
    pub json: bool,
    /// Seconds a request may take, with all that is tried.
    #[arg(
        long,
        global = true,
        value_name = "SECONDS",
        default_value_t = 30,
        value_parser = clap::value_parser!(u64).range(1..=86_400)
    )]
    pub timeout: u64,
    /// API key or session of whoever asks. Better given in the environment: other
    /// users of the machine can read the arguments of a process.
    #[arg(
        long,
        global = true,
        env = "LEXECON_API_KEY",
        hide_env_values = true,
        value_name = "KEY"
    )]
    pub api_key: Option<Credential>,
    /// Certificates (PEM) of the authorities to believe over https, instead of
    /// those of the system: the cluster's `ca.crt`.
    #[arg(long, global = true, env = "LEXECON_CA_FILE", value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// Certificate (PEM) to show to a server that asks for one.
    #[arg(
        long,
        global = true,
        env = "LEXECON_CLIENT_CERT_FILE",
        value_name = "FILE",
        requires = "client_key_file"
    )]
    pub client_cert_file: Option<PathBuf>,
    /// Its key (PEM).
    #[arg(
        long,
        global = true,
        env = "LEXECON_CLIENT_KEY_FILE",
        value_name = "FILE",
        requires = "client_cert_file"
    )]
    pub client_key_file: Option<PathBuf>,
}

/// A command, noun first.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Command {
    /// Ask whether an actor may do something now
    #[command(long_about = decide::HELP)]
    Decide(Box<decide::Args>),
    /// Decisions that are recorded
    #[command(subcommand, long_about = decisions::HELP)]
    Decisions(decisions::Verb),
    /// Tokens that decisions granted: checking and ending them
    #[command(subcommand, long_about = token::HELP)]
    Token(token::Verb),
    /// The risk of decisions
    #[command(subcommand, long_about = risk::HELP)]
    Risk(risk::Verb),
    /// Questions to humans about decisions
    #[command(subcommand, long_about = escalation::HELP)]
    Escalation(escalation::Verb),
    /// Decisions of humans in the place of the policy's
    #[command(subcommand, long_about = overrides::HELP)]
    Override(overrides::Verb),
    /// Who answers for decisions
    #[command(subcommand, long_about = responsibility::HELP)]
    Responsibility(responsibility::Verb),
    /// What decisions and controls rest on: keeping it, signing it, finding it
    #[command(subcommand, long_about = evidence::HELP)]
    Evidence(evidence::Verb),
    /// Those whose keys sign evidence
    #[command(subcommand, long_about = signer::HELP)]
    Signer(signer::Verb),
    /// What humans did about what machines proposed
    #[command(subcommand, long_about = intervention::HELP)]
    Intervention(intervention::Verb),
    /// Emergency stops: denying requests whatever the policy says
    #[command(subcommand, long_about = stop::HELP)]
    Stop(stop::Verb),
    /// How human oversight went
    #[command(subcommand, long_about = oversight::HELP)]
    Oversight(oversight::Verb),
    /// What is in force, and putting another policy in force
    #[command(subcommand, long_about = policy::HELP)]
    Policy(policy::Verb),
    /// Read and verify the ledger
    #[command(subcommand, long_about = ledger::HELP)]
    Ledger(ledger::Verb),
    /// Who belongs to the cluster, and changing that
    #[command(subcommand, long_about = cluster::HELP)]
    Cluster(cluster::Verb),
    /// The public keys that answers are checked with, and replacing or ending them
    #[command(long_about = keys::HELP, args_conflicts_with_subcommands = true)]
    Keys {
        /// What to do with them; they are listed otherwise
        #[command(subcommand)]
        verb: Option<keys::Verb>,
    },
    /// Certificates of a private authority: of nodes and clients
    #[command(subcommand, long_about = certs::HELP)]
    Certs(certs::Verb),
    /// What a node serves
    #[command(long_about = STATUS_HELP)]
    Status,
    /// Check an export, a receipt or a decision reply, without any server
    #[command(long_about = verify::HELP)]
    Verify(verify::Args),
}

const STATUS_HELP: &str = "\
What the first node that answers serves: its cluster, the policy in force, the size of the ledger.

Example:

  lexecon status --url http://127.0.0.1:8001";
