//! `lexecon policy fmt`: one layout for every document, so that a difference
//! between two is a difference in what they say.
//!
//! INVARIANT: what is printed or written parses to the hash of what was read.

mod emit;
mod layout;

use std::path::{Path, PathBuf};

use policy::Document;
use types::Json;

use self::layout::{Ids, Tree};
use super::local;
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input::{self, Form, Source};
use crate::output;

pub(super) const HELP: &str = "\
Prints a policy in one layout: long spellings, members in a fixed order, terms and relations by id, \
what is empty or has its default left out. JSON stays JSON and YAML stays YAML. The hash of the \
policy stays as it is, which is checked before anything is printed or written.

Comments of YAML are lost: a file that has some is only written with --drop-comments.

Exits 1 with --check where the file is not laid out so, or where it is no valid policy.

Examples:

  lexecon policy fmt policy.yaml

  lexecon policy fmt policy.json --write

  lexecon policy fmt policy.yaml --check";

/// What to lay out, and where to.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The document, JSON or YAML; `-` for standard input
    file: PathBuf,
    /// Print nothing; exit 1 where the file is laid out otherwise
    #[arg(long, conflicts_with = "write")]
    check: bool,
    /// Replace the file
    #[arg(long)]
    write: bool,
    /// Write although the comments of the file are lost
    #[arg(long, requires = "write")]
    drop_comments: bool,
}

pub(super) fn run(args: &Args, console: &mut Console<'_>) -> Result<Exit, Failure> {
    let source = Source::read(&args.file)?;
    let origin = args.file.display().to_string();
    let (document, _) = local::parse(&source.document()?, &origin)?;
    let text = laid_out(&document, source.form)?;
    let is_formatted = text == source.text;
    let has_comments = source.form == Form::Yaml && input::has_comments(&source.text);
    if args.write {
        check_writable(args, has_comments)?;
        if !is_formatted {
            output::write(&args.file, &text)?;
        }
    }
    if has_comments && !args.write && !args.check {
        console.notice("the comments of the file are left out")?;
    }
    let raw = Json::object([
        ("formatted", is_formatted.into()),
        ("policy_hash", document.hash().to_string().into()),
        ("text", text.as_str().into()),
    ]);
    console.show(&raw, || match (args.check || args.write, is_formatted) {
        (false, _) => text,
        (true, true) => String::new(),
        (true, false) if args.check => format!("{origin} is laid out otherwise\n"),
        (true, false) => format!("{origin} was laid out anew\n"),
    })?;
    Ok(if args.check { Exit::answer(is_formatted) } else { Exit::Done })
}

fn check_writable(args: &Args, has_comments: bool) -> Result<(), Failure> {
    if args.file == Path::new("-") {
        return Err(Failure::Usage("--write needs a file and not standard input".to_owned()));
    }
    if has_comments && !args.drop_comments {
        let file = args.file.display();
        return Err(Failure::Usage(format!(
            "`{file}` has comments, which would be lost: --drop-comments writes it without them"
        )));
    }
    Ok(())
}

/// The text of a document. Ids that follow from a relation are left out where
/// they come back by themselves.
pub(super) fn laid_out(document: &Document, form: Form) -> Result<String, Failure> {
    for ids in [Ids::WhereChosen, Ids::Always] {
        let tree = Tree::of_document(&document.to_json(), ids);
        let text = match form {
            Form::Json => emit::json(&tree),
            Form::Yaml => emit::yaml(&tree),
        };
        if says_the_same(&text, form, document) {
            return Ok(text);
        }
    }
    let detail = "the document cannot be laid out: its hash would change";
    Err(Failure::Usage(detail.to_owned()))
}

fn says_the_same(text: &str, form: Form, document: &Document) -> bool {
    let read = input::parse(text, form).ok().and_then(|json| Document::parse(&json).ok());
    read.is_some_and(|(read, _)| read.hash() == document.hash())
}
