//! Owns what an event is in a few words, for people. Values never stand in events.
//!
//! Read next: [`super::log`].

use latchkeep::{Event, Secret, VersionId};

use crate::explanation;
use crate::times::shown;

/// Says what an event was about; nothing where its name says all. The secret, if known, turns version ids to numbers.
pub(super) fn of(event: &Event, secret: Option<&Secret>) -> String {
    let version = |id: VersionId| name(id, secret);
    match event {
        Event::StoreCreated(event) => format!("opened by a {}", event.key_slot.words()),
        Event::KeySlotAdded(event) => format!("slot {}: {}", event.slot, event.kind.words()),
        Event::KeySlotRemoved(event) => format!("slot {}", event.slot),
        Event::EpochRolled(event) => format!("epoch {}", event.epoch),
        Event::EpochRetired(event) => format!("epoch {}", event.epoch),
        Event::ClockRanBack(event) => format!("to {}", shown(event.observed_at)),
        Event::SettingsChanged(event) => format!("reads are recorded: {}", event.settings.access_audit),
        Event::GroupCreated(event) => event.name.to_string(),
        Event::GroupUpdated(event) => event.name.to_string(),
        Event::SecretCreated(event) => format!("{}/{}", event.spec.secret_type(), event.metadata.name),
        Event::SecretUpdated(event) => event.metadata.name.to_string(),
        Event::PolicySet(event) => format!("every {}", event.policy.interval),
        Event::SecretDeleted(event) => counted(event.data_keys.len(), "data key", "destroyed"),
        Event::SecretExpired(event) => event.lifecycle.to_string(),
        Event::ExpirationHeld(event) => format!("by the locks of {}", version(event.version)),
        Event::VersionAdded(event) => format!("version {}, {}", event.number, event.origin),
        Event::VersionRegenerated(event) => format!("{} has a new credential", version(event.version)),
        Event::VersionDownloaded(event) => format!("{}, for the first time", version(event.version)),
        Event::VersionUpdated(event) => version(event.version),
        Event::VersionDataDestroyed(event) => format!("{}, {}", version(event.version), event.cause),
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
            format!(
                "{} of {} by {}",
                counted(usize::try_from(event.reads).unwrap_or(usize::MAX), "read", ""),
                version(event.version),
                event.reader
            )
        }
        other => other.refusal().map(refusal).unwrap_or_default(),
    }
}

fn refusal(refusal: &latchkeep::Refusal) -> String {
    let Some(blocked) = refusal.blocked() else { return refusal.to_string() };
    let locks: Vec<String> = blocked
        .locks
        .iter()
        .take(3)
        .map(|lock| format!("{} on {}", lock.name, explanation::version(lock.number, lock.alias)))
        .collect();
    let more = blocked.locks_total.saturating_sub(3);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("locked by {}{more}", locks.join(", "))
}

fn name(id: VersionId, secret: Option<&Secret>) -> String {
    let found = secret.and_then(|secret| secret.version_by_id(id));
    found.map_or_else(|| "a version".to_owned(), |version| format!("version {}", version.number))
}

fn counted(count: usize, what: &str, done: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural} {done}").trim_end().to_owned()
}

const fn forced(forced: bool) -> &'static str {
    if forced { ", by force" } else { "" }
}
