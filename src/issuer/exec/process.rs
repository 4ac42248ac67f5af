//! Owns one run of a program: fed, heard out to a bound, ended with all its kin at the time limit.
//!
//! It never hands on what the program says on standard error, which goes nowhere. Read next: [`super::message`].

use std::ffi::OsString;
use std::io::{ErrorKind, Read, Write as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crossbeam_channel::Receiver;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use crate::domain::limits::KV_BYTES_MAX;
use crate::seal::secret_bytes::SecretBytes;

/// Bytes of an answer: a credential of the greatest size, and room for what stands around it.
pub(super) const OUTPUT_BYTES_MAX: usize = KV_BYTES_MAX + 64 * 1_024;

/// A program, and how it is run.
#[derive(Clone, Debug)]
pub(super) struct Program {
    pub(super) path: PathBuf,
    pub(super) args: Vec<OsString>,
    pub(super) env: Vec<(OsString, OsString)>,
    pub(super) directory: Option<PathBuf>,
    pub(super) limit: Duration,
}

/// What a program left behind when it ended by itself.
pub(super) struct Run {
    /// Nothing when a signal ended it.
    pub(super) code: Option<i32>,
    pub(super) output: SecretBytes,
}

/// Why a run came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The system has no such program, or lets nobody run it.
    NoProgram,
    /// The system could not start it now.
    NotStarted,
    /// It was ended at the time limit.
    TooLong,
    /// It said more than an answer may have, and was ended.
    TooMuch,
    /// What it said could not be read.
    Unread,
}

impl Program {
    /// Runs the program with an input, and waits for it.
    pub(super) fn run(&self, input: SecretBytes) -> Result<Run, Failure> {
        let mut command = Command::new(&self.path);
        command.args(&self.args).env_clear().envs(self.env.iter().map(|(name, value)| (name, value)));
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        // A group of its own, so that whatever it starts can be ended with it.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
        let mut child = command.spawn().map_err(|error| match error.kind() {
            ErrorKind::NotFound | ErrorKind::PermissionDenied => Failure::NoProgram,
            _ => Failure::NotStarted,
        })?;
        let heard = attend(&mut child, input);
        let heard = heard.and_then(|heard| heard.recv_timeout(self.limit).unwrap_or(Err(Failure::TooLong)));
        // Until it is waited for, its number belongs to it, so nobody else's group is hit.
        if let Some(group) = pid(&child) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let status = child.wait();
        let output = heard?;
        Ok(Run {
            code: status.ok().filter(|status| status.signal().is_none()).and_then(|status| status.code()),
            output,
        })
    }
}

fn pid(child: &Child) -> Option<Pid> {
    Pid::from_raw(child.id().try_into().ok()?)
}

/// Feeds the program and listens to it on two threads, and says what it said once it has ended, without taking its number
/// from it.
fn attend(child: &mut Child, input: SecretBytes) -> Result<Receiver<Result<SecretBytes, Failure>>, Failure> {
    let (Some(mut stdin), Some(stdout), Some(pid)) = (child.stdin.take(), child.stdout.take(), pid(child)) else {
        return Err(Failure::NotStarted);
    };
    let (send, heard) = crossbeam_channel::bounded(1);
    spawn("issuer-exec-in", move || {
        // A program may answer without having read everything.
        let _ = stdin.write_all(input.expose());
    })?;
    spawn("issuer-exec-out", move || {
        let output = read(stdout);
        if output.is_ok() {
            let _ = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
        }
        // Nobody listens any more after the time limit.
        let _ = send.send(output);
    })?;
    Ok(heard)
}

#[expect(clippy::disallowed_methods, reason = "a program that does not read, or not answer, must hold up nobody")]
fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), Failure> {
    let started = std::thread::Builder::new().name(name.to_owned()).spawn(run);
    started.map(drop).map_err(|_| Failure::NotStarted)
}

/// Reads to the end, up to the bound, into one place that is wiped.
fn read(mut from: impl Read) -> Result<SecretBytes, Failure> {
    let mut len = 0_usize;
    let whole = SecretBytes::filled(OUTPUT_BYTES_MAX.saturating_add(1), |bytes| {
        while let Some(room @ [_, ..]) = bytes.get_mut(len..) {
            match from.read(room) {
                Ok(0) => return Ok(()),
                Ok(more) => len = len.saturating_add(more),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Err(Failure::Unread),
            }
        }
        Err(Failure::TooMuch)
    })?;
    whole.expose().get(..len).map(SecretBytes::copy_from).ok_or(Failure::Unread)
}
