//! Owns `latchkeep backup`: one file that a store can be made from again, and the word on whether it can.
//!
//! Read next: [`super::restore`].

use std::fs::File;
use std::path::Path;

use indicatif::{HumanBytes, ProgressBar};
use latchkeep::{BackupProgress, BackupReport, BackupTrust, Position, verify_backup_against};
use serde_json::{Value, json};

use super::scrub::{bar, said};
use super::summary::counted;
use crate::args::{Backup, BackupVerify, Given, Global};
use crate::brought;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::keys::{self, KeyMade};
use crate::out::Out;
use crate::place::Beside;
use crate::scene::{Access, Scene};
use crate::times::shown as shown_time;

/// Takes a backup.
pub(crate) fn take(global: &Global, given: Given, args: &Backup) -> Result<Exit, Failure> {
    let out = args.out.as_deref().ok_or_else(|| Failure::usage("no file is named; --out FILE names one"))?;
    if out.exists() {
        return Err(Failure::usage(format!("{} exists already; name a file that does not", out.display())));
    }
    let (key, key_made) = keys::to_back_up(&args.key)?;
    let mut scene = Scene::open(global, given, Access::Look)?;
    let taken = write(&scene, out, &key);
    let outcome = taken.and_then(|report| {
        let made = args.key.backup_key_file.as_deref().filter(|_| key_made == KeyMade::Yes);
        tell(&mut scene.out, out, &report, made)
    });
    scene.close(outcome)
}

fn tell(out: &mut Out, file: &Path, report: &BackupReport, key_made: Option<&Path>) -> Result<Exit, Failure> {
    if out.is_json() {
        let mut shown = to_json(file, report);
        if let (Value::Object(fields), Some(path)) = (&mut shown, key_made) {
            fields.insert("backup_key_file_made".to_owned(), json!(path));
        }
        out.json(&shown)?;
        return Ok(Exit::Done);
    }
    out.line(format!("wrote {}: {}", file.display(), words(report)))?;
    if let Some(path) = key_made {
        let path = path.display();
        out.line(format!("made its key file {path}; keep it apart from the backup, without it the backup is lost"))?;
    }
    out.line(format!("next: latchkeep backup verify {}", file.display()))?;
    Ok(Exit::Done)
}

/// Writes beside, and gives the file its name when it is whole and durable.
fn write(scene: &Scene, out: &Path, key: &latchkeep::Unlock) -> Result<BackupReport, Failure> {
    let mut beside = Beside::of(out)?;
    let report = fill(scene, beside.file(), key)?;
    beside.put(out, false)?;
    Ok(report)
}

fn fill(scene: &Scene, file: &mut File, key: &latchkeep::Unlock) -> Result<BackupReport, Failure> {
    let bar = bar(0, "versions");
    let report = scene.store().backup(file, key, |progress| show(&bar, progress));
    bar.finish_and_clear();
    Ok(report?)
}

fn show(bar: &ProgressBar, progress: BackupProgress) {
    let (what, done, total) = match progress {
        BackupProgress::CopyingData { done, total } => ("versions", done, total),
        BackupProgress::CopyingLog { done, total } => ("records", done, total),
        _ => return,
    };
    bar.set_message(what);
    bar.set_length(total);
    bar.set_position(done);
}

/// Verifies a backup.
pub(crate) fn verify(global: &Global, args: &BackupVerify) -> Result<Exit, Failure> {
    refuse_expect(global)?;
    let (file, bytes) = open(&args.file)?;
    let key = keys::to_read_backup(&args.key)?;
    let mut trust = args.keys.iter().cloned().fold(BackupTrust::default(), BackupTrust::key);
    if let Some(path) = &args.expect_checkpoint {
        trust = trust.anchored(&brought::checkpoints(path)?);
    }
    let bar = bar(bytes, "bytes");
    let report = verify_backup_against(file, &key, &trust, |done| bar.set_position(done));
    bar.finish_and_clear();
    let report = report?;
    let mut out = Out::new(global.json);
    if out.is_json() {
        out.json(&to_json(&args.file, &report))?;
    } else {
        for note in said(&report.flaws).into_iter().chain(said(&report.accepted_steps)) {
            out.line(format!("note: {note}"))?;
        }
        out.line(format!("the backup is whole: {}", words(&report)))?;
        out.line(origin(&report, !args.keys.is_empty()))?;
    }
    out.flush()?;
    Ok(if report.proved_size == report.log_size { Exit::Done } else { Exit::NotAllChecked })
}

/// Refuses the checkpoints that a store is held to: what is held to them here is a backup.
pub(super) fn refuse_expect(global: &Global) -> Result<(), Failure> {
    if global.expect.is_some() {
        let message = "--expect is for a store that is there, and this reads a backup";
        return Err(Failure::usage(message).hint("--expect-checkpoint FILE holds the log of the backup to checkpoints"));
    }
    Ok(())
}

/// Says who is shown to have written the log, to somebody who gave a verifier key of it or none.
pub(super) fn origin(report: &BackupReport, is_key_given: bool) -> String {
    let numbers: Vec<String> = report.unproved_keys.iter().map(ToString::to_string).collect();
    let proved = counted(report.proved_size.get(), "record");
    match (report.proved_size == report.log_size, &*numbers) {
        (true, []) => "its origin is proved".to_owned(),
        (true, numbers) => format!("its origin is proved; unproved are earlier signing keys: {}", numbers.join(", ")),
        (false, _) if is_key_given => {
            let (number, set_at) = report.signing_key;
            format!(
                "its origin is proved up to {proved} alone: its checkpoint is signed by signing key {number}, which the \
                 record at position {set_at} set, and --key was given for another key of its log; give that one, or \
                 --expect-checkpoint with a checkpoint beyond that record"
            )
        }
        (false, _) if report.proved_size == Position::FIRST => {
            "its origin is not proved: whoever has the backup key can have written it; --key or --expect-checkpoint shows \
             who did"
                .to_owned()
        }
        (false, _) => format!("its origin is proved up to {proved}; what follows can be of whoever has the backup key"),
    }
}

/// Opens a backup; tells how long it is.
pub(super) fn open(path: &Path) -> Result<(File, u64), Failure> {
    let opened = File::open(path).and_then(|file| Ok((file.metadata()?.len(), file)));
    opened.map(|(bytes, file)| (file, bytes)).map_err(|error| Failure::io("read", path, &error))
}

/// Says what a backup holds.
pub(super) fn words(report: &BackupReport) -> String {
    format!(
        "{}, the last {}; {}; {} with {} of sealed data; log id {}",
        counted(report.log_size.get(), "record"),
        shown_time(report.last_at),
        counted(report.secrets, "secret"),
        counted(report.versions, "version"),
        HumanBytes(report.sealed_bytes),
        report.log_id.to_hex()
    )
}

pub(super) fn to_json(file: &Path, report: &BackupReport) -> Value {
    json!({
        "file": file,
        "log_id": report.log_id.to_hex(),
        "log_size": report.log_size,
        "last_at": report.last_at,
        "secrets_total": report.secrets,
        "versions_available": report.versions,
        "sealed_bytes": report.sealed_bytes,
        "checkpoint": report.checkpoint,
        "proved_size": report.proved_size,
        "signing_key": report.signing_key.0,
        "signing_key_set_at": report.signing_key.1,
        "unproved_signing_keys": report.unproved_keys,
        "flaws": said(&report.flaws),
        "accepted_steps": said(&report.accepted_steps),
    })
}
