//! Opens in a fresh process: nothing is in its memory that the open did not put there.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::ours::options;

/// The first word on the command line of such a process.
pub(crate) const OPEN: &str = "open-and-tell";

/// The first word on the command line of one that takes the mark of saved state away.
pub(crate) const FORGET: &str = "forget-saved-state";

/// Bytes of sled's cache when nothing else is said.
pub(crate) const CACHE_BYTES: u64 = 64 * 1_024 * 1_024;

/// The row of the mark of saved state.
const SAVED_MARK: &[u8] = b"c";

/// What an open in a fresh process tells.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fresh {
    pub(crate) open_millis: f64,
    pub(crate) rss_bytes: f64,
    pub(crate) replayed: u64,
}

/// Opens a store in a process of its own.
pub(crate) fn open(dir: &Path, cache_bytes: u64) -> Fresh {
    let this = std::env::current_exe().expect("a program");
    let mut child = Command::new(this);
    child.arg(OPEN).arg(dir).arg(cache_bytes.to_string()).stderr(Stdio::inherit());
    let output = child.output().expect("a process");
    assert!(output.status.success(), "the open failed");
    let text = String::from_utf8(output.stdout).expect("text");
    let numbers: Vec<f64> = text.split_whitespace().map(|word| word.parse().expect("a number")).collect();
    let [open_millis, rss_bytes, replayed] = numbers[..] else { panic!("the process told {text:?}") };
    Fresh { open_millis, rss_bytes, replayed: replayed as u64 }
}

/// Is that process.
pub(crate) fn answer(mut args: impl Iterator<Item = String>) {
    let dir = args.next().expect("a directory");
    let cache_bytes = args.next().and_then(|bytes| bytes.parse().ok()).expect("bytes of cache");
    let started = Instant::now();
    let store = options(Path::new(&dir)).cache_bytes(cache_bytes).open().expect("an open");
    let took = started.elapsed();
    let replayed = store.status().expect("a status").replayed_at_open;
    println!("{} {} {replayed}", took.as_secs_f64() * 1e3, rss_bytes());
    store.close().expect("a close");
}

/// Gives the resident memory of this process; nothing known where the system does not tell it this way.
fn rss_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) * 1_024
}

/// Takes the mark of saved state away: the bench's one look behind the store's back.
pub(crate) fn forget_saved_state(dir: &Path) {
    let rows = sled::Config::new().path(dir.join("rows")).flush_every_ms(None).open().expect("rows");
    let removed = rows.remove(SAVED_MARK).expect("a removal");
    assert!(removed.is_some(), "there was saved state");
    rows.flush().expect("a flush");
}

/// Is the process that does so.
pub(crate) fn forget(mut args: impl Iterator<Item = String>) {
    forget_saved_state(Path::new(&args.next().expect("a directory")));
}
