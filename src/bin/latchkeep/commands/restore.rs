//! Owns `latchkeep restore`: a store from a backup, and what a person has to do next.
//!
//! Read next: [`super::quarantine`].

use std::path::Path;

use indicatif::ProgressBar;
use latchkeep::{BackupReport, RestoreProgress, StoreOptions};

use super::backup::{open, origin, refuse_expect, to_json, words};
use super::clock;
use super::scrub::{bar, said};
use crate::args::{Given, Global, RestoreBackup};
use crate::exit::Exit;
use crate::failure::{self, Failure};
use crate::out::Out;
use crate::{brought, keys, scene};

pub(crate) fn run(global: &Global, given: Given, args: &RestoreBackup) -> Result<Exit, Failure> {
    check_arguments(global)?;
    let dir = scene::store_dir(global)?;
    scene::check_free(&dir)?;
    let (file, bytes) = open(&args.file)?;
    let key = keys::to_read_backup(&args.key)?;
    let mut options = StoreOptions::new(&dir, keys::to_open(global, given, &dir)?);
    if let Some(path) = &args.expect_checkpoint {
        options = options.expecting_anchored(&brought::checkpoints(path)?);
    }
    if args.confirm_clock {
        options = options.clock_bounds(clock::believed());
    }
    options = args.accept_illegal_step.iter().copied().fold(options, StoreOptions::accepting_illegal_step);
    let bar = bar(bytes, "bytes");
    let restored = options.restore(file, &key, |progress| show(&bar, progress));
    bar.finish_and_clear();
    let (store, report) = restored?;
    let status = store.status();
    store.close()?;
    let status = status?;
    clock::early_incarnation(&status).iter().for_each(failure::warn);
    let mut out = Out::new(global.json);
    tell(&mut out, &args.file, &dir, &report, status.quarantine.is_some())?;
    out.flush()?;
    Ok(Exit::Done)
}

fn tell(out: &mut Out, file: &Path, dir: &Path, report: &BackupReport, is_quarantined: bool) -> Result<(), Failure> {
    if out.is_json() {
        let mut shown = to_json(file, report);
        if let serde_json::Value::Object(fields) = &mut shown {
            fields.insert("store".to_owned(), serde_json::json!(dir));
            fields.insert("quarantine".to_owned(), serde_json::json!(is_quarantined));
        }
        out.json(&shown)?;
    } else {
        out.line(format!("restored {} from {}: {}", dir.display(), file.display(), words(report)))?;
        out.line(origin(report, false))?;
        for step in said(&report.accepted_steps) {
            out.line(format!("note: {step}"))?;
        }
        next_steps(out)?;
    }
    Ok(())
}

/// Refuses what is for a store that is there.
fn check_arguments(global: &Global) -> Result<(), Failure> {
    refuse_expect(global)?;
    if !global.anchor.is_empty() {
        let hint =
            "first latchkeep log accept-restore FILE on the restored store, then --anchor FILE with what it does next";
        return Err(
            Failure::usage("restore anchors nothing: a restore has to be accepted in an anchor file").hint(hint)
        );
    }
    Ok(())
}

fn show(bar: &ProgressBar, progress: RestoreProgress) {
    let (what, bytes) = match progress {
        RestoreProgress::Verifying { bytes } => ("bytes verified", bytes),
        RestoreProgress::Writing { bytes } => ("bytes restored", bytes),
        _ => return,
    };
    bar.set_message(what);
    bar.set_position(bytes);
}

fn next_steps(out: &mut Out) -> Result<(), Failure> {
    for line in [
        "the store is in quarantine: nothing expires, and nothing can be rotated or deleted",
        "next: latchkeep scrub, which reads all of it",
        "next: find out which credentials made after the backup are in use: latchkeep quarantine show --issuers FILE",
        "next: latchkeep quarantine end",
        "next: before the next latchkeep rotation run, latchkeep credential adopt for each of them",
        "next: hand out its new signing key; the original, if it lives on, must not be used any more",
    ] {
        out.line(line)?;
    }
    Ok(())
}
