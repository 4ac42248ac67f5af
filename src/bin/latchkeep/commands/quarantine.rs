//! Owns `latchkeep quarantine`: what stands still in a restored store, and the word of a person that lets it go on.
//!
//! Read next: [`super::status`].

use latchkeep::{Restored, SweepReport};
use serde_json::json;

use super::credential;
use super::summary::counted;
use crate::args::QuarantineShow;
use crate::exit::Exit;
use crate::failure::{self, Failure};
use crate::prompt;
use crate::scene::Scene;
use crate::times::{self, shown as shown_time};

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
    let now = times::now();
    let is_over = |secret: &&std::sync::Arc<latchkeep::Secret>| secret.expires_at().is_some_and(|end| end <= now);
    let overdue: Vec<_> =
        scene.store().secrets().iter().filter(is_over).map(|secret| secret.metadata.name.clone()).collect();
    let unknown = args.issuers.as_deref().map(|file| credential::strangers(file, scene)).transpose()?;
    if scene.out.is_json() {
        let unknown = unknown.map(|found| found.strangers.iter().map(credential::shown).collect::<Vec<_>>());
        scene.out.json(&json!({ "quarantine": restored, "expire_at_its_end": overdue, "unknown": unknown }))?;
        return Ok(Exit::Done);
    }
    scene.out.line(format!("in quarantine {}", words(&restored)))?;
    scene.out.line(format!(
        "incarnation {}; positions after the backup are given out again, fencing tokens of the original are not",
        restored.incarnation
    ))?;
    for name in overdue {
        scene.out.line(format!("expires as soon as it ends: {name}"))?;
    }
    if let Some(found) = &unknown {
        tell_unknown(scene, found)?;
    }
    scene.out.line("find out which credentials made after that are in use, then: latchkeep quarantine end")?;
    Ok(Exit::Done)
}

/// Tells what issuers have that the backup did not know.
fn tell_unknown(scene: &mut Scene, found: &SweepReport) -> Result<(), Failure> {
    for one in &found.strangers {
        scene.out.line(format!("made after the backup: {} at {}", one.outside, one.issuer))?;
    }
    found.problems.iter().for_each(failure::warn);
    scene.out.line(credential::words(found))
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
