//! Owns one run of a program: fed, heard out to a bound, ended with all its kin at the time limit.
//!
//! It never hands on what the program says on standard error, which goes nowhere, and keeps no thread and no pipe when a run is
//! over, whoever else holds the other end. Read next: [`super::message`].

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

/// Bytes of an answer: a credential of the greatest size, and room for what stands around it.
pub(super) const OUTPUT_BYTES_MAX: usize = KV_BYTES_MAX + 64 * 1_024;

/// How long nobody looks whether the program has ended, when none of its pipes says anything: at first, and at most.
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

/// What a program left behind when it ended by itself.
pub(super) struct Run {
    /// Nothing when a signal ended it.
    pub(super) code: Option<i32>,
    pub(super) output: SecretBytes,
}

/// Why a run came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// It was not started: the system has no such program, or does not run it.
    NoProgram,
    /// It was not started: the system has no room for it now.
    NotStarted,
    /// It was ended at the time limit.
    TooLong,
    /// It said more than an answer may have, and was ended.
    TooMuch,
    /// What it said could not be read.
    Unread,
}

impl Program {
    /// Runs the program with an input, and waits for it. The program's end ends the answer, also when something that it
    /// started holds its standard output open.
    pub(super) fn run(&self, input: &SecretBytes) -> Result<Run, Failure> {
        let mut command = Command::new(&self.path);
        command.args(&self.args).env_clear().envs(self.env.iter().map(|(name, value)| (name, value)));
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        // A group of its own, so that whatever it starts can be ended with it.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
        let mut child = command.spawn().map_err(|error| match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::OutOfMemory => Failure::NotStarted,
            _ => Failure::NoProgram,
        })?;
        let talk = Talk::with(&mut child, input);
        let heard = talk.and_then(|mut talk| talk.attend(&child, self.limit).map(|()| talk));
        // Until it is waited for, its number belongs to it, so nobody else's group is hit.
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

/// What is said to a program and heard from it, without ever waiting for one of the two alone.
struct Talk<'a> {
    /// Nothing once all is said, or the program hears no more.
    stdin: Option<ChildStdin>,
    unsaid: &'a [u8],
    /// Nothing once nobody can say more.
    stdout: Option<ChildStdout>,
    /// One place that is wiped, with room for one byte too many.
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

    /// Feeds the program and listens to it until it ends, without taking its number from it.
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

    /// Waits until a pipe can be used, and uses it; tells whether one could.
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

    /// Says as much as the program takes. It may answer without having read everything.
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

    /// Hears what is there now.
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

    /// Takes what the program wrote before it ended; whoever else holds the pipe is not waited for.
    fn drain(mut self) -> Result<SecretBytes, Failure> {
        self.hear()?;
        self.output.get(..self.len).map(SecretBytes::copy_from).ok_or(Failure::Unread)
    }
}

fn is_for_later(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

/// Tells whether the program has ended; its number stays its own until it is waited for.
fn has_ended(child: &Child) -> bool {
    let ended = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
    pid(child).is_none_or(|pid| !matches!(waitid(WaitId::Pid(pid), ended), Ok(None) | Err(rustix::io::Errno::INTR)))
}
