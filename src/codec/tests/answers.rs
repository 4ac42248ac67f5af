//! What is asked of every event and every refusal, as a table with a row for each: a new one is answered for here, too.

use std::collections::BTreeMap;

use super::sample;
use crate::domain::effect::{Effect, Span};
use crate::domain::event::Event;
use crate::domain::planned::Planned;
use crate::domain::refused::{Grounds, Trail, Wanted};

/// Everything but the events that answer "nothing" to each question.
const EVENTS: &[(&str, &str)] = &[
    ("AccessRecorded", "on"),
    ("ClockRebased", "rebases"),
    ("CommandRefused", "refusal"),
    ("CredentialKept", "on"),
    ("CredentialRetired", "on"),
    ("DataDestructionRefused", "refusal DataDestruction"),
    ("DeletionRefused", "refusal Deletion"),
    ("ExpirationHeld", "on"),
    ("LockExpired", "on"),
    ("LockPlaced", "on"),
    ("LockRemoved", "on"),
    ("LockRenewed", "on"),
    ("ReadRefused", "refusal Read"),
    ("RetirementPlanned", "ends"),
    ("RotationAborted", "span-ends keys"),
    ("RotationAttemptFailed", "keys"),
    ("RotationCommitted", "span-ends"),
    ("RotationPlanned", "span-begins"),
    ("RotationRefused", "refusal Rotation"),
    ("ScheduledRotationRefused", "refusal ScheduledRotation"),
    ("SecretDeleted", "ends-all keys"),
    ("StoreRestored", "parts-all"),
    ("VersionAcknowledged", "on"),
    ("VersionAdded", "adds"),
    ("VersionDataDestroyed", "ends keys"),
    ("VersionDownloaded", "on"),
    ("VersionRegenerated", "renews keys"),
    ("VersionUpdated", "on"),
];

fn answers(event: &Event) -> String {
    let effect = match event.effect() {
        Effect::None => None,
        Effect::On(_) => Some("on"),
        Effect::Adds(_) => Some("adds"),
        Effect::Renews(_) => Some("renews"),
        Effect::Ends(_) => Some("ends"),
        Effect::EndsAll => Some("ends-all"),
    };
    let span = match event.span() {
        Span::None => None,
        Span::Begins(_) => Some("span-begins"),
        Span::Ends(_) => Some("span-ends"),
        Span::PartsAll => Some("parts-all"),
    };
    let wanted = event.wanted().map(|wanted| match wanted {
        Wanted::Read => "Read",
        Wanted::Rotation => "Rotation",
        Wanted::ScheduledRotation => "ScheduledRotation",
        Wanted::Deletion => "Deletion",
        Wanted::DataDestruction => "DataDestruction",
    });
    let rebases = event.rebased_to().map(|_| "rebases");
    let refusal = event.refusal().map(|_| "refusal");
    let keys = (!event.destroyed_data_keys().is_empty()).then_some("keys");
    let all = [effect, span, rebases, refusal, wanted, keys];
    all.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

#[test]
fn each_event_answers_each_question() {
    let mut found: BTreeMap<&str, String> = BTreeMap::new();
    for (_, event) in sample::events() {
        let told = answers(&event);
        // Of several samples the one that tells the most: some have no data key.
        let known = found.entry(event.label()).or_default();
        if told.len() > known.len() {
            *known = told;
        }
    }
    found.retain(|_, told| !told.is_empty());
    let found: Vec<(&str, &str)> = found.iter().map(|(label, told)| (*label, told.as_str())).collect();
    assert_eq!(found, EVENTS);
}

#[test]
fn what_begins_or_ends_a_rotation_is_read_where_planned_ones_are_looked_for() {
    for (_, event) in sample::events() {
        let is_read = Planned::EVENTS.contains(&event.number());
        assert_eq!(is_read, event.span() != Span::None, "{}", event.label());
    }
}

#[test]
fn each_refusal_is_told_of_or_remembered_or_neither() {
    let mut always = Vec::new();
    let mut never = Vec::new();
    for (_, refusal) in sample::refusals() {
        match refusal.trail() {
            Trail::Always(Grounds::Locked(blocked)) => assert_eq!(refusal.blocked(), Some(blocked)),
            Trail::Always(Grounds::Held(_) | Grounds::Full) => always.push(refusal.code()),
            Trail::Answer => {}
            Trail::Never => never.push(refusal.code()),
        }
    }
    assert_eq!(
        (always, never),
        (vec!["rotation_held", "version_limit_reached"], vec!["version_changed", "store_quarantined"])
    );
}

#[test]
fn what_was_wanted_is_told_by_an_event_that_says_it() {
    let (_, refusal) = sample::refusals().swap_remove(0);
    for wanted in [Wanted::Read, Wanted::Rotation, Wanted::ScheduledRotation, Wanted::Deletion, Wanted::DataDestruction]
    {
        let event = wanted.refused(sample::SECRET, refusal.clone());
        assert_eq!((event.wanted(), event.refusal()), (Some(wanted), Some(&refusal)));
        assert_eq!(event.audited_secret(), Some(sample::SECRET));
    }
}
