//! What the demo shows: policies, two decisions, and the same ledger everywhere.

use std::time::Duration;

use client::checkpoint::FinalCheckpoint;
use client::cluster::ClusterStatus;
use client::policy::LoadOptions;
use client::{Client, Options, Reply};
use ledger::Note;
use tokio::time::Instant;
use types::Json;

use super::certificates::Certificates;
use super::scenario::{self, Ask, Scenario};
use super::{DemoError, Plan, evidence, say};

/// How long the cluster may take to form.
const FORM_MAX: Duration = Duration::from_secs(90);

/// Pause between looks.
const LOOK: Duration = Duration::from_millis(150);

pub(super) async fn tour(plan: &Plan) -> Result<(), DemoError> {
    say(&format!("Starting {} nodes in {} ...", plan.nodes, plan.dir.display()));
    let urls: Vec<String> = (0..plan.nodes).map(|number| plan.url(number)).collect();
    let clients = urls.iter().map(|url| client(plan, std::slice::from_ref(url)));
    let clients: Vec<Client> = clients.collect::<Result<_, _>>()?;
    let status = formed(&clients).await?;
    let leader = status.value.leader_id.as_deref().unwrap_or("?");
    say(&format!("  {} voters, {leader} leads, cluster {}", plan.nodes, status.value.cluster_id));
    let any = client(plan, &urls)?;
    put_in_force(&any, plan.scenario).await?;
    evidence::say_who(&any).await?;
    let decided = decide(&any, &plan.scenario.allowed).await?;
    for (client, url) in clients.iter().zip(&urls) {
        verify(&client.at_least(decided.index), url, &decided.reply).await?;
    }
    let last = decide(&any, &plan.scenario.noticed).await?;
    let sealed = sealed(&clients, last.entry).await?;
    let note = Note::parse(&sealed.checkpoint)
        .map_err(|err| DemoError::new("a checkpoint is no signed note", &err))?;
    say(&format!(
        "  {} of {} nodes signed a checkpoint of {} entries, the same on every node, root {}",
        note.signatures.len(),
        plan.nodes,
        sealed.size,
        sealed.root_hash
    ));
    evidence::show(&any).await?;
    print_next(&urls, plan);
    Ok(())
}

fn client(plan: &Plan, urls: &[String]) -> Result<Client, DemoError> {
    let mut options = Options::new(urls);
    options.trust.ca_file = plan.certificates.as_ref().map(Certificates::authority);
    Client::with_options(options).map_err(|err| DemoError::new("cannot make a client", &err))
}

/// Waits until every node votes and knows the leader.
async fn formed(clients: &[Client]) -> Result<Reply<ClusterStatus>, DemoError> {
    let deadline = Instant::now() + FORM_MAX;
    let mut shown = 0;
    loop {
        let mut ready = Vec::new();
        for client in clients {
            match client.cluster_status().await {
                Ok(status)
                    if status.value.leader_id.is_some()
                        && status.value.voters.len() == clients.len() =>
                {
                    ready.push(status);
                }
                Ok(_) | Err(_) => break,
            }
        }
        if shown < ready.len() {
            shown = ready.len();
            say(&format!("  {shown} of {} nodes are ready", clients.len()));
        }
        match ready.pop() {
            Some(status) if ready.len() + 1 == clients.len() => return Ok(status),
            _ if deadline < Instant::now() => {
                return Err(DemoError("the cluster did not form in time".to_owned()));
            }
            _ => tokio::time::sleep(LOOK).await,
        }
    }
}

/// Loads what the scenario needs. A ledger without a policy gets every sample,
/// that of the scenario last; one of the samples gives way to another; what
/// somebody else put in force stays.
async fn put_in_force(client: &Client, scenario: &Scenario) -> Result<(), DemoError> {
    let listed = client.policies().await;
    let listed = listed.map_err(|err| DemoError::new("cannot list the policies", &err))?.value;
    say("");
    if listed.active_version == 0 {
        let others = scenario::ALL.into_iter().filter(|other| other.name != scenario.name);
        for other in others {
            load(client, other).await?;
        }
        return load(client, scenario).await;
    }
    let active = listed.policies.into_iter().find(|policy| policy.active);
    let active = active.and_then(|policy| policy.name);
    if active != scenario.policy_name()? && is_sample(active.as_deref())? {
        return load(client, scenario).await;
    }
    say(&format!("Policy version {} is in force", listed.active_version));
    Ok(())
}

fn is_sample(name: Option<&str>) -> Result<bool, DemoError> {
    for scenario in scenario::ALL {
        if name.is_some() && scenario.policy_name()?.as_deref() == name {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn load(client: &Client, scenario: &Scenario) -> Result<(), DemoError> {
    let loaded = client.policy_load(&scenario.document()?, &LoadOptions::default()).await;
    let what = format!("cannot load the policy `{}`", scenario.name);
    let loaded = loaded.map_err(|err| DemoError::new(&what, &err))?.value;
    say(&format!(
        "Policy version {} is in force: {}, {} terms, {} relations, mode {}",
        loaded.policy_version,
        scenario.name,
        loaded.terms_loaded,
        loaded.relations_loaded,
        loaded.mode
    ));
    Ok(())
}

/// A decision that was made, and where it is recorded.
struct Decided {
    reply: Json,
    entry: u64,
    index: u64,
}

async fn decide(client: &Client, ask: &Ask) -> Result<Decided, DemoError> {
    let reply = client.decide(&ask.question()?).await;
    let reply = reply.map_err(|err| DemoError::new("no decision was made", &err))?;
    let decision = &reply.value;
    say(&format!("\n{}", ask.words));
    say(&format!("  {}: {}", decision.outcome, decision.reason));
    let entry = decision.ledger_entry_id.unwrap_or_default();
    say(&format!(
        "  {}, ledger entry {entry}, decided by {}",
        decision.decision_id.as_deref().unwrap_or("?"),
        reply.meta.node.as_deref().unwrap_or("?"),
    ));
    if decision.reason_code != ask.reason_code {
        return Err(DemoError(format!(
            "the sample policy says `{}`: is another policy in force?",
            ask.reason_code
        )));
    }
    let index = reply.meta.applied_index.unwrap_or_default();
    Ok(Decided { reply: reply.raw, entry, index })
}

async fn verify(client: &Client, url: &str, reply: &Json) -> Result<(), DemoError> {
    let failed = |err: &dyn std::fmt::Display| DemoError::new(&format!("{url} cannot verify"), err);
    let decision = client.decide_verify(reply).await.map_err(|err| failed(&err))?.value;
    let ledger = client.ledger_verify(client::ledger::VerifyRange::default()).await;
    let ledger = ledger.map_err(|err| failed(&err))?.value;
    if !decision.verified || !ledger.valid {
        return Err(DemoError(format!("{url} does not verify the decision or its ledger")));
    }
    say(&format!(
        "  verified on {url}: signature, token, {} entries chained",
        ledger.entries_checked
    ));
    Ok(())
}

/// The first final checkpoint over an entry, if it is the same on every node. It
/// says what each that signed it has: ledger, state and policy.
async fn sealed(clients: &[Client], entry: u64) -> Result<FinalCheckpoint, DemoError> {
    let deadline = Instant::now() + FORM_MAX;
    let mut found: Option<FinalCheckpoint> = None;
    for client in clients {
        let served = loop {
            let listed = client.checkpoints(Some(entry), Some(1)).await;
            let listed = listed.map_err(|err| DemoError::new("a node does not answer", &err))?;
            if let Some(served) = listed.value.checkpoints.into_iter().next() {
                break served;
            }
            if deadline < Instant::now() {
                return Err(DemoError("no majority signed what was recorded".to_owned()));
            }
            tokio::time::sleep(LOOK).await;
        };
        if found.as_ref().is_some_and(|known| *known != served) {
            return Err(DemoError("the nodes do not agree".to_owned()));
        }
        found = Some(served);
    }
    found.ok_or_else(|| DemoError("there are no nodes".to_owned()))
}

fn print_next(urls: &[String], plan: &Plan) {
    let first = urls.first().map_or("", String::as_str);
    say("\nThe cluster is up:");
    for (number, url) in (1..).zip(urls) {
        say(&format!("  n{number}  {url}   API description: {url}/docs"));
    }
    let (curl, lexecon) = match plan.certificates.as_ref().map(Certificates::authority) {
        None => ("curl -s".to_owned(), String::new()),
        Some(authority) => {
            let authority = authority.display().to_string();
            (format!("curl -s --cacert {authority}"), format!(" --ca-file {authority}"))
        }
    };
    say(&format!(
        "\nTry:\n  {curl} {first}/decide -H 'Content-Type: application/json' -d '{}'\n  \
         {curl} {first}/policies/explain -H 'Content-Type: application/json' -d '{}'\n  \
         {curl} {first}/policies\n  {curl} '{first}/ledger/entries?limit=100&verify=true'\n  \
         lexecon cluster status --url {first}{lexecon}\n  {curl} {first}/checkpoint\n  \
         lexecon compliance gaps soc2 --url {first}{lexecon}\n  \
         lexecon ledger export audit --url {first}{lexecon} && lexecon verify audit\n  \
         pkill -9 -f 'node-id n1 --data-dir {}'   # decisions go on",
        plan.scenario.next,
        plan.scenario.noticed.without_context(),
        plan.dir.display()
    ));
    say("\nCtrl-C stops everything.");
}
