//! What is recorded: what the organisation is, evidence, and who vouches for it.

use client::Client;
use client::compliance::{NewProfile, Vouch};

use super::shown;
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;

const LINK_HELP: &str = "\
Says that a piece of evidence, registered before, stands for what a control or a duty asks of people: \
for all it asks, unless --evidence-type says for which of it. What a machine made by itself stands \
for nothing of that. Saying so again records nothing.

Examples:

  lexecon compliance link soc2 CC6.1 evd_01K1R0J2J7Q4M8X5B9C3F6H0TN --evidence-type asset_inventory

  lexecon compliance link eu-ai-act AIA-9.1 evd_01K1R0J2J7Q4M8X5B9C3F6H0TN";

const ATTEST_HELP: &str = "\
Vouches, as a person, for evidence that was linked. It counts once somebody checked who you are, and \
for nothing that you registered yourself. It is sent once: where its outcome is unknown, `lexecon \
compliance show` tells.

Example:

  lexecon compliance attest soc2 CC6.1 --artifact evd_01K1R0J2J7Q4M8X5B9C3F6H0TN \
--statement 'I compared the inventory with what runs, on 2027-03-01.' --valid-until 2028-03-01";

const PROFILE_HELP: &str = "\
What the organisation says it is, from which it follows which duties and controls apply to it.

Example:

  lexecon compliance profile show";

const PROFILE_SHOW_HELP: &str = "\
What the organisation says it is.

Example:

  lexecon compliance profile show";

const PROFILE_SET_HELP: &str = "\
Says what the organisation is, whole: what is not named is not so any more. It is sent once: where \
its outcome is unknown, `lexecon compliance profile show` tells.

Example:

  lexecon compliance profile set --name 'Acme Insurance' --role deployer --risk-route annex_iii \
--framework soc2 --framework gdpr --reason 'first look'";

/// What to record.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Verb {
    /// Link evidence to a control or a duty
    #[command(long_about = LINK_HELP)]
    Link {
        /// Whose; `eu-ai-act` for duties
        framework: String,
        /// Which
        control_id: String,
        /// The evidence
        artifact_id: String,
        /// For which of what is asked it stands
        #[arg(long, value_name = "TYPE")]
        evidence_type: Option<String>,
    },
    /// Vouch for linked evidence
    #[command(long_about = ATTEST_HELP)]
    Attest(Box<AttestArgs>),
    /// What the organisation is
    #[command(subcommand, long_about = PROFILE_HELP)]
    Profile(ProfileVerb),
}

/// What is vouched for.
#[derive(Clone, Debug, clap::Args)]
pub struct AttestArgs {
    /// Whose; `eu-ai-act` for duties
    framework: String,
    /// Which
    control_id: String,
    /// What it rests on; may be repeated
    #[arg(long = "artifact", value_name = "ARTIFACT_ID", required = true)]
    artifacts: Vec<String>,
    /// What is vouched for, in at least 20 characters
    #[arg(long, value_name = "TEXT")]
    statement: String,
    /// Until when
    #[arg(long, value_name = "TIME")]
    valid_until: Option<String>,
    /// Who, where nobody authenticates
    #[arg(long, value_name = "HUMAN_ID")]
    by: Option<String>,
}

/// What to do with the profile.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum ProfileVerb {
    /// Show it
    #[command(long_about = PROFILE_SHOW_HELP)]
    Show {
        /// As it was at this entry, or at the last one not later
        #[arg(long, value_name = "ENTRY_ID or TIME")]
        as_of: Option<String>,
    },
    /// Say it
    #[command(long_about = PROFILE_SET_HELP)]
    Set(Box<ProfileArgs>),
}

/// What the organisation is.
#[derive(Clone, Debug, clap::Args)]
pub struct ProfileArgs {
    /// What it is called
    #[arg(long, value_name = "TEXT")]
    name: String,
    /// What it is to AI systems; may be repeated
    #[arg(long = "role", required = true,
        value_parser = ["provider", "deployer", "importer", "distributor",
            "authorised_representative"])]
    roles: Vec<String>,
    /// How the law looks at its systems; may be repeated
    #[arg(long = "risk-route", required = true,
        value_parser = ["annex_i", "annex_iii", "transparency", "minimal", "prohibited"])]
    risk_routes: Vec<String>,
    /// Where it works; may be repeated
    #[arg(long = "jurisdiction", value_name = "TEXT")]
    jurisdictions: Vec<String>,
    /// A framework it answers to; may be repeated, all of them otherwise
    #[arg(long = "framework", value_name = "FRAMEWORK")]
    frameworks: Vec<String>,
    /// Why it is said now
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

pub(crate) async fn run(
    verb: &Verb,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    match verb {
        Verb::Link { framework, control_id, artifact_id, evidence_type } => {
            let control = (framework.as_str(), control_id.as_str());
            let linked = client.control_link(control, artifact_id, evidence_type.as_deref());
            let reply = console.wait("the link", linked).await?;
            console.show(&reply.raw, || shown::linked(&reply.value))?;
        }
        Verb::Attest(args) => {
            let vouch = Vouch {
                statement: args.statement.clone(),
                artifact_ids: args.artifacts.clone(),
                valid_until: args.valid_until.clone(),
                attested_by: args.by.clone(),
            };
            let attested = client.control_attest(&args.framework, &args.control_id, &vouch);
            let reply = console.wait("the attestation", attested).await?;
            console.show(&reply.raw, || shown::control(&reply.value))?;
        }
        Verb::Profile(ProfileVerb::Show { as_of }) => {
            let reply = console.wait("the profile", client.profile(as_of.as_deref())).await?;
            console.show(&reply.raw, || shown::profile(&reply.value))?;
        }
        Verb::Profile(ProfileVerb::Set(args)) => {
            let profile = profile(args);
            let reply = console.wait("the profile", client.profile_set(&profile)).await?;
            console.show(&reply.raw, || shown::profile(&reply.value))?;
        }
    }
    Ok(Exit::Done)
}

fn profile(args: &ProfileArgs) -> NewProfile {
    NewProfile {
        organisation_name: args.name.clone(),
        roles: args.roles.clone(),
        risk_routes: args.risk_routes.clone(),
        jurisdictions: args.jurisdictions.clone(),
        frameworks: args.frameworks.clone(),
        reason: args.reason.clone(),
    }
}
