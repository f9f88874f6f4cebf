//! Asking for what must not stand in an argument: other users of the machine can
//! read those.
//!
//! A terminal is asked, and does not show what is typed. Elsewhere each question
//! is answered by the next line of standard input, or by a file.
//!
//! Invariants
//! - The terminal shows again what is typed however the question ends: by an
//!   answer, a failure, or a signal ([`guarded`]).
//! - An answer is bounded in size, and wiped from memory where it was ours.

use std::fmt;
use std::fs::File;
use std::future;
use std::io::{self, BufRead, BufReader, IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};
use std::thread;

use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios};
use rustix::termios::{tcgetattr, tcsetattr};
use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

use crate::console::Console;
use crate::failure::Failure;
use crate::input::InputError;

/// More than any password or code.
const ANSWER_BYTES_MAX: usize = 4096;

/// What answers questions.
pub(crate) enum Input<'a> {
    /// Nobody.
    Nothing,
    /// Somebody at the terminal that standard input is.
    Terminal,
    /// Standard input, line by line.
    Process(BufReader<io::Stdin>),
    /// Lines of a double.
    Lines(&'a mut (dyn BufRead + Send)),
}

impl Input<'_> {
    /// Standard input.
    pub(crate) fn process() -> Self {
        match io::stdin().is_terminal() {
            true => Self::Terminal,
            false => Self::Process(BufReader::new(io::stdin())),
        }
    }

    fn is_terminal(&self) -> bool {
        match self {
            Self::Terminal => true,
            Self::Nothing | Self::Process(_) | Self::Lines(_) => false,
        }
    }
}

impl fmt::Debug for Input<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Input(..)")
    }
}

/// Whether a terminal shows what is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Echo {
    Shown,
    Hidden,
}

/// A file with an answer on one of its lines, counted from 0.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At<'a> {
    pub(crate) path: &'a Path,
    pub(crate) line: usize,
}

impl<'a> At<'a> {
    /// The first line of a file, where there is one.
    pub(crate) fn first(path: Option<&'a PathBuf>) -> Option<Self> {
        path.map(|path| Self { path, line: 0 })
    }
}

impl Console<'_> {
    /// A secret: from a file where one is given, else as the module says.
    pub(crate) async fn secret(
        &mut self,
        what: &str,
        file: Option<At<'_>>,
    ) -> Result<SecretString, Failure> {
        let bytes = match file {
            Some(At { path, line }) if path != Path::new("-") => of_file(path, line)?,
            Some(_) | None => self.line(what, Echo::Hidden).await?,
        };
        answered(what, bytes)
    }

    /// A secret that is new: who types it unseen types it twice.
    pub(crate) async fn new_secret(
        &mut self,
        what: &str,
        file: Option<At<'_>>,
    ) -> Result<SecretString, Failure> {
        use secrecy::ExposeSecret as _;
        let first = self.secret(what, file).await?;
        if !self.input.is_terminal() || file.is_some_and(|at| at.path != Path::new("-")) {
            return Ok(first);
        }
        let second = self.secret(&format!("{what} again"), None).await?;
        match first.expose_secret() == second.expose_secret() {
            true => Ok(first),
            false => Err(Failure::Usage("the two are not the same".to_owned())),
        }
    }

    /// What is no secret, from somebody at a terminal.
    pub(crate) async fn typed(&mut self, what: &str, flag: &str) -> Result<String, Failure> {
        if !self.input.is_terminal() {
            return Err(Failure::Usage(format!(
                "give {flag}: nobody is at a terminal to be asked"
            )));
        }
        let bytes = self.line(what, Echo::Shown).await?;
        let text = String::from_utf8_lossy(&bytes).trim().to_owned();
        if text.is_empty() { Err(none(what)) } else { Ok(text) }
    }

    async fn line(&mut self, what: &str, echo: Echo) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let read = match &mut self.input {
            Input::Nothing => Ok(Zeroizing::default()),
            Input::Process(input) => read_line(input),
            Input::Lines(input) => read_line(input),
            Input::Terminal => {
                self.prompt(what)?;
                of_terminal(echo).await
            }
        };
        read.map_err(|source| InputError::Unreadable { path: "-".into(), source }.into())
    }
}

fn answered(what: &str, mut bytes: Zeroizing<Vec<u8>>) -> Result<SecretString, Failure> {
    if ANSWER_BYTES_MAX < bytes.len() {
        let why = format!("the {what} is longer than {ANSWER_BYTES_MAX} bytes");
        return Err(Failure::Usage(why.to_lowercase()));
    }
    let text = String::from_utf8(std::mem::take(&mut *bytes));
    let text = text.map_err(|error| {
        drop(Zeroizing::new(error.into_bytes()));
        Failure::Usage(format!("the {what} is not UTF-8").to_lowercase())
    })?;
    if text.is_empty() { Err(none(what)) } else { Ok(SecretString::from(text)) }
}

fn none(what: &str) -> Failure {
    Failure::Usage(format!("no {what} was given").to_lowercase())
}

fn of_file(path: &Path, line: usize) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let read = || {
        let mut file = BufReader::new(File::open(path)?);
        for _ in 0..line {
            read_line(&mut file)?;
        }
        read_line(&mut file)
    };
    read().map_err(|source| InputError::Unreadable { path: path.to_owned(), source }.into())
}

/// A line without its end, and one byte more than an answer may have where it is
/// longer.
fn read_line(mut from: &mut dyn BufRead) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(ANSWER_BYTES_MAX + 2));
    let most = u64::try_from(ANSWER_BYTES_MAX + 2).unwrap_or(u64::MAX);
    io::Read::by_ref(&mut from).take(most).read_until(b'\n', &mut bytes)?;
    for end in [b'\n', b'\r'] {
        if bytes.last() == Some(&end) {
            bytes.pop();
        }
    }
    Ok(bytes)
}

/// Reads on a thread of its own, which a signal leaves behind: nothing else ends
/// a read from a terminal, and the process is about to end.
async fn of_terminal(echo: Echo) -> io::Result<Zeroizing<Vec<u8>>> {
    let _quiet = match echo {
        Echo::Hidden => Some(Quiet::begin()?),
        Echo::Shown => None,
    };
    let (sender, receiver) = oneshot::channel();
    thread::Builder::new().name("answer".to_owned()).spawn(move || {
        // Nobody waits any more after a signal.
        let _ = sender.send(read_line(&mut io::stdin().lock()));
    })?;
    receiver.await.map_err(|_| io::Error::from(io::ErrorKind::Interrupted))?
}

/// While it lives, the terminal does not show what is typed.
struct Quiet {
    before: Termios,
}

impl Quiet {
    fn begin() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        // The end of the line is shown, so that what follows begins a new one.
        quiet.local_modes.insert(LocalModes::ECHONL);
        // Suspended, the command would leave a terminal that shows nothing.
        quiet.special_codes[SpecialCodeIndex::VSUSP] = 0;
        tcsetattr(io::stdin(), OptionalActions::Flush, &quiet)?;
        Ok(Self { before })
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // There is nobody left to tell that it failed.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
    }
}

/// Carries out a command that asks. A signal that would end the process ends the
/// command instead, so that the terminal is put back in order.
pub(crate) async fn guarded<T>(
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    if !io::stdin().is_terminal() {
        return work.await;
    }
    let kinds = [
        SignalKind::interrupt(),
        SignalKind::terminate(),
        SignalKind::hangup(),
        SignalKind::quit(),
    ];
    let signals: io::Result<Vec<Signal>> = kinds.into_iter().map(signal).collect();
    let mut signals = signals
        .map_err(|source| Failure::Input(InputError::Unreadable { path: "-".into(), source }))?;
    let mut ended = future::poll_fn(|context| {
        match signals.iter_mut().any(|signal| signal.poll_recv(context).is_ready()) {
            true => std::task::Poll::Ready(()),
            false => std::task::Poll::Pending,
        }
    });
    tokio::select! {
        done = work => done,
        () = &mut ended => Err(Failure::Interrupted),
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    async fn asked(
        lines: &str,
        questions: &[(&str, Option<At<'_>>)],
    ) -> Vec<Result<String, String>> {
        let (mut out, mut err, mut input) = (Vec::new(), Vec::new(), lines.as_bytes());
        let mut console = Console::new(&mut out, &mut err, false).reading(Input::Lines(&mut input));
        let mut answers = Vec::new();
        for (what, file) in questions {
            let answer = console.secret(what, *file).await;
            let answer = answer.map(|secret| secret.expose_secret().to_owned());
            answers.push(answer.map_err(|failure| failure.to_text()));
        }
        assert!(out.is_empty() && err.is_empty(), "nobody at a terminal, nothing to prompt");
        answers
    }

    #[tokio::test]
    async fn each_question_is_answered_by_the_next_line() {
        let answers = asked(" a b \r\n123456", &[("Password", None), ("Code", None)]).await;
        assert_eq!(answers, [Ok(" a b ".to_owned()), Ok("123456".to_owned())]);
    }

    #[tokio::test]
    async fn what_is_no_answer_is_not_repeated_in_the_failure() {
        let long = "x".repeat(ANSWER_BYTES_MAX + 10);
        let answers = asked(&long, &[("Password", None)]).await;
        assert_eq!(answers, [Err("the password is longer than 4096 bytes".to_owned())]);
        let answers = asked("\n", &[("Password", None), ("Code", None)]).await;
        assert_eq!(answers[0], Err("no password was given".to_owned()));
        assert_eq!(answers[1], Err("no code was given".to_owned()));
    }

    #[tokio::test]
    async fn a_file_answers_with_the_line_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("passwords");
        std::fs::write(&path, "old\nnew\n").unwrap();
        let at = |line| Some(At { path: &path, line });
        let answers = asked("typed", &[("Old", at(0)), ("New", at(1)), ("Third", at(2))]).await;
        let expect = [Ok("old".to_owned()), Ok("new".to_owned())];
        assert_eq!(answers[..2], expect);
        assert_eq!(answers[2], Err("no third was given".to_owned()));
        let dash = Some(At { path: Path::new("-"), line: 0 });
        assert_eq!(asked("typed\n", &[("Old", dash)]).await, [Ok("typed".to_owned())]);
    }

    #[tokio::test]
    async fn the_longest_answer_is_taken_whole() {
        let longest = "x".repeat(ANSWER_BYTES_MAX);
        let answers = asked(&format!("{longest}\r\n"), &[("Password", None)]).await;
        assert_eq!(answers, [Ok(longest)]);
    }
}
