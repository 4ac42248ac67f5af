//! Opens in a fresh process: nothing is in its memory that the open did not put there. And the bench's looks behind the
//! store's back, at the rows in sled.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::ours::options;

/// The first word on the command line of such a process.
pub(crate) const OPEN: &str = "open-and-tell";

/// The first word on the command line of one that reads the rows of saved secrets with sled alone.
pub(crate) const SCAN: &str = "scan-rows";

/// The first word on the command line of one that takes the mark of saved state away.
pub(crate) const FORGET: &str = "forget-saved-state";

/// Bytes of sled's cache when nothing else is said.
pub(crate) const CACHE_BYTES: u64 = 64 * 1_024 * 1_024;

/// What the row keys of what belongs to no secret begin with.
const SAVED_WHOLE: &[u8] = b"w";

/// What the row keys of saved secrets begin with.
const SAVED_SECRET: &[u8] = b"s";

/// What an open in a fresh process tells.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fresh {
    pub(crate) open_millis: f64,
    pub(crate) rss_bytes: f64,
    pub(crate) replayed: u64,
}

/// Opens a store in a process of its own.
pub(crate) fn open(dir: &Path, cache_bytes: u64) -> Fresh {
    let told = ask(OPEN, dir, cache_bytes);
    let [open_millis, rss_bytes, replayed] = told[..] else { panic!("the process told {told:?}") };
    Fresh { open_millis, rss_bytes, replayed: replayed as u64 }
}

/// Reads the rows that an open reads with sled alone, in a process of its own; gives the resident memory after that. It
/// is what sled takes, whatever its cache is set to.
pub(crate) fn scan(dir: &Path, cache_bytes: u64) -> f64 {
    let told = ask(SCAN, dir, cache_bytes);
    let [rss_bytes] = told[..] else { panic!("the process told {told:?}") };
    rss_bytes
}

fn ask(what: &str, dir: &Path, cache_bytes: u64) -> Vec<f64> {
    let this = std::env::current_exe().expect("a program");
    let mut child = Command::new(this);
    child.arg(what).arg(dir).arg(cache_bytes.to_string()).stderr(Stdio::inherit());
    let output = child.output().expect("a process");
    assert!(output.status.success(), "{what} failed");
    let text = String::from_utf8(output.stdout).expect("text");
    text.split_whitespace().map(|word| word.parse().expect("a number")).collect()
}

/// Is the process that opens a store.
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

/// Is the process that reads rows.
pub(crate) fn scan_rows(mut args: impl Iterator<Item = String>) {
    let dir = args.next().expect("a directory");
    let cache_bytes = args.next().and_then(|bytes| bytes.parse().ok()).expect("bytes of cache");
    let rows = rows(Path::new(&dir)).cache_capacity(cache_bytes).open().expect("rows");
    let bytes: usize = rows.scan_prefix(SAVED_SECRET).map(|row| row.expect("a row").1.len()).sum();
    assert!(bytes > 0, "there are saved secrets");
    println!("{}", rss_bytes());
}

fn rows(dir: &Path) -> sled::Config {
    sled::Config::new().path(dir.join("rows")).flush_every_ms(None)
}

/// Gives the resident memory of this process; nothing known where the system does not tell it this way.
fn rss_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) * 1_024
}

/// Takes away a part of saved state, without which none of it is used.
pub(crate) fn forget_saved_state(dir: &Path) {
    let rows = rows(dir).open().expect("rows");
    let whole: Vec<_> = rows.scan_prefix(SAVED_WHOLE).keys().map(|key| key.expect("a row")).collect();
    assert!(!whole.is_empty(), "there was saved state");
    for key in whole {
        rows.remove(key).expect("a removal");
    }
    rows.flush().expect("a flush");
}

/// Is the process that does so.
pub(crate) fn forget(mut args: impl Iterator<Item = String>) {
    forget_saved_state(Path::new(&args.next().expect("a directory")));
}
