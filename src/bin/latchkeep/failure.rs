//! Owns everything that can go wrong in a command, as a person and as a script read it: what, which, what now.
//!
//! Never holds secret data. Read next: [`super::explanation`], for refusals by a lock.

use std::fmt::Display;
use std::io::{self, Write};
use std::path::Path;

use latchkeep::view::{Block, ErrorBody, Explanation};
use latchkeep::{ErrorKind, Invalid, Refusal, Secret};
use serde::Serialize;

use crate::exit::Exit;
use crate::explanation;

/// Why a command did not do what was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    code: &'static str,
    message: String,
    /// What to do now, if the message does not say.
    next: Option<String>,
    /// Why it was refused, if it was.
    refused: Option<Box<Explanation>>,
}

/// What a script reads: the error body of the reference, and how the program ends.
#[derive(Serialize)]
struct Body {
    #[serde(flatten)]
    error: ErrorBody,
    exit_code: u8,
}

impl Failure {
    /// Makes a failure with an exit code, a stable word and a message: lower case, no final dot.
    pub(crate) fn new(exit: Exit, code: &'static str, message: impl Into<String>) -> Self {
        Self { exit, code, message: message.into(), next: None, refused: None }
    }

    /// What was given cannot be used.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, "invalid_parameter", message)
    }

    /// The secret is not there.
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(Exit::NotFound, "not_found", message)
    }

    /// The system refused something outside the store.
    pub(crate) fn io(doing: &str, path: &Path, error: &io::Error) -> Self {
        let exit = if error.kind() == io::ErrorKind::NotFound { Exit::Usage } else { Exit::Failed };
        Self::new(exit, "io", format!("could not {doing} {}: {error}", path.display()))
    }

    /// Whoever reads our output has had enough: no failure worth a word.
    fn closed_pipe() -> Self {
        Self::new(Exit::Done, "closed_pipe", String::new())
    }

    /// Says which file could not be written, where the message does not.
    pub(crate) fn while_writing(mut self, path: &Path) -> Self {
        if self.code == "io" {
            self.message = format!("{}: {}", path.display(), self.message);
        }
        self
    }

    /// Says what to do now.
    pub(crate) fn hint(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }

    /// Turns an error about a secret into a failure that says which.
    pub(crate) fn about(secret: &Secret) -> impl Fn(latchkeep::Error) -> Self {
        |error| {
            let token = error.refusal().and_then(|refusal| token_now(secret, refusal));
            let mut failure = Self::from(error);
            failure.next = token.or(failure.next);
            if failure.refused.is_some() && failure.locked().is_none() {
                failure.message = format!("{}: {}", secret.metadata.name, failure.message);
            }
            failure.refused = failure.refused.map(|refused| Box::new(refused.learn(secret)));
            failure
        }
    }

    /// Gives what happened.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Gives the locks that block it, if that is the reason.
    fn locked(&self) -> Option<&Block> {
        self.refused.as_deref().and_then(Explanation::locked)
    }

    /// Gives the way the program ends.
    pub(crate) const fn exit(&self) -> Exit {
        self.exit
    }

    /// Tells it on stderr, and gives the exit code.
    pub(crate) fn show(&self, json: bool) -> Exit {
        if !self.message.is_empty() {
            let mut to = anstream::stderr().lock();
            let text = if json { self.to_json() } else { self.lines().join("\n") };
            // Nobody is left to tell when this fails too.
            let _ = writeln!(to, "{text}");
        }
        self.exit
    }

    /// Gives the lines that a person reads.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("{}: {}", crate::out::red("error"), self.message)];
        if let Some(block) = self.locked() {
            lines.push(block.explanation.clone());
            lines.extend(explanation::lines(block));
        }
        lines.extend(self.next.iter().map(|next| format!("{}: {next}", crate::out::bold("try"))));
        lines
    }

    fn to_json(&self) -> String {
        let mut error = match &self.refused {
            Some(refused) => ErrorBody::from(Explanation::clone(refused)),
            None => ErrorBody::new(self.code, ""),
        };
        for item in &mut error.errors {
            item.message.clone_from(&self.message);
        }
        let body = Body { error: error.hinting(self.next.as_deref()), exit_code: self.exit as u8 };
        serde_json::to_string(&body).unwrap_or_default()
    }
}

impl From<latchkeep::Error> for Failure {
    fn from(error: latchkeep::Error) -> Self {
        let exit = match error.kind() {
            ErrorKind::Refused(refusal) => Exit::of_refusal(refusal),
            ErrorKind::Invalid => Exit::Usage,
            ErrorKind::Unavailable if error.code() == "time_unconfirmed" => Exit::TimeUnconfirmed,
            ErrorKind::Unavailable | ErrorKind::Closed => Exit::Unavailable,
            ErrorKind::Corrupt => Exit::Damaged,
            _ => Exit::Failed,
        };
        let refused = error.refusal().map(Explanation::of);
        let mut failure = Self::new(exit, error.code(), error.to_string());
        failure.next = hint_for(error.code()).map(str::to_owned);
        if let Some(refused) = refused {
            failure.next = refused.locked().map(explanation::next_command).or(failure.next);
            failure.message.clone_from(&refused.message);
            failure.refused = Some(Box::new(refused));
        }
        failure
    }
}

/// Says which token the lock has whose token was another than the one given.
fn token_now(secret: &Secret, refusal: &Refusal) -> Option<String> {
    let Refusal::FencingTokenStale { actual } = refusal else { return None };
    let (_, lock) = secret.locks().find(|(_, lock)| lock.fencing_token.position == *actual)?;
    Some(format!("lock {} has the fencing token {} now", lock.name, lock.fencing_token))
}

/// Says what to do on the command line, where the library cannot know that there is one.
fn hint_for(code: &str) -> Option<&'static str> {
    Some(match code {
        "not_a_store" => "latchkeep init --store DIR --key-file FILE makes one",
        "secret_name_taken" => "latchkeep secret rotate adds a version to the secret that is there",
        "store_quarantined" => "latchkeep quarantine show tells more, latchkeep quarantine end ends it",
        "store_restored" => "latchkeep watch --state FILE --accept-restore begins there",
        "time_unconfirmed" => "compare the clock with another one; --confirm-clock says that it is right",
        "illegal_step" => {
            "restore and log replay --into take it in with --accept-illegal-step POSITION; the manual tells when"
        }
        "version_limit_reached" => {
            "latchkeep rotation show tells which credentials could not be ended, and why; latchkeep rotation retire NAME VERSION has \
             another one ended, which the next latchkeep rotation run --once does"
        }
        "lock_owned" => "ask its owner; --force does it all the same, and the log says so",
        _ => return None,
    })
}

impl From<Invalid> for Failure {
    fn from(invalid: Invalid) -> Self {
        Self::usage(invalid.to_string())
    }
}

/// Failures to write output; those of files say which, by [`Failure::io`].
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::closed_pipe()
        } else {
            Self::new(Exit::Failed, "io", format!("could not write the output: {error}"))
        }
    }
}

/// Tells something on stderr that is no reason to stop.
pub(crate) fn warn(text: impl Display) {
    let _ = writeln!(anstream::stderr(), "{}: {text}", crate::out::yellow("warning"));
}

/// Tells something on stderr that is good to know.
pub(crate) fn note(text: impl Display) {
    let _ = writeln!(anstream::stderr(), "{}: {text}", crate::out::bold("note"));
}
