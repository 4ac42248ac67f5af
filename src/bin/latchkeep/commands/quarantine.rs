//! Owns `latchkeep quarantine`: what stands still in a restored store, and the word of a person that lets it go on.
//!
//! Read next: [`super::status`].

use std::sync::Arc;

use latchkeep::{Ending, LockName, Restored, Secret, VersionNumber};
use serde_json::{Value, json};

use super::credential::Asked;
use super::summary::counted;
use crate::args::QuarantineShow;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::prompt;
use crate::scene::Scene;
use crate::times::shown as shown_time;

/// Says since when, and from what.
pub(super) fn words(restored: &Restored) -> String {
    let size = counted(restored.log_size.get(), "record");
    format!("since {}, restored from {} {} of {size}", shown_time(restored.at), article(restored), restored.from)
}

const fn article(restored: &Restored) -> &'static str {
    if restored.with_data { "a" } else { "an" }
}

pub(super) fn confirm() -> Result<(), Failure> {
    prompt::confirm("this lets time and rotations do their work again in the restored store", "end")
}

pub(super) fn show(args: &QuarantineShow, scene: &mut Scene) -> Result<Exit, Failure> {
    let Some(restored) = scene.store().status()?.quarantine else {
        if scene.out.is_json() {
            scene.out.json(&json!({ "quarantine": null }))?;
        } else {
            scene.out.line("the store is in no quarantine")?;
        }
        return Ok(Exit::Done);
    };
    let ending = scene.store().ends_with_quarantine();
    let asked = args.issuers.as_deref().map(|file| Asked::of(file, scene)).transpose()?;
    if scene.out.is_json() {
        scene.out.json(&to_json(&restored, &ending, asked.as_ref()))?;
        return Ok(Exit::Done);
    }
    scene.out.line(format!("in quarantine {}", words(&restored)))?;
    scene.out.line(format!(
        "incarnation {}; positions after the backup are given out again, fencing tokens of the original are not",
        restored.incarnation
    ))?;
    for line in ending.iter().flat_map(|(secret, ending)| ending_lines(secret, ending)) {
        scene.out.line(line)?;
    }
    if let Some(asked) = &asked {
        for one in &asked.found.strangers {
            scene.out.line(format!("made after the backup: {} at {}", one.outside, one.issuer))?;
        }
        asked.tell_unasked();
        scene.out.line(asked.words())?;
    }
    scene.out.line("find out which credentials made after that are in use, then: latchkeep quarantine end")?;
    Ok(Exit::Done)
}

fn to_json(restored: &Restored, ending: &[(Arc<Secret>, Ending)], asked: Option<&Asked>) -> Value {
    let name = |secret: &Secret| json!(secret.metadata.name);
    let overdue: Value = ending.iter().filter(|(_, ending)| ending.expires).map(|(secret, _)| name(secret)).collect();
    let ends = ending.iter().map(|(secret, ending)| {
        let leases = ending.leases.iter().map(|(version, lock)| json!({ "version": version, "lock": lock }));
        let (leases, credentials) = (leases.collect::<Vec<_>>(), &ending.credentials);
        json!({ "name": name(secret), "expires": ending.expires, "leases": leases, "credentials": credentials })
    });
    let ends: Value = ends.collect();
    let mut shown =
        json!({ "quarantine": restored, "expire_at_its_end": overdue, "ends_with_it": ends, "unknown": null });
    if let (Some(asked), Value::Object(fields)) = (asked, &mut shown) {
        fields.extend(asked.to_json());
    }
    shown
}

/// Says what of a secret ends with the quarantine, a line each.
fn ending_lines(secret: &Secret, ending: &Ending) -> impl Iterator<Item = String> {
    let name = &secret.metadata.name;
    let expires = ending.expires.then(|| format!("expires as soon as it ends: {name}"));
    let lease = move |(version, lock): &(VersionNumber, LockName)| {
        format!("lease {lock} of version {version} ends as soon as it ends: {name}")
    };
    let credential = move |version: &VersionNumber| {
        format!("the first latchkeep rotation run after it ends the credential of version {version}: {name}")
    };
    expires.into_iter().chain(ending.leases.iter().map(lease)).chain(ending.credentials.iter().map(credential))
}

pub(super) fn end(scene: &mut Scene) -> Result<Exit, Failure> {
    let receipt = scene.session.end_quarantine()?;
    let ended = receipt.events > 0;
    if scene.out.is_json() {
        scene.out.json(&json!({ "ended": ended }))?;
    } else {
        scene.out.line(if ended { "the quarantine is over" } else { "the store is in no quarantine" })?;
    }
    Ok(Exit::Done)
}
