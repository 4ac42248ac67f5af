//! The same durable work side by side: this store, SQLite, and a bare append with `fdatasync`; and figures that hold by
//! themselves. Prints each figure with its target and what was measured.
//!
//! ```text
//! cargo bench --bench side_by_side -- [--quick] [--full] [--figure NAME] [--dir DIR]
//! ```
//!
//! What is compared is run in turns, in one process, on one file system, so that a noisy machine is noisy for all of
//! them: believe the ratios. `--quick` makes everything small, to see that it works; its figures mean nothing.
//!
//! For a profiler there are the parts of the last figure: `make-large DIR SECRETS EVENTS`, then `open-and-tell DIR
//! CACHE_BYTES` as often as wanted, and `forget-saved-state DIR` before one that is to replay everything.
//!
//! Read next: `work`, for what an operation is.
#![allow(
    clippy::pedantic,
    clippy::disallowed_methods,
    clippy::collapsible_match,
    clippy::drop_non_drop,
    missing_docs,
    unreachable_pub,
    reason = "tests and benches ask the clock and start threads as they need"
)]

mod bare;
mod fresh;
mod large;
mod latency;
mod ours;
mod past;
mod proofs;
mod reads;
mod rotations;
mod sealing;
mod sqlite;
mod stats;
mod throughput;
#[cfg(feature = "bench-without-tree")]
mod tree;
mod work;

use std::path::{Path, PathBuf};

use stats::Row;

/// What was asked for on the command line.
struct Asked {
    quick: bool,
    full: bool,
    figure: Option<String>,
    dir: PathBuf,
}

/// How large the runs are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    /// Runs of one kind that are compared with as many of another.
    pub(crate) rounds: usize,
    /// Milliseconds of one run.
    pub(crate) run_millis: u64,
    /// Operations measured one by one.
    pub(crate) operations: usize,
    /// Secrets of a large store.
    pub(crate) secrets: u64,
    /// Whether ten million events are made too.
    pub(crate) is_full: bool,
    /// Whether figures mean something.
    pub(crate) is_quick: bool,
}

/// A figure: its name on the command line, and what measures it.
type Figure = (&'static str, fn(&Path, Scale) -> Vec<Row>);

const FIGURES: &[Figure] = &[
    ("throughput", throughput::rows),
    ("latency", latency::rows),
    ("reads", reads::rows),
    ("rotations", rotations::rows),
    ("large", large::rows),
    ("proofs", proofs::rows),
    ("past", past::rows),
    // Needs a build that can do without the tree: --features bench-without-tree.
    #[cfg(feature = "bench-without-tree")]
    ("tree", tree::rows),
];

fn main() {
    let mut args = std::env::args().skip(1);
    let first = args.next();
    match first.as_deref() {
        Some(fresh::OPEN) => return fresh::answer(args),
        Some(fresh::SCAN) => return fresh::scan_rows(args),
        Some(fresh::FORGET) => return fresh::forget(args),
        Some(large::MAKE) => return large::make(args),
        _ => {}
    }
    let asked = parse(first.into_iter().chain(args));
    let scale = match (asked.quick, asked.full) {
        (true, _) => {
            Scale { rounds: 2, run_millis: 200, operations: 100, secrets: 2_000, is_full: false, is_quick: true }
        }
        (false, is_full) => {
            Scale { rounds: 9, run_millis: 1_500, operations: 2_000, secrets: 100_000, is_full, is_quick: false }
        }
    };
    let dir = tempfile::Builder::new().prefix("latchkeep-bench-").tempdir_in(&asked.dir).expect("a directory");
    if is_in_memory(dir.path()) {
        println!(
            "warning: {} lies in memory: durability costs nothing there, and no figure means anything\n",
            asked.dir.display()
        );
    }
    if scale.is_quick {
        println!("quick: these figures only show that the benches run\n");
    }
    let mut rows = Vec::new();
    for (name, measure) in FIGURES {
        if asked.figure.as_deref().is_none_or(|figure| figure == *name) {
            eprintln!("measuring {name} ...");
            rows.extend(measure(dir.path(), scale));
        }
    }
    stats::print(&rows);
}

fn parse(mut args: impl Iterator<Item = String>) -> Asked {
    let mut asked = Asked { quick: false, full: false, figure: None, dir: std::env::temp_dir() };
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--quick" => asked.quick = true,
            "--full" => asked.full = true,
            "--figure" => {
                asked.figure =
                    args.next().filter(|name| FIGURES.iter().any(|(figure, _)| figure == name)).or_else(usage)
            }
            "--dir" => asked.dir = args.next().map_or_else(|| usage().unwrap_or_default(), PathBuf::from),
            // Given by cargo.
            "--bench" => {}
            _ => {
                usage::<()>();
            }
        }
    }
    asked
}

fn usage<T>() -> Option<T> {
    let figures: Vec<_> = FIGURES.iter().map(|(name, _)| *name).collect();
    eprintln!("usage: side_by_side [--quick] [--full] [--figure {}] [--dir DIR]", figures.join("|"));
    std::process::exit(2)
}

/// Tells whether a directory lies in memory.
fn is_in_memory(dir: &Path) -> bool {
    const TMPFS: i64 = 0x0102_1994;
    #[cfg(target_os = "linux")]
    return rustix::fs::statfs(dir).is_ok_and(|found| found.f_type == TMPFS);
    #[cfg(not(target_os = "linux"))]
    return false;
}
