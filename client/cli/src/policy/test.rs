//! `lexecon policy test`: what a policy must say, kept as files and checked
//! without a server.
//!
//! Judged by the crate that nodes judge by, so that a case that passes here is
//! decided so there.

pub(super) mod case;
mod coverage;
mod junit;
pub(super) mod verdict;

use std::path::PathBuf;

use policy::Compiled;
use types::Json;

use self::case::Suite;
use self::coverage::Coverage;
use self::verdict::Judged;
use super::local;
use crate::console::{Console, printable};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;

pub(super) const HELP: &str = "\
Judges requests by a policy and compares the outcomes with those expected. No server is asked.

A file of cases is YAML or JSON: `cases`, each with a `name` that is unique in its file, a `request` \
(the members of `POST /decide`), and `expect` with `outcome` and, where it matters, `reason_code`, \
`reason`, `applies` (relations that must apply; `[]`: none may) and `obligations_unmet` (exactly \
these). `at` is the cluster time, 2027-01-04T12:00:00Z (a Monday) where nothing is said. `history` \
lists what the same actor was allowed before, as `action` and `resource`. Members under `defaults` \
count for every request that does not have them; `context` and `risk` are joined member by member.

Coverage is the share of relations that applied and constraints that held in some case.

Exits 0 if all cases pass, 1 if one fails or the coverage is too low, 2 if the policy or a file of \
cases is not valid, 3 if a file cannot be read.

Examples:

  lexecon policy test policy.yaml cases.yaml

  lexecon policy test policy.yaml cases/*.yaml --junit report.xml --coverage-min 90";

/// What to test, and what to make of it.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The policy, JSON or YAML; `-` for standard input
    policy: PathBuf,
    /// Files of cases, JSON or YAML
    #[arg(required = true)]
    cases: Vec<PathBuf>,
    /// Write the results as JUnit XML too
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Exit 1 where fewer rules are covered
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u64).range(0..=100))]
    coverage_min: Option<u64>,
}

/// A file of cases and what came of each.
#[derive(Debug)]
struct Tested<'a> {
    suite: &'a Suite,
    judged: Vec<Judged<'a>>,
}

pub(super) fn run(args: &Args, console: &mut Console<'_>) -> Result<Exit, Failure> {
    let policy = local::compiled(&args.policy).map_err(asked_wrongly)?;
    let suites = args.cases.iter().map(|path| case::read(path));
    let suites = suites.collect::<Result<Vec<Suite>, _>>().map_err(asked_wrongly)?;
    let files: Vec<Tested<'_>> = suites
        .iter()
        .map(|suite| Tested {
            suite,
            judged: suite.cases.iter().map(|case| verdict::judge(&policy, case)).collect(),
        })
        .collect();
    let all = || files.iter().flat_map(|file| &file.judged);
    let coverage = Coverage::of(&policy, all().map(|judged| &judged.reach));
    if let Some(path) = &args.junit {
        output::write(path, junit::xml(&files))?;
    }
    let report =
        Report { policy: &policy, files: &files, coverage, coverage_min: args.coverage_min };
    console.show(&report.to_json(), || report.to_text())?;
    Ok(Exit::answer(all().all(Judged::passed) && !report.is_covered_too_little()))
}

/// A file that is not valid is no failed case.
fn asked_wrongly(failure: Failure) -> Failure {
    match failure.exit() {
        Exit::No => Failure::Usage(failure.to_text()),
        Exit::Done | Exit::Usage | Exit::Failed => failure,
    }
}

struct Report<'a> {
    policy: &'a Compiled,
    files: &'a [Tested<'a>],
    coverage: Coverage,
    coverage_min: Option<u64>,
}

impl Report<'_> {
    fn is_covered_too_little(&self) -> bool {
        self.coverage_min.is_some_and(|min| self.coverage.percent() < min)
    }

    fn counts(&self) -> (u64, u64) {
        let passed = |judged: &&Judged<'_>| judged.passed();
        let all = || self.files.iter().flat_map(|file| &file.judged);
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let done = all().filter(passed).count();
        (count(done), count(all().count() - done))
    }

    fn to_text(&self) -> String {
        let mut text = String::new();
        for file in self.files {
            for judged in file.judged.iter().filter(|judged| !judged.passed()) {
                let line = format!("FAILED {} ({})", judged.case.name, file.suite.file);
                text.push_str(&format!("{}\n{}", printable(&line), judged.explanation()));
            }
        }
        let (passed, failed) = self.counts();
        text.push_str(&format!("{passed} passed, {failed} failed\n"));
        text.push_str(&self.coverage.to_text());
        if let Some(min) = self.coverage_min.filter(|_| self.is_covered_too_little()) {
            text.push_str(&format!("coverage is below {min} %\n"));
        }
        text
    }

    fn to_json(&self) -> Json {
        let (passed, failed) = self.counts();
        let cases = self
            .files
            .iter()
            .flat_map(|file| file.judged.iter().map(|judged| judged.to_json(&file.suite.file)));
        Json::object([
            ("policy_hash", self.policy.hash().to_string().into()),
            ("passed", passed.into()),
            ("failed", failed.into()),
            ("cases", cases.collect::<Vec<_>>().into()),
            ("coverage", self.coverage.to_json()),
            ("coverage_min", self.coverage_min.into()),
        ])
    }
}
