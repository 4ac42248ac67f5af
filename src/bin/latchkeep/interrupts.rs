//! Owns how a worker hears that somebody wants it to end: an interrupt, a service manager, a terminal that goes away.
//!
//! Read next: [`super::commands`], `rotation_run`.

use std::io::{self, ErrorKind, Read};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use latchkeep::RotationWorker;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::exit::Exit;
use crate::failure::Failure;

/// How often somebody looks, at the least.
pub(crate) const LOOK: Duration = Duration::from_millis(250);

/// Gives a stream that says something at an interrupt, and can be waited on.
pub(crate) fn interrupts() -> Result<UnixStream, Failure> {
    let wired = || -> io::Result<UnixStream> {
        let (read, write) = UnixStream::pair()?;
        // What whoever started this has shut out, as nohup does, stays so.
        for signal in [SIGINT, SIGTERM, SIGHUP].into_iter().filter(|signal| !is_ignored(*signal)) {
            signal_hook::low_level::pipe::register(signal, write.try_clone()?)?;
        }
        read.set_read_timeout(Some(LOOK))?;
        Ok(read)
    };
    wired().map_err(|error| Failure::new(Exit::Failed, "io", format!("signals cannot be waited for: {error}")))
}

/// Tells whether a signal was ignored when the program began; not, where the system does not say.
fn is_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    u32::try_from(signal.saturating_sub(1)).is_ok_and(|bit| mask.checked_shr(bit).is_some_and(|rest| rest & 1 == 1))
}

/// Ends a single run at an interrupt, as soon as the calls that are out are answered: a program that is left behind could set an
/// old value later. Tells that it did.
#[expect(clippy::disallowed_methods, reason = "a program of the public API has no other threads")]
pub(crate) fn stop_at(mut interrupted: UnixStream, worker: RotationWorker) -> Result<Arc<AtomicBool>, Failure> {
    let told = Arc::new(AtomicBool::new(false));
    let tell = Arc::clone(&told);
    std::thread::Builder::new().name("latchkeep-signal".to_owned()).spawn(move || {
        while matches!(interrupted.read(&mut [0]), Err(error) if is_nothing_yet(&error)) {}
        tell.store(true, Ordering::Relaxed);
        worker.stop();
    })?;
    Ok(told)
}

pub(crate) fn is_nothing_yet(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}
