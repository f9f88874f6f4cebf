//! The command line. Fixed: scripts outside this repository rely on it.

use std::ffi::OsString;
use std::path::{self, PathBuf};

use client::Credential;

use crate::failure::Failure;
use crate::{
    admin, api_key, certs, cluster, decide, decisions, escalation, evidence, intervention, keys,
    ledger, login, mfa, overrides, oversight, password, policy, responsibility, risk, session,
    signer, stop, token, user, verify,
};
use crate::{audit, compliance};

const UNIX: &str = "unix://";

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
    /// Ask the node of this machine over its socket, `admin.sock` in its data
    /// directory. Whoever may open it is its operator; no credential is sent.
    #[arg(long, global = true, value_name = "PATH")]
    pub socket: Option<PathBuf>,
    /// API key or session of whoever asks; that of `lexecon login` otherwise.
    /// Better given in the environment: other
    /// users of the machine can read the arguments of a process.
    #[arg(
        long,
        global = true,
        env = "LEXECON_API_KEY",
        hide_env_values = true,
        value_name = "KEY"
    )]
    pub api_key: Option<Credential>,
    /// Where sessions of `lexecon login` are kept, in `lexecon/session`;
    /// `~/.config` otherwise.
    #[arg(
        long,
        global = true,
        env = "XDG_CONFIG_HOME",
        value_name = "DIR",
        value_parser = clap::builder::OsStringValueParser::new()
    )]
    pub config_home: Option<OsString>,
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

impl Globals {
    /// The URL of the socket that is asked, where one is.
    pub(crate) fn socket(&self) -> Result<Option<String>, Failure> {
        let Some(path) = &self.socket else {
            return Ok(self.url.first().filter(|url| url.starts_with(UNIX)).cloned());
        };
        let unusable = |why: &str| Failure::Usage(format!("`{}` {why}", path.display()));
        let absolute = path::absolute(path).map_err(|error| unusable(&error.to_string()))?;
        let text = absolute.to_str().ok_or_else(|| unusable("is not UTF-8"))?;
        Ok(Some(format!("{UNIX}{text}")))
    }

    /// The credential that was given, where one was.
    pub(crate) fn key(&self) -> Option<&Credential> {
        self.api_key.as_ref().filter(|credential| !credential.is_empty())
    }
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
    /// Begin a session, which later commands use
    #[command(long_about = login::LOGIN_HELP)]
    Login(login::LoginArgs),
    /// End the session that `lexecon login` began
    #[command(long_about = login::LOGOUT_HELP)]
    Logout,
    /// The account that asks
    #[command(long_about = login::WHOAMI_HELP)]
    Whoami,
    /// One's own password
    #[command(subcommand, long_about = password::HELP)]
    Password(password::Verb),
    /// One's own second factor
    #[command(subcommand, long_about = mfa::HELP)]
    Mfa(mfa::Verb),
    /// Sessions that have not ended
    #[command(subcommand, long_about = session::HELP)]
    Session(session::Verb),
    /// Accounts of people
    #[command(subcommand, long_about = user::HELP)]
    User(user::Verb),
    /// Keys of programs
    #[command(subcommand, long_about = api_key::HELP)]
    ApiKey(api_key::Verb),
    /// The first administrator, on the node itself
    #[command(subcommand, long_about = admin::HELP)]
    Admin(admin::Verb),
    /// Certificates of a private authority: of nodes and clients
    #[command(subcommand, long_about = certs::HELP)]
    Certs(certs::Verb),
    /// What a node serves
    #[command(long_about = STATUS_HELP)]
    Status,
    /// Check an export, a receipt or a decision reply, without any server
    #[command(long_about = verify::HELP)]
    Verify(verify::Args),
    /// What is asked of the organisation, and what there is for it
    #[command(subcommand, long_about = compliance::HELP)]
    Compliance(compliance::Verb),
    /// What auditors can have done again
    #[command(subcommand, long_about = audit::HELP)]
    Audit(audit::Verb),
}

const STATUS_HELP: &str = "\
What the first node that answers serves: its cluster, the policy in force, the size of the ledger.

Example:

  lexecon status --url http://127.0.0.1:8001";
