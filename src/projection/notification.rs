//! Owns the notifications: what users hear of a record, under the names of the reference, and which events lead to
//! them.
//!
//! | Notification | Events that lead to it |
//! |---|---|
//! | `secret_created` | `VersionAdded`, for the first version: from then on there is something to read |
//! | `secret_rotated` | `VersionAdded`, for a later version, also a restored one |
//! | `secret_deleted` | `SecretDeleted` |
//! | `secret_creation_failed` | `RotationParked`, `RotationAborted`, of the rotation that makes the first version |
//! | `secret_rotation_failed` | `RotationParked`, `RotationAborted`, of a later one |
//! | `secret_expired` | `SecretExpired` |
//! | `secret_rotation_blocked` | `RotationRefused`, `ScheduledRotationRefused` |
//! | `secret_deletion_blocked` | `DeletionRefused`, and `DataDestructionRefused` for the data of one version |
//! | `secret_expiration_blocked` | `ExpirationHeld` |
//! | `secret_revoked` | `CredentialRetired`: the credential of one version was ended where it was good |
//! | `secret_version_data_deleted` | `VersionDataDestroyed`, whatever the cause, which the event says |
//! | `secret_about_to_expire` | none: it comes of time alone, see [`Secret::expiry_warnings`] |
//! | `secret_deletion_failed` | none: a deletion that cannot end a credential outside goes on trying |
//! | `secret_revocation_blocked` | none: a lock that holds a credential is a `secret_deletion_blocked` of its version's data |
//!
//! A read that a lock refuses leads to none. Neither does a failed attempt of a rotation that is made again. Read next:
//! [`super::lock_board`].

use std::fmt;
use std::time::Duration;

use crate::domain::event::Event;
use crate::domain::event_kind::of_whole;
use crate::domain::rotation::RotationTrigger;
use crate::domain::secret::{Lifecycle, Secret};
use crate::domain::time::Timestamp;
use crate::domain::version::VersionOrigin;

macro_rules! notifications {
    ($( $(#[$meta:meta])* $name:ident = $label:literal; )+) => {
        /// A notification for users, under the name of the reference.
        ///
        /// ```
        /// use latchkeep::Notification;
        ///
        /// assert_eq!(Notification::from_label("secret_rotated"), Some(Notification::SecretRotated));
        /// assert_eq!(Notification::SecretRotated.to_string(), "secret_rotated");
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Notification {
            $( $(#[$meta])* $name, )+
        }

        impl Notification {
            /// All notifications.
            pub const ALL: &[Self] = &[$( Self::$name, )+];

            /// Returns the name.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self { $( Self::$name => $label, )+ }
            }
        }
    };
}

notifications! {
    /// A secret has its first version.
    SecretCreated = "secret_created";
    /// A secret has a new version.
    SecretRotated = "secret_rotated";
    /// A secret was deleted.
    SecretDeleted = "secret_deleted";
    /// The first version of a secret could not be made; a person has to act, or it was given up.
    SecretCreationFailed = "secret_creation_failed";
    /// A new version could not be made; a person has to act, or it was given up.
    SecretRotationFailed = "secret_rotation_failed";
    /// A secret expires soon.
    SecretAboutToExpire = "secret_about_to_expire";
    /// A secret has expired.
    SecretExpired = "secret_expired";
    /// A lock refused a rotation.
    SecretRotationBlocked = "secret_rotation_blocked";
    /// A lock refused a deletion, of a secret or of the data of one version.
    SecretDeletionBlocked = "secret_deletion_blocked";
    /// A lock holds an expiry back.
    SecretExpirationBlocked = "secret_expiration_blocked";
    /// The credential of a version was ended in its outside system.
    SecretRevoked = "secret_revoked";
    /// The data of a version was destroyed.
    SecretVersionDataDeleted = "secret_version_data_deleted";
}

impl Notification {
    /// Returns the notification with a name; `None` for the names of the reference that no event leads to.
    #[must_use]
    pub fn from_label(label: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|known| known.label() == label)
    }

    /// Returns the notification for an event, if there is one. `trigger` returns the trigger of a failed rotation,
    /// which the event does not have; it is called only if needed.
    #[allow(clippy::match_same_arms, reason = "each says why nobody hears of it")]
    pub(crate) fn of<E>(
        event: &Event,
        trigger: impl FnOnce() -> Result<RotationTrigger, E>,
    ) -> Result<Option<Self>, E> {
        Ok(Some(match event {
            Event::VersionAdded(added) if added.origin == VersionOrigin::Created => Self::SecretCreated,
            Event::VersionAdded(_) => Self::SecretRotated,
            Event::SecretDeleted(_) => Self::SecretDeleted,
            Event::RotationParked(_) | Event::RotationAborted(_) => match trigger()? {
                RotationTrigger::FirstVersion => Self::SecretCreationFailed,
                RotationTrigger::ByHand | RotationTrigger::ByPolicy => Self::SecretRotationFailed,
            },
            Event::SecretExpired(_) => Self::SecretExpired,
            Event::RotationRefused(_) | Event::ScheduledRotationRefused(_) => Self::SecretRotationBlocked,
            Event::DeletionRefused(_) | Event::DataDestructionRefused(_) => Self::SecretDeletionBlocked,
            Event::ExpirationHeld(_) => Self::SecretExpirationBlocked,
            Event::CredentialRetired(_) => Self::SecretRevoked,
            Event::VersionDataDestroyed(_) => Self::SecretVersionDataDeleted,
            of_whole!() => return Ok(None),
            // A refused read, and answers that are remembered for a key.
            Event::ReadRefused(_)
            | Event::CommandRefused(_)
            | Event::CommandHadNoEffect(_)
            | Event::AccessRecorded(_) => return Ok(None),
            // The caller that changes a secret or a lock knows it.
            Event::SecretCreated(_)
            | Event::SecretUpdated(_)
            | Event::SpecUpdated(_)
            | Event::PolicySet(_)
            | Event::PolicyCleared(_)
            | Event::SecretRestated(_)
            | Event::VersionRegenerated(_)
            | Event::VersionDownloaded(_)
            | Event::VersionUpdated(_)
            | Event::VersionRestated(_)
            | Event::LockPlaced(_)
            | Event::LockRenewed(_)
            | Event::LockRemoved(_)
            | Event::LockExpired(_)
            | Event::LockRestated(_) => return Ok(None),
            // Steps of an open rotation.
            Event::DeletionPlanned(_)
            | Event::RetirementPlanned(_)
            | Event::CredentialKept(_)
            | Event::VersionAcknowledged(_)
            | Event::RetirementFailed(_)
            | Event::RotationPlanned(_)
            | Event::RotationAttempted(_)
            | Event::RotationAttemptFailed(_)
            | Event::AttemptCounted(_)
            | Event::HoldOverridden(_)
            | Event::CredentialIssued(_)
            | Event::RotationStaged(_)
            | Event::RotationCommitted(_)
            | Event::RotationResumed(_)
            | Event::AbortPlanned(_)
            | Event::JobBegun(_)
            | Event::RetirementJobBegun(_) => return Ok(None),
        }))
    }
}

impl fmt::Display for Notification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

/// Days before the expiry of a secret at which users are warned.
const WARNED_DAYS: [u16; 6] = [90, 60, 30, 10, 1, 0];

impl Secret {
    /// Returns the warnings that became due after `since`, up to `until`: the days left before the expiry, of 90, 60,
    /// 30, 10, 1 and 0. Empty for a secret that does not expire, or is not in use.
    ///
    /// Users get each as `secret_about_to_expire`. No record leads to it. So the caller stores the time up to which it
    /// has warned, and continues from there: then each warning comes once. None is due before the secret was made.
    ///
    /// ```
    /// # use latchkeep::{Actor, ManualClock, NewSecret, SecretBytes, SecretChanges, Change, SecretName, StoreOptions};
    /// # use latchkeep::{Command, Timestamp, Unlock};
    /// let (now, end) = (Timestamp::parse("2026-11-01T00:00:00Z")?, Timestamp::parse("2026-12-01T00:00:00Z")?);
    /// # let options = StoreOptions::in_memory(Unlock::bytes(SecretBytes::copy_from(&[7; 32])));
    /// # let store = options.clock(ManualClock::at(now)).create()?;
    /// # let ops = store.acting_as(Actor::parse("ops")?);
    /// let token = NewSecret::arbitrary(SecretName::parse("token")?, SecretBytes::copy_from(b"s3cr3t"))?.expiring_at(end);
    /// let id = ops.create(token)?.secret.unwrap();
    /// assert_eq!(store.secret(id)?.expiry_warnings(now, end).collect::<Vec<_>>(), [10, 1, 0]);
    /// # Ok::<(), latchkeep::Error>(())
    /// ```
    pub fn expiry_warnings(&self, since: Timestamp, until: Timestamp) -> impl Iterator<Item = u16> {
        let end = self.expires_at().filter(|_| self.lifecycle == Lifecycle::Active);
        let since = since.max(self.counts_from());
        WARNED_DAYS.into_iter().filter(move |days| {
            let ahead = Duration::from_secs(u64::from(*days).saturating_mul(DAY_SECS));
            end.is_some_and(|end| since.plus(ahead) < end && until.plus(ahead) >= end)
        })
    }
}

const DAY_SECS: u64 = 86_400;

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::Path;

    use super::*;
    use crate::codec::event::{Decoded, decode_event};

    /// Every kind of event with its notifications; for versions and failed rotations, they depend on the beginning.
    const HEARD: &[(&str, &[&str])] = &[
        ("StoreCreated", &[]),
        ("SettingsChanged", &[]),
        ("KeySlotAdded", &[]),
        ("KeySlotRemoved", &[]),
        ("EpochRolled", &[]),
        ("EpochRetired", &[]),
        ("ClockRanBack", &[]),
        ("SigningKeySet", &[]),
        ("HeartbeatRecorded", &[]),
        ("GroupCreated", &[]),
        ("GroupUpdated", &[]),
        ("GroupDeleted", &[]),
        ("BodiesErased", &[]),
        ("GroupRestated", &[]),
        ("StoreRestored", &[]),
        ("QuarantineEnded", &[]),
        ("ClockHeld", &[]),
        ("ClockConfirmed", &[]),
        ("ClockRebased", &[]),
        ("SecretCreated", &[]),
        ("SecretUpdated", &[]),
        ("SpecUpdated", &[]),
        ("PolicySet", &[]),
        ("PolicyCleared", &[]),
        ("SecretDeleted", &["secret_deleted"]),
        ("SecretExpired", &["secret_expired"]),
        ("ExpirationHeld", &["secret_expiration_blocked"]),
        ("SecretRestated", &[]),
        ("DeletionPlanned", &[]),
        ("VersionAdded", &["secret_created", "secret_rotated"]),
        ("VersionRegenerated", &[]),
        ("VersionDownloaded", &[]),
        ("VersionUpdated", &[]),
        ("VersionDataDestroyed", &["secret_version_data_deleted"]),
        ("VersionRestated", &[]),
        ("RetirementPlanned", &[]),
        ("CredentialRetired", &["secret_revoked"]),
        ("VersionAcknowledged", &[]),
        ("RetirementFailed", &[]),
        ("LockPlaced", &[]),
        ("LockRenewed", &[]),
        ("LockRemoved", &[]),
        ("LockExpired", &[]),
        ("LockRestated", &[]),
        ("RotationPlanned", &[]),
        ("RotationAttempted", &[]),
        ("RotationAttemptFailed", &[]),
        ("CredentialIssued", &[]),
        ("RotationStaged", &[]),
        ("RotationCommitted", &[]),
        ("RotationAborted", &["secret_creation_failed", "secret_rotation_failed"]),
        ("RotationParked", &["secret_creation_failed", "secret_rotation_failed"]),
        ("RotationResumed", &[]),
        ("AbortPlanned", &[]),
        ("ReadRefused", &[]),
        ("RotationRefused", &["secret_rotation_blocked"]),
        ("DeletionRefused", &["secret_deletion_blocked"]),
        ("DataDestructionRefused", &["secret_deletion_blocked"]),
        ("CommandRefused", &[]),
        ("CommandHadNoEffect", &[]),
        ("AccessRecorded", &[]),
        ("ScheduledRotationRefused", &["secret_rotation_blocked"]),
        ("JobBegun", &[]),
        ("RetirementJobBegun", &[]),
        ("CredentialKept", &[]),
        ("AttemptCounted", &[]),
        ("HoldOverridden", &[]),
        ("StrangersFound", &[]),
    ];

    /// Returns the events of the golden files, which have every kind in most of its cases.
    fn events() -> Vec<Event> {
        let files = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/events")).unwrap();
        let mut events = Vec::new();
        for file in files {
            let path = file.unwrap().path();
            let stem = path.file_stem().unwrap().to_str().unwrap();
            let number = stem.split('-').next().unwrap().parse().unwrap();
            let schema = stem.rsplit("-v").next().unwrap().parse().unwrap();
            for line in std::fs::read_to_string(&path).unwrap().lines().filter(|line| line.starts_with("  ")) {
                let digits = line.trim();
                let Some(body) = (0..digits.len() / 2)
                    .map(|at| u8::from_str_radix(&digits[at * 2..at * 2 + 2], 16).ok())
                    .collect::<Option<Vec<_>>>()
                else {
                    continue;
                };
                let Decoded::Known(event) = decode_event(number, schema, &body).unwrap() else { panic!("{path:?}") };
                // The files have no first version.
                if let Event::VersionAdded(added) = &event {
                    let mut first = added.clone();
                    first.origin = VersionOrigin::Created;
                    events.push(Event::VersionAdded(first));
                }
                events.push(event);
            }
        }
        events
    }

    #[test]
    fn each_kind_of_event_is_heard_of_as_the_table_says() {
        let mut heard: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for event in events() {
            let heard = heard.entry(event.label()).or_default();
            for trigger in RotationTrigger::ALL {
                let found = Notification::of(&event, || Ok::<_, ()>(*trigger)).unwrap();
                heard.extend(found.map(Notification::label));
            }
        }
        let table = HEARD.iter().map(|(event, names)| (*event, names.iter().copied().collect())).collect();
        assert_eq!(heard, table);
        let all = (0..=u16::MAX).filter_map(Event::label_of).collect::<BTreeSet<_>>();
        assert_eq!(heard.into_keys().collect::<BTreeSet<_>>(), all, "the table has every kind of event");
    }

    #[test]
    fn every_name_is_led_to_but_that_of_time() {
        let told: BTreeSet<&str> = HEARD.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        let all: BTreeSet<&str> = Notification::ALL.iter().map(|known| known.label()).collect();
        assert_eq!(all.difference(&told).collect::<Vec<_>>(), [&"secret_about_to_expire"]);
        for known in Notification::ALL {
            assert_eq!(Notification::from_label(known.label()), Some(*known));
        }
        assert_eq!(Notification::from_label("secret_deletion_failed"), None);
    }
}
