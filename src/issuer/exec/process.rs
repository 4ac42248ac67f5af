//! Owns one run of a program: its input, its bounded output, and its end with all its children at the time limit.
//!
//! It discards the program's standard error. It keeps no thread and no pipe after a run, whichever process holds the
//! other end. Read next: [`super::message`].

use std::ffi::OsString;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use zeroize::Zeroizing;

use crate::domain::limits::KV_BYTES_MAX;
use crate::seal::secret_bytes::SecretBytes;

/// Bytes of an answer, at most: a credential of the greatest size, and space for the rest.
pub(super) const OUTPUT_BYTES_MAX: usize = KV_BYTES_MAX + 64 * 1_024;

/// The pause between two checks whether the program has ended, while its pipes are quiet: at first, and at most.
const LOOK_FIRST: Duration = Duration::from_micros(500);
const LOOK_MAX: Duration = Duration::from_millis(20);

/// A program, and how it is run.
#[derive(Clone, Debug)]
pub(super) struct Program {
    pub(super) path: PathBuf,
    pub(super) args: Vec<OsString>,
    pub(super) env: Vec<(OsString, OsString)>,
    pub(super) directory: Option<PathBuf>,
    pub(super) limit: Duration,
}

/// The result of a program that ended by itself.
pub(super) struct Run {
    /// `None` when a signal ended it.
    pub(super) code: Option<i32>,
    pub(super) output: SecretBytes,
}

/// Why a run failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// It was not started: the system has no such program, or may not run it.
    NoProgram,
    /// It was not started: the system has no resources for it now.
    NotStarted,
    /// It was killed at the time limit.
    TooLong,
    /// Its output was longer than an answer may be, and it was killed.
    TooMuch,
    /// Its output could not be read.
    Unread,
}

impl Program {
    /// Runs the program with an input, and waits for it. The answer ends with the program, also when a child of it
    /// keeps its standard output open.
    pub(super) fn run(&self, input: &SecretBytes) -> Result<Run, Failure> {
        let mut command = Command::new(&self.path);
        command.args(&self.args).env_clear().envs(self.env.iter().map(|(name, value)| (name, value)));
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        // A group of its own, so that all its children can be ended with it.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
        let mut child = command.spawn().map_err(|error| match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::OutOfMemory => Failure::NotStarted,
            _ => Failure::NoProgram,
        })?;
        let talk = Talk::with(&mut child, input);
        let heard = talk.and_then(|mut talk| talk.attend(&child, self.limit).map(|()| talk));
        // Until it is waited for, its id belongs to it, so no other group is hit.
        if let Some(group) = pid(&child) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let status = child.wait();
        let output = heard?.drain()?;
        Ok(Run {
            code: status.ok().filter(|status| status.signal().is_none()).and_then(|status| status.code()),
            output,
        })
    }
}

fn pid(child: &Child) -> Option<Pid> {
    Pid::from_raw(child.id().try_into().ok()?)
}

/// The input of a program and its output, handled so that neither blocks the other.
struct Talk<'a> {
    /// `None` once all input is written, or the program reads no more.
    stdin: Option<ChildStdin>,
    unsaid: &'a [u8],
    /// `None` once no process can write more.
    stdout: Option<ChildStdout>,
    /// One buffer that is wiped, with space for one byte too many.
    output: Zeroizing<Vec<u8>>,
    len: usize,
}

impl<'a> Talk<'a> {
    fn with(child: &mut Child, input: &'a SecretBytes) -> Result<Self, Failure> {
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Failure::Unread);
        };
        rustix::io::ioctl_fionbio(&stdin, true).map_err(|_| Failure::Unread)?;
        rustix::io::ioctl_fionbio(&stdout, true).map_err(|_| Failure::Unread)?;
        let output = Zeroizing::new(vec![0; OUTPUT_BYTES_MAX.saturating_add(1)]);
        Ok(Self { stdin: Some(stdin), unsaid: input.expose(), stdout: Some(stdout), output, len: 0 })
    }

    /// Writes input and reads output until the program ends, without releasing its id.
    fn attend(&mut self, child: &Child, limit: Duration) -> Result<(), Failure> {
        let over = crossbeam_channel::after(limit);
        let mut pause = LOOK_FIRST;
        loop {
            if has_ended(child) {
                return Ok(());
            }
            if over.try_recv().is_ok() {
                return Err(Failure::TooLong);
            }
            let has_moved = self.wait(pause)?;
            pause = if has_moved { LOOK_FIRST } else { pause.saturating_mul(2).min(LOOK_MAX) };
        }
    }

    /// Waits until a pipe can be used, and uses it; returns whether one could.
    fn wait(&mut self, pause: Duration) -> Result<bool, Failure> {
        let timeout = Timespec::try_from(pause).map_err(|_| Failure::Unread)?;
        let (can_say, can_hear) = {
            let mut pipes = Vec::with_capacity(2);
            if let Some(stdin) = &self.stdin {
                pipes.push(PollFd::new(stdin, PollFlags::OUT));
            }
            if let Some(stdout) = &self.stdout {
                pipes.push(PollFd::new(stdout, PollFlags::IN));
            }
            match poll(&mut pipes, Some(&timeout)) {
                Ok(_) => {}
                Err(rustix::io::Errno::INTR) => return Ok(false),
                Err(_) => return Err(Failure::Unread),
            }
            let mut ready = pipes.iter().map(|pipe| !pipe.revents().is_empty());
            let can_say = self.stdin.is_some() && ready.next().unwrap_or(false);
            (can_say, self.stdout.is_some() && ready.next().unwrap_or(false))
        };
        if can_say {
            self.say();
        }
        if can_hear {
            self.hear()?;
        }
        Ok(can_say || can_hear)
    }

    /// Writes as much input as the program takes. It may answer without reading everything.
    fn say(&mut self) {
        let Some(stdin) = &mut self.stdin else { return };
        match stdin.write(self.unsaid) {
            Ok(written) => self.unsaid = self.unsaid.get(written..).unwrap_or_default(),
            Err(error) if is_for_later(&error) => return,
            Err(_) => self.unsaid = &[],
        }
        if self.unsaid.is_empty() {
            self.stdin = None;
        }
    }

    /// Reads the available output.
    fn hear(&mut self) -> Result<(), Failure> {
        while let Some(stdout) = &mut self.stdout {
            let Some(room @ [_, ..]) = self.output.get_mut(self.len..) else { return Err(Failure::TooMuch) };
            match stdout.read(room) {
                Ok(0) => self.stdout = None,
                Ok(more) => self.len = self.len.saturating_add(more),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Err(Failure::Unread),
            }
        }
        Ok(())
    }

    /// Reads what the program wrote before it ended, without waiting for other holders of the pipe.
    fn drain(mut self) -> Result<SecretBytes, Failure> {
        self.hear()?;
        self.output.get(..self.len).map(SecretBytes::copy_from).ok_or(Failure::Unread)
    }
}

fn is_for_later(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

/// Returns whether the program has ended; its id stays valid until it is waited for.
fn has_ended(child: &Child) -> bool {
    let ended = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
    pid(child).is_none_or(|pid| !matches!(waitid(WaitId::Pid(pid), ended), Ok(None) | Err(rustix::io::Errno::INTR)))
}
