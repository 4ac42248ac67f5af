//! Owns `latchkeep log replay`: what an export tells of some point of the log.
//!
//! Read next: [`super::log_verify`], for whether to believe it.

use latchkeep::audit::{AsOf, Conclusion, LockReport, Outcome, Report, RotationStatus, SecretReport, replay_export};
use latchkeep::{Lock, Version, VersionData, view};
use serde_json::json;

use super::log_verify;
use super::summary::counted;
use crate::args::LogReplay;
use crate::brought::Export;
use crate::exit::Exit;
use crate::failure::{self, Failure};
use crate::out::Out;
use crate::times::{self, shown as shown_time};

pub(crate) fn run(args: &LogReplay, out: &mut Out) -> Result<Exit, Failure> {
    let mut options = log_verify::options(&args.keys, args.earlier.as_deref())?;
    options.now = Some(times::now());
    let mut export = Export::open(&args.export)?;
    let (bar, as_of) = (export.bar.clone(), args.at.unwrap_or(AsOf::End));
    let tell = |records| bar.set_message(counted(records, "record"));
    let (report, found) = replay_export(&mut export, &options, as_of, tell);
    bar.finish_and_clear();
    // A file that does not hold is told first: nobody asks for a moment or a secret in it.
    let has_failed = report.conclusion() == Conclusion::Failed;
    if let (None, false) = (&found, has_failed) {
        return Err(Failure::usage(not_reached(&report, as_of)));
    }
    let found = found.map(|found| only(found, args.secret.as_deref())).transpose();
    let found = if has_failed { found.unwrap_or_default() } else { found? };
    if out.is_json() {
        let report = log_verify::to_json(&report, &export)?;
        let (conclusion, sound) = (report.get("conclusion"), report.get("sound"));
        out.json(&json!({ "conclusion": conclusion, "sound": sound, "as_of": found, "report": report }))?;
    } else {
        if has_failed {
            log_verify::tell(&report, out)?;
        }
        let unseen = report.verdicts.iter().filter(|verdict| matches!(verdict.outcome, Outcome::NotChecked { .. }));
        unseen.for_each(failure::note);
        if let Some(found) = &found {
            tell_moment(found, as_of);
            show(found, out)?;
        }
    }
    Ok(log_verify::conclude(&report, &export))
}

/// Says why an export tells nothing of a moment.
fn not_reached(report: &Report, as_of: AsOf) -> String {
    let end = report.tree_head.map_or(0, |tree_head| tree_head.size.get());
    let first = end.saturating_sub(report.records);
    match (as_of, end.checked_sub(1)) {
        (AsOf::Position(position), _) if position.get() < first => {
            format!("position {position} lies before the export, which begins at {first}")
        }
        (AsOf::Position(position), Some(last)) => {
            format!("position {position} lies beyond the end of the export, which goes up to {last}")
        }
        (AsOf::Time(time), _) if report.records > 0 => {
            format!("{} lies before the first record of the export", shown_time(time))
        }
        _ => "the export has no record, so it tells of no moment".to_owned(),
    }
}

/// Says of what moment it is, where one was asked for.
fn tell_moment(found: &LockReport, as_of: AsOf) {
    if as_of == AsOf::End {
        return;
    }
    let (at, size) = (shown_time(found.time), found.size);
    let last = (found.time > found.last_at).then(|| format!(", the last of {}", shown_time(found.last_at)));
    failure::note(format!("as of {at}, after {size} records{}", last.unwrap_or_default()));
    view::stretches_words(found.stretches).iter().for_each(failure::note);
}

/// Leaves the secret that was asked for.
fn only(mut found: LockReport, named: Option<&str>) -> Result<LockReport, Failure> {
    let Some(named) = named else { return Ok(found) };
    let (secret_type, name) = match named.split_once('/') {
        Some((secret_type, name)) => (Some(secret_type.replace('-', "_")), name),
        None => (None, named),
    };
    found.secrets.retain(|report| {
        let secret = &report.secret;
        let is_of_type = secret_type.as_ref().is_none_or(|wanted| wanted == secret.secret_type().label());
        secret.id.to_string() == named || (is_of_type && secret.metadata.name.as_str() == name)
    });
    if found.secrets.is_empty() {
        let message = format!("there is no secret {named} after {} records", found.size);
        let hint =
            format!("{} are hidden; latchkeep log replay without --secret shows the others", found.hidden_secrets);
        return Err(Failure::not_found(message).hint(hint));
    }
    Ok(found)
}

fn show(found: &LockReport, out: &mut Out) -> Result<(), Failure> {
    if out.is_terminal() {
        let (secrets, hidden) = (counted(found.secrets.len() as u64, "secret"), found.hidden_secrets);
        let at = shown_time(found.last_at);
        out.line(format!("after {} records, the last of {at}: {secrets}, {hidden} more hidden", found.size))?;
    } else if found.hidden_secrets > 0 {
        failure::note(format!("{} more are hidden", counted(found.hidden_secrets as u64, "secret")));
    }
    let head = ["type", "secret", "state", "version", "alias", "data", "made", "locks", "rotation"];
    out.table(&head, found.secrets.iter().flat_map(rows).collect())
}

/// A row per version, newest first; what is said of the secret as a whole stands in the first.
fn rows(report: &SecretReport) -> Vec<Vec<String>> {
    let secret = &report.secret;
    let row = |(nth, version): (usize, &Version)| {
        let locks: Vec<String> = version.locks.iter().map(lock).collect();
        vec![
            secret.secret_type().to_string(),
            secret.metadata.name.to_string(),
            secret.lifecycle.to_string(),
            version.number.to_string(),
            secret.alias(version.id).map(|alias| alias.to_string()).unwrap_or_default(),
            match version.data {
                VersionData::Available(_) => "yes".to_owned(),
                VersionData::Unavailable { .. } => "not restored".to_owned(),
                VersionData::Destroyed { cause, .. } => format!("destroyed: {cause}"),
            },
            shown_time(version.created_at),
            locks.join(", "),
            if nth == 0 { rotation(&report.rotation) } else { String::new() },
        ]
    };
    secret.versions.iter().rev().enumerate().map(row).collect()
}

/// Names a lock, with its end where it has one.
fn lock(lock: &Lock) -> String {
    let until = lock.expires_at.map(|end| format!(" until {}", shown_time(end)));
    format!("{}{}", lock.name, until.unwrap_or_default())
}

fn rotation(status: &RotationStatus) -> String {
    let text = match (status.policy, status.next_at) {
        (None, _) => "by hand".to_owned(),
        (Some(policy), Some(at)) => format!("{} every {}, at {}", status.label(), policy.interval, shown_time(at)),
        (Some(policy), None) => format!("{}, every {}", status.label(), policy.interval),
    };
    match &status.blocked {
        None => text,
        Some(blocked) => {
            let names: Vec<&str> = blocked.locks.iter().map(|lock| lock.name.as_str()).collect();
            format!("{text}; {} refused by {}", blocked.operation, names.join(", "))
        }
    }
}
