//! `lexecon compliance oscal-component`: what the product offers to controls, for
//! the tools of auditors. It is of this program, so no node is asked.

use std::path::PathBuf;

use client::oscal;
use register::{Control, Framework, Register, register};
use types::Json;

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;

pub(crate) const HELP: &str = "\
What this product offers to the controls of every framework, as an OSCAL component definition: which it \
implements, which in part, of what, and what people must bring. It says nothing of how your system \
stands; an export as `oscal` does. No node is asked.

Example:

  lexecon compliance oscal-component --output component-definition.json";

/// What to write it to.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Where to write it; standard output otherwise
    #[arg(long, value_name = "PATH")]
    output: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, console: &mut Console<'_>) -> Result<Exit, Failure> {
    let component = oscal::component_definition(&offered(register()));
    match &args.output {
        Some(path) => output::write(path, component.to_canonical())?,
        None => console.show_text(&component.to_canonical())?,
    }
    Ok(Exit::Done)
}

/// The register, as a component definition is made from it.
fn offered(register: &Register) -> Json {
    let frameworks = register.frameworks().iter().map(framework).collect();
    Json::object([
        ("register_version", register.version().into()),
        // A day is a moment to OSCAL: its beginning.
        ("timestamp", format!("{}T00:00:00Z", register.version()).into()),
        ("frameworks", Json::Array(frameworks)),
    ])
}

fn framework(framework: &Framework) -> Json {
    Json::object([
        ("framework", framework.id().into()),
        ("title", framework.name.as_str().into()),
        ("version", framework.version.as_str().into()),
        ("controls", Json::Array(framework.controls.iter().map(control).collect())),
    ])
}

fn control(control: &Control) -> Json {
    let primitives = control.primitives.iter().map(|one| one.as_str().into()).collect();
    let people = control.human_evidence.iter().map(|one| one.as_str().into()).collect();
    Json::object([
        ("control_id", control.id.as_str().into()),
        ("title", control.title.as_str().into()),
        ("coverage", control.coverage.as_str().into()),
        ("primitives", Json::Array(primitives)),
        ("human_evidence", Json::Array(people)),
    ])
}
