//! Where answers and failures are shown.
//!
//! A command prints once, when it has its answer; until then only notices go to
//! standard error.

use std::fmt;
use std::io::{ErrorKind, Write};
use std::time::Duration;

use types::Json;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::secret::Input;

/// After so long, a person would like to know what is waited for.
const NOTICE_AFTER: Duration = Duration::from_secs(2);

/// Standard input, output and error, or doubles of them.
pub(crate) struct Console<'a> {
    pub(crate) input: Input<'a>,
    out: &'a mut (dyn Write + Send),
    err: &'a mut (dyn Write + Send),
    is_json: bool,
    notice_after: Duration,
}

impl fmt::Debug for Console<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console").field("is_json", &self.is_json).finish_non_exhaustive()
    }
}

impl<'a> Console<'a> {
    pub(crate) fn new(
        out: &'a mut (dyn Write + Send),
        err: &'a mut (dyn Write + Send),
        is_json: bool,
    ) -> Self {
        Self { input: Input::Nothing, out, err, is_json, notice_after: NOTICE_AFTER }
    }

    /// The same one, which is asked for what it needs to know.
    pub(crate) fn reading(self, input: Input<'a>) -> Self {
        Self { input, ..self }
    }

    /// Whether a program reads the answers.
    pub(crate) fn is_json(&self) -> bool {
        self.is_json
    }

    /// Prints an answer: the JSON for programs, or the text for people.
    pub(crate) fn show(
        &mut self,
        raw: &Json,
        text: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        let shown = if self.is_json { format!("{}\n", raw.to_canonical()) } else { text() };
        print(self.out, &shown)
    }

    /// Prints an answer that is a text of its own, for people and programs alike.
    /// Its form has no control characters, so nothing of it is lost.
    pub(crate) fn show_text(&mut self, text: &str) -> Result<(), Failure> {
        print(self.out, &printable_lines(text))
    }

    /// A line on standard error, for people alone.
    pub(crate) fn notice(&mut self, text: &str) -> Result<(), Failure> {
        print(self.err, &format!("{}\n", printable(text)))
    }

    /// What is wanted, on standard error, before somebody types it.
    pub(crate) fn prompt(&mut self, what: &str) -> Result<(), Failure> {
        print(self.err, &format!("{what}: "))
    }

    /// Shows why there is no answer.
    pub(crate) fn fail(&mut self, failure: &Failure) -> Exit {
        let text = if self.is_json {
            format!("{}\n", failure.to_json().to_canonical())
        } else {
            let text = failure.to_text();
            let lines: Vec<String> = text.lines().map(printable).collect();
            format!("lexecon: {}\n", lines.join("\n"))
        };
        // Where standard error cannot be written either, the exit code is left.
        let _ = print(self.err, &text);
        failure.exit()
    }

    /// Waits for `work`, and says so where it takes long.
    pub(crate) async fn wait<T, E>(
        &mut self,
        what: &str,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Failure>
    where
        Failure: From<E>,
    {
        let mut work = std::pin::pin!(work);
        if let Ok(done) = tokio::time::timeout(self.notice_after, &mut work).await {
            return Ok(done?);
        }
        self.notice(&format!("waiting for {what} ..."))?;
        Ok(work.await?)
    }
}

/// A closed pipe means that the reader has seen enough.
fn print(to: &mut dyn Write, text: &str) -> Result<(), Failure> {
    match to.write_all(text.as_bytes()).and_then(|()| to.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::Print(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// As [`printable`], line by line.
pub(crate) fn printable_lines(text: &str) -> String {
    text.lines().map(|line| format!("{}\n", printable(line))).collect()
}

/// The text with control characters escaped, and marks that turn the direction of
/// writing: what a server sends must not move the cursor of a terminal, nor read as
/// something else than it says.
pub(crate) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        let turns = matches!(
            character,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        );
        if turns || character.is_control() {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use std::io;

    use tokio::sync::oneshot;

    use super::*;

    /// Tells that something was written.
    struct Bell(Option<oneshot::Sender<String>>);

    impl Write for Bell {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if let Some(bell) = self.0.take() {
                let _ = bell.send(String::from_utf8_lossy(bytes).into_owned());
            }
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Broken(ErrorKind);

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn what_takes_long_is_named_while_it_lasts() {
        let (sender, heard) = oneshot::channel();
        let (mut out, mut err) = (Vec::new(), Bell(Some(sender)));
        let mut console = Console::new(&mut out, &mut err, false);
        console.notice_after = Duration::ZERO;
        // The work ends only once the notice is out.
        let work = async { Ok::<_, client::Error>(heard.await.unwrap()) };
        let said = console.wait("the ledger", work).await.unwrap();
        assert_eq!(said, "waiting for the ledger ...\n");
        assert!(out.is_empty());
    }

    #[test]
    fn a_reader_that_went_away_is_no_failure() {
        let (mut out, mut err) = (Broken(ErrorKind::BrokenPipe), Vec::new());
        let mut console = Console::new(&mut out, &mut err, true);
        assert!(console.show(&Json::Null, String::new).is_ok());
    }

    #[test]
    fn a_full_disk_is_a_failure() {
        let (mut out, mut err) = (Broken(ErrorKind::StorageFull), Vec::new());
        let mut console = Console::new(&mut out, &mut err, true);
        let failure = console.show(&Json::Null, String::new).unwrap_err();
        assert_eq!(console.fail(&failure), Exit::Failed);
        let said = String::from_utf8(err).unwrap();
        assert!(
            said.contains(r#""code":"not_printed","detail":"cannot print the answer: "#),
            "{said}"
        );
    }

    #[test]
    fn control_characters_do_not_reach_a_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb\nü"), "a\\u{1b}[2Jb\\nü");
        assert_eq!(printable("a\u{202e}b\u{200f}"), "a\\u{202e}b\\u{200f}");
    }
}
