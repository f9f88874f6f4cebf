//! `lexecon policy import`: documents of other systems in our language.
//!
//! INVARIANT: an import never allows, without saying so, what the other system
//! denied. What cannot be said in our language, or not so that this holds, is
//! refused by name, and then nothing is printed as a policy.

mod cedar;
mod predecessor;
mod report;

use std::path::PathBuf;

use policy::{Compiled, Document};
use types::Json;

use self::report::Report;
use super::fmt;
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input::{self, Form};

pub(super) const HELP: &str = "\
Reads a policy of another system and prints it in our language. What changes its meaning on the \
way is noted on standard error, or under `notes` with --json. What cannot be said is refused by \
name; then nothing is printed and the command exits 1. Nothing becomes allowed that was denied \
without a note that says so.

From `predecessor`: the JSON of the earlier implementation. Noted is everything it ignored and \
that counts now (mode, conditions, constraints, dates, `requires`, `conflicts`, `implies`), terms \
given twice, terms that were never defined, and ids that were matched by a part of them. A \
constraint such as `amount > 500` becomes a condition; other prose is refused.

From `cedar`:
- `T::\"id\"`: the term `actor:t:id`, `action:id` or `resource:t:id` by its place; types in lower case
- `permit`, `forbid`: relations of that type, in mode strict; `@id`: the relation id; other annotations: metadata
- `principal is T`, `resource is T`: the pattern `actor:t:*`, `resource:t:*`
- `in G::\"g\"`: a relation on the group; who belongs to it is read from --entities
- `action in [..]`: a relation for each
- `context.a.b` with `== != < <= > >=` and a literal: `eq ne lt lte gt gte`
- `context has a`, `[..].contains(context.a)`, `context.a.contains(x)`: `exists`, `in`, `contains`
- `context.a like \"x*\"` or `\"*x\"`: `prefix`, `suffix`; `ip(context.a).isInRange(ip(\"..\"))`: `cidr`
- `&&`, `||`, `!`, `unless`: as many relations as it takes
An attribute that is missing makes Cedar skip a policy: here a `permit` does not apply, and a \
`forbid` does. Refused: templates, attributes of entities, arithmetic, `if`, other patterns and \
functions.

Examples:

  lexecon policy import --from predecessor old.json > policy.json

  lexecon policy import --from cedar app.cedar --entities entities.json --yaml";

/// What to read, and how to print it.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The policy; `-` for standard input
    file: PathBuf,
    /// The language it is written in
    #[arg(long, value_name = "LANGUAGE")]
    from: Language,
    /// Who belongs to which group, in Cedar's JSON of entities
    #[arg(long, value_name = "FILE")]
    entities: Option<PathBuf>,
    /// Print YAML and not JSON
    #[arg(long)]
    yaml: bool,
}

/// A language policies are imported from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Language {
    /// The JSON of the earlier implementation
    Predecessor,
    /// Cedar, as far as our language says the same
    Cedar,
}

pub(super) fn run(args: &Args, console: &mut Console<'_>) -> Result<Exit, Failure> {
    let mut report = Report::default();
    let json = match args.from {
        Language::Predecessor if args.entities.is_some() => {
            return Err(Failure::Usage("--entities goes with --from cedar".to_owned()));
        }
        Language::Predecessor => predecessor::import(&input::document(&args.file)?, &mut report),
        Language::Cedar => {
            let text = input::text(&args.file)?;
            let entities = args.entities.as_deref().map(input::document).transpose()?;
            cedar::import(&text, entities.as_ref(), &mut report)
        }
    };
    let document = checked(&json, &mut report);
    let form = if args.yaml { Form::Yaml } else { Form::Json };
    let text = match &document {
        Some(document) => fmt::laid_out(document, form)?,
        None => String::new(),
    };
    // A program finds them in the answer.
    let lines = if console.is_json() { Vec::new() } else { report.lines() };
    for line in lines {
        console.notice(&line)?;
    }
    console.show(&report.to_json(document.as_ref()), || text)?;
    Ok(Exit::answer(document.is_some()))
}

/// The document, where nothing was refused and it is valid.
fn checked(json: &Json, report: &mut Report) -> Option<Document> {
    if report.is_refused() {
        return None;
    }
    let parsed = Document::parse(json).and_then(|(document, warnings)| {
        Compiled::new(&document)?;
        Ok((document, warnings))
    });
    match parsed {
        Ok((document, warnings)) => {
            for warning in warnings {
                let place = format!("imported {}", warning.pointer);
                report.note(&place, warning.code, warning.detail);
            }
            Some(document)
        }
        Err(faults) => {
            for fault in faults {
                let place = format!("imported {}", fault.pointer);
                report.refuse(&place, fault.code, fault.detail);
            }
            None
        }
    }
}
