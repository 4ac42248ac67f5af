//! Owns `latchkeep status`.
//!
//! Read next: [`super::scrub`].

use indicatif::HumanBytes;
use latchkeep::{Incarnation, RotationCount, Status, view};
use serde_json::json;

use super::log::hex;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::scene::Scene;
use crate::times::shown as shown_time;

pub(crate) fn run(scene: &mut Scene) -> Result<Exit, Failure> {
    let status = scene.store().status()?;
    if scene.out.is_json() {
        scene.out.json(&json!(view::Status::from(&status)))?;
    } else {
        scene.out.facts(&facts(&status))?;
    }
    Ok(Exit::Done)
}

fn facts(status: &Status) -> Vec<(&'static str, String)> {
    let tally = &status.tally;
    let slots: Vec<String> = status.key_slots.iter().map(|(slot, kind)| format!("{slot}: {}", kind.words())).collect();
    let mut facts = vec![
        ("log id", status.log_id.to_hex()),
        ("records", format!("{}, the last {}", status.log_size, shown_time(status.last_at))),
        ("head", hex(&status.head)),
        ("secrets", format!("{}, {} of them locked", tally.secrets, tally.secrets_locked)),
        ("versions", format!("{}, {} of them with data", tally.versions, tally.versions_available)),
        ("locks", tally.locks.to_string()),
        ("groups", status.groups.to_string()),
        ("opened by", slots.join(", ")),
        ("reads recorded", status.settings.access_audit.to_string()),
        ("strict rotation", if status.settings.refuse_rotation_while_locked { "yes" } else { "no" }.to_owned()),
        ("on disk", HumanBytes(status.size_bytes).to_string()),
        ("replayed by the next open", status.unsaved_records.to_string()),
    ];
    let mut more = |name, fact: Option<String>| facts.extend(fact.map(|fact| (name, fact)));
    let restored = status.incarnation != Incarnation::ORIGINAL;
    more("incarnation", restored.then(|| format!("{}, since it was restored", status.incarnation)));
    more("quarantine", status.quarantine.as_ref().map(super::quarantine::words));
    more("expiry held", (tally.expirations_held > 0).then(|| format!("{} secrets, by locks", tally.expirations_held)));
    more("next due", status.next_lapse_at.map(shown_time));
    more("next rotation", status.next_rotation_at.map(shown_time));
    for (name, count) in rotations(status) {
        let since =
            |since| format!("{}, since {}", super::summary::counted(count.secrets, "secret"), shown_time(since));
        more(name, count.since.filter(|_| count.secrets > 0).map(since));
    }
    more("short of space", status.short_of_space.map(|free| format!("{} are free; make room", HumanBytes(free))));
    more("poisoned", status.poisoned.clone());
    more("rebuilt", status.rebuilt_at_open.then(|| "the saved state did not fit the log and was rebuilt".to_owned()));
    facts.extend(doubts(status));
    facts
}

/// Says which issuers list credentials that the log does not know, since when, and what to do.
pub(super) fn unknown(status: &Status) -> impl Iterator<Item = String> {
    status.strangers.iter().map(|(issuer, found)| {
        let (count, since) = (super::summary::counted(found.credentials, "credential"), shown_time(found.since));
        format!(
            "{count} of {issuer} not known to the log, since {since}: no sweep ends anything there until latchkeep credential list \
             shows none; adopt or end each"
        )
    })
}

/// Says what issuers list that the log does not know, and what of the rows beside the log is not to be trusted.
fn doubts(status: &Status) -> impl Iterator<Item = (&'static str, String)> {
    let unvouched = "not yet: release 0.1 wrote this store last; open it for writing once".to_owned();
    let unvouched = (!status.is_vouched).then_some(("rows vouched for", unvouched));
    let clock = super::clock::doubt(&status.clock).map(|words| ("clock", words));
    let strange = status.strange_keys.iter().map(|strange| ("strange key", strange.clone()));
    let unknown = unknown(status).map(|words| ("unknown outside", words));
    clock.into_iter().chain(unknown).chain(unvouched).chain(strange)
}

/// Names what stands still or is to be done.
const fn rotations(status: &Status) -> [(&'static str, RotationCount); 6] {
    let counts = &status.rotations;
    [
        ("rotations parked", counts.parked),
        ("rotations staged", counts.staged),
        ("rotations blocked", counts.blocked),
        ("rotations due", counts.due),
        ("rotations open", counts.open),
        ("credentials retiring", counts.retiring),
    ]
}
