//! Owns `latchkeep log replay --into`: a store from an export, without data, and what a person has to do next.
//!
//! Read next: [`super::restore`], for a store with its data.

use std::path::Path;

use indicatif::ProgressBar;
use latchkeep::{Status, StoreOptions};
use serde_json::json;

use super::clock;
use super::log_verify;
use super::summary::counted;
use crate::anchors::Anchors;
use crate::args::{Given, Global, LogReplay};
use crate::brought::ExportFile;
use crate::exit::Exit;
use crate::failure::{self, Failure};
use crate::keys::{self, KeyMade};
use crate::out::Out;
use crate::scene;

pub(crate) fn run(global: &Global, given: Given, args: &LogReplay, dir: &Path, out: &mut Out) -> Result<Exit, Failure> {
    scene::check_free(dir)?;
    let verify = log_verify::options(&args.keys, args.earlier.as_deref())?;
    let export = ExportFile::open(&args.export)?;
    let (unlock, key_made) = keys::to_create(global, given, dir)?;
    let anchors = Anchors::default();
    let mut options = anchors.hand(global, StoreOptions::new(dir, unlock));
    if args.confirm_clock {
        options = options.clock_bounds(clock::believed());
    }
    options = args.accept_illegal_step.iter().copied().fold(options, StoreOptions::accepting_illegal_step);
    let bar = ProgressBar::new_spinner();
    let tell_of = |records| bar.set_message(format!("{} verified", counted(records, "record")));
    let made = options.create_from_export(export, &verify, tell_of);
    bar.finish_and_clear();
    let (store, report) = made.map_err(|error| {
        keys::take_back(global, key_made, dir);
        Failure::from(error)
    })?;
    let status = store.status();
    store.close()?;
    status.as_ref().ok().and_then(clock::early_incarnation).iter().for_each(failure::warn);
    if report.keys_from_export {
        failure::warn(
            "no --key was given, so anybody could have made this export; compare the log's keys with the original's",
        );
    }
    tell(global, dir, &status?, key_made, out)?;
    out.flush()?;
    anchors.conclude()?;
    Ok(if report.is_sound() { Exit::Done } else { Exit::NotAllChecked })
}

fn tell(global: &Global, dir: &Path, status: &Status, key_made: KeyMade, out: &mut Out) -> Result<(), Failure> {
    let key_file = global.key_file.as_ref().filter(|_| key_made == KeyMade::Yes);
    let (tally, size) = (&status.tally, status.quarantine.as_ref().map(|restored| restored.log_size));
    if out.is_json() {
        return out.json(&json!({
            "store": dir,
            "log_id": status.log_id.to_hex(),
            "log_size": size,
            "secrets_total": tally.secrets,
            "versions_total": tally.versions,
            "versions_available": tally.versions_available,
            "locks_total": tally.locks,
            "quarantine": status.quarantine.is_some(),
            "key_file_made": key_file,
        }));
    }
    let records = size.map_or_else(String::new, |size| format!("{}; ", counted(size.get(), "record")));
    out.line(format!(
        "made a store in {} from the export: {records}{}, {}, {}",
        dir.display(),
        counted(tally.secrets, "secret"),
        counted(tally.versions, "version"),
        counted(tally.locks, "lock"),
    ))?;
    if let Some(path) = key_file {
        out.line(format!("made its key file {0}; keep a copy elsewhere, without it all is lost", path.display()))?;
    }
    NEXT_STEPS.iter().try_for_each(|line| out.line(line))
}

/// What a person has to know and do.
const NEXT_STEPS: [&str; 6] = [
    "no data came along, since no export holds any: versions are shown as not restored, and none can be read",
    "the store is in quarantine: nothing expires, and nothing can be rotated or deleted",
    "next: latchkeep secret list, which shows what there was",
    "next: latchkeep quarantine end, if the store is to be used, and not only looked at",
    "next: latchkeep secret rotate, which gives a secret data again; the locks that stand are honoured",
    "next: hand out its new signing key; the original, if it lives on, must not be used any more",
];
