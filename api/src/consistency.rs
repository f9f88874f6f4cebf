//! How fresh a read must be, and waiting for it: api.md, section 1.3.

use std::time::Duration;

use types::LogIndex;

use crate::app::App;
use crate::backend::Backend;
use crate::call::Call;
use crate::fields::{Field, Kind};
use crate::problem::{Code, Fault, Problem};

/// The longest staleness that can be asked for.
const STALENESS_MS_MAX: i64 = 3_600_000;
const STALENESS_MS_DEFAULT: u64 = 500;

/// Parameters of every read.
pub(crate) const READ: &[Field] = &[
    Field::optional(
        "consistency",
        Kind::Word(&["local", "bounded", "linearizable"]),
        "How fresh the answer must be: whatever this node has applied, at most `max_staleness_ms` \
         old, or confirmed with a quorum.",
    )
    .default("\"local\""),
    Field::optional(
        "max_staleness_ms",
        Kind::Integer { min: 1, max: STALENESS_MS_MAX },
        "With `consistency=bounded`: how old the state may be.",
    )
    .default("500"),
];

/// Waits until this node may answer `call`.
pub(crate) async fn settle<B: Backend>(app: &App<B>, call: &Call) -> Result<(), Problem> {
    let backend = &app.backend;
    if let Some(index) = call.min_index {
        wait_for(app, LogIndex(index)).await?;
    }
    let max_staleness: Option<u64> = call.query.integer("max_staleness_ms");
    match (call.query.word("consistency"), max_staleness) {
        (Some("linearizable"), _) => {
            Ok(backend.confirm_read(app.config.consistency_timeout).await?)
        }
        (Some("bounded"), asked) => {
            let bound = Duration::from_millis(asked.unwrap_or(STALENESS_MS_DEFAULT));
            match backend.staleness() {
                Some(age) if age <= bound => Ok(()),
                Some(age) => {
                    Err(too_stale(format!("what this node shows is {} ms old", age.as_millis())))
                }
                None => Err(too_stale("this node has not heard from a leader".to_owned())),
            }
        }
        (_, Some(_)) => {
            let detail = "goes with `consistency=bounded`";
            Err(Problem::fault(Fault::parameter("max_staleness_ms", "not_applicable", detail)))
        }
        (_, None) => Ok(()),
    }
}

/// Waits until this node has applied `index`.
async fn wait_for<B: Backend>(app: &App<B>, index: LogIndex) -> Result<(), Problem> {
    if index <= app.backend.applied_index() {
        return Ok(());
    }
    if app.backend.wait_applied(index, app.config.consistency_timeout).await {
        return Ok(());
    }
    let detail = format!("index {} was not applied here in time", index.0);
    Err(Problem::new(Code::MIN_INDEX_TIMEOUT, detail))
}

fn too_stale(detail: String) -> Problem {
    Problem::new(Code::TOO_STALE, detail)
}
