//! `lexecon decisions`: decisions that are recorded. Asking for one is
//! `lexecon decide`.

use client::Client;
use client::decision::{Judgement, Replay};

use crate::console::{Console, printable};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::table::fields;

pub(crate) const HELP: &str = "\
Decisions that were made and recorded.

Example:

  lexecon decisions replay dec_01K1R0D2J7Q4M8X5B9C3F6H0TN";

const REPLAY_HELP: &str = "\
Judges a recorded decision again, by the policy and the facts it was judged by, and compares. \
Nothing is recorded.

Exits 0 if it comes out as recorded, 1 if not or if its content is erased.

Example:

  lexecon decisions replay dec_01K1R0D2J7Q4M8X5B9C3F6H0TN";

/// What to do with decisions.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Verb {
    /// Judge a recorded decision again and compare
    #[command(long_about = REPLAY_HELP)]
    Replay {
        /// Which one
        decision_id: String,
    },
}

pub(crate) async fn run(
    verb: &Verb,
    client: &Client,
    console: &mut Console<'_>,
) -> Result<Exit, Failure> {
    let Verb::Replay { decision_id } = verb;
    let replay = client.decision_replay(decision_id);
    let reply = console.wait("the decision to be judged again", replay).await?;
    console.show(&reply.raw, || shown(&reply.value))?;
    Ok(Exit::answer(reply.value.identical == Some(true)))
}

fn shown(replay: &Replay) -> String {
    let judgement =
        |judgement: &Judgement| format!("{} ({})", judgement.outcome, judgement.reason_code);
    let identical = match (replay.identical, &replay.unreplayable) {
        (Some(true), _) => "yes".to_owned(),
        (Some(false), _) => "NO".to_owned(),
        (None, why) => format!("cannot be told: {}", why.as_deref().unwrap_or("no reason given")),
    };
    let mut text = fields([
        ("decision", Some(replay.decision_id.clone())),
        ("identical", Some(identical)),
        ("recorded", Some(judgement(&replay.recorded))),
        ("replayed", replay.replayed.as_ref().map(judgement)),
        ("policy", Some(format!("version {}, hash {}", replay.policy_version, replay.policy_hash))),
        ("engine", Some(replay.engine_version.to_string())),
    ]);
    for difference in &replay.differences {
        let line = difference.as_str().map_or_else(|| difference.to_canonical(), str::to_owned);
        text.push_str(&format!("differs: {}\n", printable(&line)));
    }
    text
}
