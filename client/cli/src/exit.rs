//! What a command leaves behind for scripts.

use std::process::ExitCode;

use client::Problem;

/// How a command ended. The numbers are fixed: scripts depend on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It was done.
    Done,
    /// The answer is no: denied, not valid, different.
    No,
    /// It was asked wrongly.
    Usage,
    /// It could not be reached or carried out.
    Failed,
}

impl Exit {
    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::No => 1,
            Self::Usage => 2,
            Self::Failed => 3,
        }
    }

    /// The answer to a question that has yes and no.
    pub(crate) fn answer(is_yes: bool) -> Self {
        if is_yes { Self::Done } else { Self::No }
    }

    /// A request that can never succeed as it stands was asked wrongly; a
    /// policy that is not valid is an answer; all else was not carried out.
    pub(crate) fn of_problem(problem: &Problem) -> Self {
        match (problem.status, problem.code.as_str()) {
            (_, "policy_invalid") => Self::No,
            (400 | 405 | 406 | 413 | 415 | 422, _) => Self::Usage,
            _ => Self::Failed,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
