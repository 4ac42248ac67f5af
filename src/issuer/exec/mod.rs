//! A program of the user as an issuer: one run per call, one JSON object in, one out.
//!
//! It never runs a shell by itself and never passes its own environment on. Of the program's output it records only the
//! reason that the program gives on purpose. Read in this order: [`process`], [`message`].

#[cfg(any(test, fuzzing))]
pub(crate) mod answers;
mod message;
mod process;

#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use self::message::{Call, Fault};
use self::process::{Failure, Program, Run};
use super::issuer::{IssueOrder, Issuer};
use super::job::Job;
use super::outcome::{Issued, IssuerError};
use crate::domain::id::{LogId, RotationId};
use crate::domain::invalid::Invalid;
use crate::domain::name::OutsideId;
use crate::domain::rotation::IssuerClass;
use crate::seal::secret_bytes::SecretBytes;

/// How long a run may take by default.
const LIMIT_DEFAULT: Duration = Duration::from_secs(30);

/// The program did what it was asked.
const DONE: i32 = 0;
/// `EX_TEMPFAIL` of sysexits.h: nothing was done, and it may be tried again.
const TRY_AGAIN: i32 = 75;
/// `EX_NOPERM` of sysexits.h: nothing was done, and another try would be refused too.
const REFUSED: i32 = 77;

/// An issuer that runs a program of the user once for each call; class `Opaque` by default.
///
/// The program gets one JSON object on standard input and writes one to standard output, of at most 576 KiB. The manual
/// describes both, and has a program in a few lines of shell. The meaning of its exit code:
///
/// | Code | Meaning |
/// |---|---|
/// | 0 | done |
/// | 75 | nothing was done; it may be tried again |
/// | 77 | refused: nothing was done, and would not be another time |
/// | any other, or a signal | nobody knows |
/// | none, since it could not be started | nothing was done, as with 75; the reason names its path |
///
/// With a code other than 0 the answer may be `{"reason": ".."}`: words for people, recorded, and never secret.
/// Standard error is discarded, because failing programs tend to print what they were given. At the time limit the
/// program is killed with its whole process group. Its environment is empty except for what is set here. Secret data is
/// never in its arguments or environment.
///
/// ```
/// use latchkeep::{ExecIssuer, IssuerClass};
///
/// let issuer = ExecIssuer::new("/usr/local/libexec/rotate-mail-password")?
///     .with_env("PATH", "/usr/bin:/bin")
///     .of_class(IssuerClass::CreateWithToken);
/// # let _ = issuer;
/// # Ok::<(), latchkeep::Invalid>(())
/// ```
#[derive(Clone)]
pub struct ExecIssuer {
    program: Program,
    class: IssuerClass,
    job_limit: Option<Duration>,
}

impl ExecIssuer {
    /// Names the program.
    ///
    /// # Errors
    ///
    /// [`Invalid`] unless the path is absolute: the host's directory and `PATH` must not decide what is run.
    pub fn new(path: impl Into<PathBuf>) -> Result<Self, Invalid> {
        let path = path.into();
        if !path.is_absolute() {
            return Err(Invalid::new("program", "takes an absolute path"));
        }
        let program = Program { path, args: Vec::new(), env: Vec::new(), directory: None, limit: LIMIT_DEFAULT };
        Ok(Self { program, class: IssuerClass::Opaque, job_limit: None })
    }

    /// Adds an argument. Every user of the machine can read arguments.
    #[must_use]
    pub fn with_arg(mut self, arg: impl Into<OsString>) -> Self {
        self.program.args.push(arg.into());
        self
    }

    /// Sets a variable of the program's environment, which is empty otherwise.
    #[must_use]
    pub fn with_env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.program.env.push((name.into(), value.into()));
        self
    }

    /// Sets the directory in which it runs; the host's by default.
    #[must_use]
    pub fn in_directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.program.directory = Some(directory.into());
        self
    }

    /// Sets how long a run may take; 30 seconds by default.
    #[must_use]
    pub const fn giving_up_after(mut self, limit: Duration) -> Self {
        self.program.limit = limit;
        self
    }

    /// Declares the class whose promises the program keeps; [`issuer_kit`](crate::issuer_kit) tests that.
    #[must_use]
    pub const fn of_class(mut self, class: IssuerClass) -> Self {
        self.class = class;
        self
    }

    /// Declares that the program does not make and end credentials itself. It begins jobs, which report by their tasks
    /// ([`Session::report_task`](crate::Session::report_task), `latchkeep task update`) within that time. Then it is
    /// called with `begin` instead of `create` and `retire`.
    #[must_use]
    pub const fn leaving_to_jobs(mut self, limit: Duration) -> Self {
        self.job_limit = Some(limit);
        self
    }

    /// Calls the program, and returns its answer.
    fn ask(&self, order: &IssueOrder<'_>, call: Call<'_>) -> Result<SecretBytes, IssuerError> {
        let question = call.question(self.class, order);
        let question = question.ok_or_else(|| IssuerError::refused("the value or credential is no JSON object"))?;
        self.run(&question, call.word(), call.changes())
    }

    fn run(&self, question: &SecretBytes, word: &str, changes: bool) -> Result<SecretBytes, IssuerError> {
        match self.program.run(question) {
            Ok(Run { code: Some(DONE), output }) => Ok(output),
            Ok(run) => Err(ended(&run, word, changes)),
            Err(failure) => Err(self.failed(failure, word, changes)),
        }
    }

    fn failed(&self, failure: Failure, word: &str, changes: bool) -> IssuerError {
        match failure {
            // The path comes last: it may be longer than a reason.
            Failure::NoProgram => IssuerError::unavailable(&format!(
                "nothing was done: the program, the interpreter that it names or its directory is not there, or may not be run: {}",
                self.program.path.display()
            )),
            Failure::NotStarted => IssuerError::unavailable(&format!(
                "nothing was done: the system could not start the program now: {}",
                self.program.path.display()
            )),
            Failure::TooLong => {
                nobody_knows(changes, &format!("the program took longer than its time limit to {word}"))
            }
            Failure::TooMuch => {
                nobody_knows(changes, &format!("the program said too much at {word}; 576 KiB is the most"))
            }
            Failure::Unread => nobody_knows(changes, &format!("what the program said at {word} could not be read")),
        }
    }
}

/// Returns the error for an exit code.
fn ended(run: &Run, word: &str, changes: bool) -> IssuerError {
    let reason = message::reason(&run.output);
    let reason = reason.as_deref().unwrap_or("it gave no reason");
    match run.code {
        Some(REFUSED) => IssuerError::refused(&format!("the program refused to {word}: {reason}")),
        Some(TRY_AGAIN) => IssuerError::unavailable(&format!("the program could not {word} now: {reason}")),
        Some(code) => nobody_knows(changes, &format!("the program ended with code {code} at {word}: {reason}")),
        None => nobody_knows(changes, &format!("the program was ended by a signal at {word}")),
    }
}

/// Returns the error for an unknown result; a call that changes nothing outside is only unavailable.
fn nobody_knows(changes: bool, reason: &str) -> IssuerError {
    if changes { IssuerError::unknown(reason) } else { IssuerError::unavailable(reason) }
}

/// Returns what was read from the answer to a call that changes nothing outside.
fn understood<T>(read: Result<T, Fault>, word: &str) -> Result<T, IssuerError> {
    read.map_err(|fault| IssuerError::unavailable(&misunderstood(word, &fault)))
}

fn misunderstood(word: &str, fault: &Fault) -> String {
    format!("the program's answer to {word} cannot be understood: {fault}")
}

impl Issuer for ExecIssuer {
    fn class(&self) -> IssuerClass {
        self.class
    }

    fn pick(&self, order: &IssueOrder<'_>) -> Result<SecretBytes, IssuerError> {
        understood(message::value(&self.ask(order, Call::Pick)?), "pick")
    }

    fn create(&self, order: &IssueOrder<'_>, value: Option<&SecretBytes>) -> Result<Issued, IssuerError> {
        let answer = self.ask(order, Call::Create(value))?;
        // The program reports success: its answer is kept, whatever its form.
        message::issued(&answer).map_err(|fault| IssuerError::unknown(&misunderstood("create", &fault)).keeping(answer))
    }

    fn find(&self, order: &IssueOrder<'_>) -> Result<Vec<OutsideId>, IssuerError> {
        understood(message::found(&self.ask(order, Call::Find)?), "find")
    }

    fn verify(&self, order: &IssueOrder<'_>, credential: &SecretBytes) -> Result<(), IssuerError> {
        self.ask(order, Call::Verify(credential)).map(drop)
    }

    fn retire(&self, order: &IssueOrder<'_>, outside: Option<&OutsideId>) -> Result<(), IssuerError> {
        self.ask(order, Call::Retire(outside)).map(drop)
    }

    fn job_limit(&self) -> Option<Duration> {
        self.job_limit
    }

    fn begin(&self, order: &IssueOrder<'_>, job: &Job<'_>) -> Result<(), IssuerError> {
        self.ask(order, Call::Begin(job)).map(drop)
    }

    fn list(&self, store: LogId) -> Result<Vec<(RotationId, OutsideId)>, IssuerError> {
        let question = message::list_question(self.class, store);
        let question = question.ok_or_else(|| IssuerError::refused("the store's id is no text"))?;
        understood(message::listed(&self.run(&question, "list", false)?), "list")
    }
}

impl fmt::Debug for ExecIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Arguments and environment are the host's, and may contain secrets.
        f.debug_struct("ExecIssuer")
            .field("program", &self.program.path)
            .field("class", &self.class)
            .finish_non_exhaustive()
    }
}
