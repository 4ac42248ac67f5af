//! Owns what an event is in a few words, for people. Values never stand in events.
//!
//! Read next: [`super::log`].

use std::collections::BTreeMap;

use latchkeep::{ClockConfirmedBy, Event, Incarnation, Position, Secret, VersionId, VersionNumber};

use crate::times::shown;

/// The numbers of versions, by which people know them; events name versions by id.
#[derive(Debug, Default)]
pub(super) struct Numbers(BTreeMap<VersionId, VersionNumber>);

impl Numbers {
    /// Learns those of a secret.
    pub(super) fn learn_secret(&mut self, secret: &Secret) {
        self.0.extend(secret.versions.iter().map(|version| (version.id, version.number)));
    }

    /// Learns from an event; those of a secret that is deleted by now stand nowhere else.
    pub(super) fn learn(&mut self, event: &Event) {
        match event {
            Event::VersionAdded(added) => drop(self.0.insert(added.version, added.number)),
            Event::VersionRestated(restated) => drop(self.0.insert(restated.version, restated.number)),
            _ => {}
        }
    }

    pub(super) fn name(&self, id: VersionId) -> String {
        self.0.get(&id).map_or_else(|| format!("version {id}"), |number| format!("version {number}"))
    }
}

/// Says what an event was about; nothing where its name says all.
pub(super) fn of(event: &Event, numbers: &Numbers) -> String {
    let version = |id: VersionId| numbers.name(id);
    match event {
        Event::StoreCreated(event) => format!("opened by a {}", event.key_slot.words()),
        Event::KeySlotAdded(event) => format!("slot {}: {}", event.slot, event.kind.words()),
        Event::KeySlotRemoved(event) => format!("slot {}", event.slot),
        Event::EpochRolled(event) => format!("epoch {}", event.epoch),
        Event::EpochRetired(event) => format!("epoch {}", event.epoch),
        Event::ClockRanBack(event) => format!("to {}", shown(event.observed_at)),
        Event::ClockHeld(event) => format!("it shows {}", shown(event.observed_at)),
        Event::ClockConfirmed(event) => format!("by {}", confirmed_by(event.by)),
        Event::ClockRebased(event) => format!("from here on it is {}", shown(event.observed_at)),
        Event::SettingsChanged(event) => format!("reads are recorded: {}", event.settings.access_audit),
        Event::GroupCreated(event) => event.name.to_string(),
        Event::GroupUpdated(event) => event.name.to_string(),
        Event::SecretCreated(event) => format!("{}/{}", event.spec.secret_type(), event.metadata.name),
        Event::SecretUpdated(event) => event.metadata.name.to_string(),
        Event::PolicySet(event) => format!("every {}", event.policy.interval),
        Event::SecretDeleted(event) => {
            format!("{} destroyed", counted(u64::try_from(event.data_keys.len()).unwrap_or(u64::MAX), "data key"))
        }
        Event::BodiesErased(event) => counted(u64::try_from(event.positions.len()).unwrap_or(u64::MAX), "record"),
        Event::GroupRestated(event) => event.name.to_string(),
        Event::SecretRestated(event) => format!("{}/{}", event.spec.secret_type(), event.metadata.name),
        Event::VersionRestated(event) => format!("version {}", event.number),
        Event::LockRestated(event) => format!("{} on {}", event.lock.name, version(event.version)),
        Event::SecretExpired(event) => event.lifecycle.to_string(),
        Event::ExpirationHeld(event) => format!("by the locks of {}", version(event.version)),
        Event::VersionAdded(event) => format!("version {}, {}", event.number, words(event.origin.label())),
        Event::VersionRegenerated(event) => format!("{} has a new credential", version(event.version)),
        Event::VersionDownloaded(event) => format!("{}, for the first time", version(event.version)),
        Event::VersionUpdated(event) => version(event.version),
        Event::VersionDataDestroyed(event) => format!("{}, {}", version(event.version), words(event.cause.label())),
        Event::LockPlaced(event) => {
            let until = event.lock.expires_at.map(|end| format!(", until {}", shown(end))).unwrap_or_default();
            format!("{} on {}{until}{}", event.lock.name, version(event.version), forced(event.forced))
        }
        Event::LockRenewed(event) => {
            let until = shown(event.expires_at);
            format!("{} on {}, until {until}{}", event.name, version(event.version), forced(event.forced))
        }
        Event::LockRemoved(event) => {
            format!("{} from {}, {}{}", event.name, version(event.version), event.cause, forced(event.forced))
        }
        Event::LockExpired(event) => format!("{} on {}", event.name, version(event.version)),
        Event::AccessRecorded(event) => {
            format!("{} of {} by {}", counted(event.reads, "read"), version(event.version), event.reader)
        }
        Event::StoreRestored(event) => {
            restored(event.with_data, event.log_size, event.incarnation, event.accepted_steps.len())
        }
        Event::RotationPlanned(event) => format!("by {}, {}", event.issuer, words(event.trigger.label())),
        Event::RotationAttempted(event) => format!("attempt {}", event.attempt),
        Event::RotationAttemptFailed(event) => event.reason.to_string(),
        Event::AttemptCounted(event) => {
            let attempts = counted(u64::from(event.attempts), "attempt");
            format!("{attempts}, {} min of {}, {} runs", event.worked_secs / 60, event.limit_secs / 60, event.runs)
        }
        Event::RotationParked(event) => event.reason.to_string(),
        Event::RotationAborted(event) => event.reason.to_string(),
        Event::AbortPlanned(event) => event.reason.to_string(),
        Event::RetirementPlanned(event) => version(event.version),
        Event::RetirementFailed(event) => format!("{}: {}", version(event.version), event.reason),
        Event::CredentialRetired(event) => version(event.version),
        Event::HoldOverridden(event) => format!("version {}, by force", event.version),
        Event::CredentialKept(event) => format!("{}, of the issuer before", version(event.version)),
        Event::StrangersFound(event) => format!("{} at {}", counted(event.credentials, "credential"), event.issuer),
        other => other.refusal().map(refusal).unwrap_or_default(),
    }
}

fn restored(with_data: bool, log_size: Position, incarnation: Incarnation, accepted: usize) -> String {
    let what = if with_data { "a backup" } else { "an export" };
    let incarnation = match incarnation {
        Incarnation::ORIGINAL => String::new(),
        named => format!(", incarnation {named}"),
    };
    let accepted = if accepted == 0 { String::new() } else { format!(", {accepted} illegal steps accepted") };
    format!("from {what} of {}{incarnation}{accepted}", counted(log_size.get(), "record"))
}

fn refusal(refusal: &latchkeep::Refusal) -> String {
    refusal.blocked().map_or_else(|| refusal.to_string(), latchkeep::Blocked::reason)
}

/// Turns a stable label into words.
fn words(label: &str) -> String {
    label.replace('_', " ")
}

/// Counts things, in words.
pub(crate) fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

const fn confirmed_by(by: ClockConfirmedBy) -> &'static str {
    match by {
        ClockConfirmedBy::Person => "a person",
        ClockConfirmedBy::Steadiness => "itself: it ran steadily",
        ClockConfirmedBy::Return => "itself: it was set back",
        _ => by.label(),
    }
}

const fn forced(forced: bool) -> &'static str {
    if forced { ", by force" } else { "" }
}
