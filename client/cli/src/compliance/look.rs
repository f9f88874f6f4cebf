//! What there is, as of an entry.

use client::Client;
use client::compliance::Wanted;

use super::shown;
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;

const STATISTICS_HELP: &str = "\
How many controls and duties come to which status.

Example:

  lexecon compliance statistics --as-of 2027-03-04T00:00:00Z";

const CONTROLS_HELP: &str = "\
Controls of a framework, and how they stand.

Examples:

  lexecon compliance controls soc2 --status partial

  lexecon compliance controls gdpr";

const SHOW_HELP: &str = "\
A control of a framework, or a duty of the EU AI Act: what questions to the ledger find, what people \
must bring, what they brought and who vouches for it.

Examples:

  lexecon compliance show soc2 CC6.1

  lexecon compliance show eu-ai-act AIA-9.1";

const GAPS_HELP: &str = "\
Controls that apply and for which something is missing.

Example:

  lexecon compliance gaps soc2";

const COVERAGE_HELP: &str = "\
How many controls of a framework come to which status, by the heading under which they stand.

Example:

  lexecon compliance coverage soc2";

const REPORT_HELP: &str = "\
How a framework stands as a whole. The same entry gives the same report on every node, its id \
included.

Example:

  lexecon compliance report soc2 --as-of 136 --json > soc2.json";

const REGISTER_HELP: &str = "\
Duties of the EU AI Act, and how they stand for what the profile says.

Examples:

  lexecon compliance register --status insufficient

  lexecon compliance register --article 12";

const ARTICLE_HELP: &str = "\
Duties of one article.

Example:

  lexecon compliance article 9";

const TIMELINE_HELP: &str = "\
What of the EU AI Act begins when: for whoever it is about, and how many duties of the organisation, \
going by its profile.

Example:

  lexecon compliance timeline";

const QUERY_HELP: &str = "\
What a question to the ledger finds, with the digest that tells whether it is the same again; every \
question where none is named.

Examples:

  lexecon compliance query

  lexecon compliance query decisions_denied --as-of 136";

const STATUSES: [&str; 5] =
    ["evidence_sufficient", "partial", "needs_human_evidence", "insufficient", "not_applicable"];

/// Up to where.
#[derive(Clone, Debug, clap::Args)]
pub struct AsOf {
    /// Count up to this entry, or to the last one not later
    #[arg(long, value_name = "ENTRY_ID or TIME")]
    as_of: Option<String>,
}

/// What to look at.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Verb {
    /// Count controls and duties
    #[command(long_about = STATISTICS_HELP)]
    Statistics {
        #[command(flatten)]
        as_of: AsOf,
    },
    /// List controls
    #[command(long_about = CONTROLS_HELP)]
    Controls {
        /// Whose
        framework: String,
        /// With this status
        #[arg(long, value_parser = STATUSES)]
        status: Option<String>,
        /// Of this category
        #[arg(long, value_name = "TEXT")]
        category: Option<String>,
        #[command(flatten)]
        as_of: AsOf,
    },
    /// Show a control or a duty
    #[command(long_about = SHOW_HELP)]
    Show {
        /// Whose; `eu-ai-act` for duties
        framework: String,
        /// Which
        control_id: String,
        #[command(flatten)]
        as_of: AsOf,
    },
    /// List what is missing
    #[command(long_about = GAPS_HELP)]
    Gaps {
        /// For which framework
        framework: String,
        #[command(flatten)]
        as_of: AsOf,
    },
    /// Count controls of a framework by category
    #[command(long_about = COVERAGE_HELP)]
    Coverage {
        /// Of which framework
        framework: String,
        #[command(flatten)]
        as_of: AsOf,
    },
    /// Report on a framework
    #[command(long_about = REPORT_HELP)]
    Report {
        /// Which
        framework: String,
        #[command(flatten)]
        as_of: AsOf,
    },
    /// List duties of the EU AI Act
    #[command(long_about = REGISTER_HELP)]
    Register {
        /// With this status
        #[arg(long, value_parser = STATUSES)]
        status: Option<String>,
        /// Of this article
        #[arg(long, value_name = "NUMBER")]
        article: Option<String>,
        #[command(flatten)]
        as_of: AsOf,
    },
    /// List duties of an article
    #[command(long_about = ARTICLE_HELP)]
    Article {
        /// Which
        number: String,
        #[command(flatten)]
        as_of: AsOf,
    },
    /// Say what begins when
    #[command(long_about = TIMELINE_HELP)]
    Timeline {
        #[command(flatten)]
        as_of: AsOf,
    },
    /// Ask the ledger
    #[command(long_about = QUERY_HELP)]
    Query {
        /// What
        query: Option<String>,
        #[command(flatten)]
        as_of: AsOf,
    },
}

pub(crate) async fn run(
    verb: &Verb,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    match verb {
        Verb::Statistics { as_of } => {
            let asked = client.compliance_statistics(as_of.text());
            let reply = console.wait("the counts", asked).await?;
            console.show(&reply.raw, || shown::statistics(&reply.value))?;
        }
        Verb::Controls { framework, status, category, as_of } => {
            let wanted = wanted(status, category, as_of);
            let reply = console.wait("the controls", client.controls(framework, &wanted)).await?;
            console.show(&reply.raw, || shown::controls(&reply.value))?;
        }
        Verb::Show { framework, control_id, as_of } if is_the_act(framework) => {
            let asked = client.duties_of(control_id, as_of.text());
            let reply = console.wait("the duty", asked).await?;
            console.show(&reply.raw, || shown::each_duty(&reply.value))?;
        }
        Verb::Show { framework, control_id, as_of } => {
            let asked = client.control(framework, control_id, as_of.text());
            let reply = console.wait("the control", asked).await?;
            console.show(&reply.raw, || shown::control(&reply.value))?;
        }
        Verb::Gaps { framework, as_of } => {
            let asked = client.control_gaps(framework, as_of.text());
            let reply = console.wait("the gaps", asked).await?;
            console.show(&reply.raw, || shown::gaps(&reply.value.gaps))?;
        }
        Verb::Coverage { framework, as_of } => {
            let asked = client.framework_coverage(framework, as_of.text());
            let reply = console.wait("the counts", asked).await?;
            console.show(&reply.raw, || shown::coverage(&reply.value))?;
        }
        Verb::Report { framework, as_of } => {
            let asked = client.framework_report(framework, as_of.text());
            let reply = console.wait("the report", asked).await?;
            console.show(&reply.raw, || shown::report(&reply.value))?;
        }
        Verb::Register { .. } | Verb::Article { .. } | Verb::Timeline { .. } => {
            return of_the_act(verb, client, console).await;
        }
        Verb::Query { query, as_of } => {
            return ask(query.as_deref(), as_of, client, console).await;
        }
    }
    Ok(Exit::Done)
}

/// What is about the EU AI Act as a whole.
async fn of_the_act(
    verb: &Verb,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    let reply = match verb {
        Verb::Register { status, article, as_of } => {
            let wanted = wanted(status, article, as_of);
            console.wait("the duties", client.duties(&wanted)).await?
        }
        Verb::Article { number, as_of } => {
            let name = format!("article-{number}");
            console.wait("the duties", client.duties_of(&name, as_of.text())).await?
        }
        Verb::Timeline { as_of } => {
            let asked = client.compliance_timeline(as_of.text());
            let reply = console.wait("the days", asked).await?;
            console.show(&reply.raw, || shown::timeline(&reply.value))?;
            return Ok(Exit::Done);
        }
        Verb::Statistics { .. }
        | Verb::Controls { .. }
        | Verb::Show { .. }
        | Verb::Gaps { .. }
        | Verb::Coverage { .. }
        | Verb::Report { .. }
        | Verb::Query { .. } => return Ok(Exit::Done),
    };
    console.show(&reply.raw, || shown::duties(&reply.value))?;
    Ok(Exit::Done)
}

async fn ask(
    query: Option<&str>,
    as_of: &AsOf,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    match query {
        Some(query) => {
            let asked = client.compliance_query(query, as_of.text());
            let reply = console.wait("the answer", asked).await?;
            console.show(&reply.raw, || shown::query(&reply.value))?;
        }
        None => {
            let asked = client.compliance_queries(as_of.text());
            let reply = console.wait("the answers", asked).await?;
            console.show(&reply.raw, || shown::queries(&reply.value))?;
        }
    }
    Ok(Exit::Done)
}

impl AsOf {
    fn text(&self) -> Option<&str> {
        self.as_of.as_deref()
    }
}

fn wanted<'a>(
    status: &'a Option<String>,
    group: &'a Option<String>,
    as_of: &'a AsOf,
) -> Wanted<'a> {
    Wanted { status: status.as_deref(), group: group.as_deref(), as_of: as_of.text() }
}

fn is_the_act(framework: &str) -> bool {
    matches!(framework.to_ascii_lowercase().as_str(), "eu-ai-act" | "eu_ai_act")
}
