//! Owns the views of what only a store knows: its status, its clock, and its errors.
//!
//! Read next: [`crate::view`].

use crate::domain::clock::ClockStanding;
use crate::domain::impact::Impact;
use crate::domain::name::IssuerName;
use crate::domain::quarantine::Strangers;
use crate::domain::secret::Secret;
use crate::domain::time::Timestamp;
use crate::error::{Error, ErrorKind};
use crate::ledger::Head;
use crate::view;

use super::clock::ClockStatus;
use super::impact::{ImpactReport, RecentReader};
use super::log_view::LogEntry;
use super::moment::Moment;
use super::status::{RotationCount, RotationCounts, Status};

impl From<RotationCount> for view::RotationCount {
    fn from(count: RotationCount) -> Self {
        Self::new(count.secrets, count.since)
    }
}

impl From<RotationCounts> for view::RotationCounts {
    fn from(counts: RotationCounts) -> Self {
        let RotationCounts { due, open, blocked, staged, parked, retiring } = counts;
        Self {
            parked: parked.into(),
            staged: staged.into(),
            blocked: blocked.into(),
            due: due.into(),
            open: open.into(),
            retiring: retiring.into(),
        }
    }
}

impl From<&ClockStatus> for view::Clock {
    fn from(clock: &ClockStatus) -> Self {
        let standing = match clock.standing {
            ClockStanding::Steady => "steady",
            ClockStanding::Behind(_) => "behind",
            ClockStanding::Ahead(_) => "ahead",
        };
        Self { shown: clock.shown, now: clock.now, standing: standing.to_owned(), held: clock.held }
    }
}

impl From<&Status> for view::Status {
    fn from(status: &Status) -> Self {
        let unknown = |(issuer, found): (&IssuerName, &Strangers)| view::UnknownCredentials {
            issuer: issuer.clone(),
            credentials: found.credentials,
            since: found.since,
        };
        let slots = status.key_slots.iter().map(|(slot, kind)| view::KeySlot { slot: *slot, kind: *kind });
        Self {
            rotations: status.rotations.into(),
            log_id: status.log_id,
            log_size: status.log_size,
            head: Head::from_bytes(status.head).to_string(),
            last_at: status.last_at,
            writer_epoch: status.writer_epoch,
            secrets_total: status.tally.secrets,
            secrets_locked: status.tally.secrets_locked,
            versions_total: status.tally.versions,
            versions_available: status.tally.versions_available,
            locks_total: status.tally.locks,
            expirations_held: status.tally.expirations_held,
            groups_total: u64::try_from(status.groups).unwrap_or(u64::MAX),
            access_audit: status.settings.access_audit,
            refuse_rotation_while_locked: status.settings.refuse_rotation_while_locked,
            key_slots: slots.collect(),
            epochs: status.epochs.clone(),
            incarnation: status.incarnation,
            quarantine: status.quarantine,
            unknown_credentials: status.strangers.iter().map(unknown).collect(),
            clock: (&status.clock).into(),
            next_lapse_at: status.next_lapse_at,
            next_rotation_at: status.next_rotation_at,
            size_bytes: status.size_bytes,
            short_of_space: status.short_of_space,
            poisoned: status.poisoned.clone(),
            replayed_at_open: status.replayed_at_open,
            rebuilt_at_open: status.rebuilt_at_open,
            is_vouched: status.is_vouched,
            strange_keys: status.strange_keys.clone(),
            unsaved_records: status.unsaved_records,
        }
    }
}

impl From<&LogEntry> for view::LogEntry {
    fn from(entry: &LogEntry) -> Self {
        match entry {
            LogEntry::Known(record) => Self::Record(Box::new(view::Record::of(record, record.event.to_json()))),
            LogEntry::Opaque { position, recorded_at, context, secret, event_type, schema, erased } => {
                Self::Unread(Box::new(view::UnreadRecord {
                    position: *position,
                    recorded_at: *recorded_at,
                    actor: context.actor.clone(),
                    secret_id: *secret,
                    event_type: *event_type,
                    schema: *schema,
                    writer_epoch: context.writer_epoch,
                    correlation_id: context.correlation.clone(),
                    erased: *erased,
                }))
            }
        }
    }
}

impl ImpactReport {
    /// Shows it, with whom the destruction of the data of one version would hit, if that is asked about.
    #[must_use]
    pub fn view(&self, secret: &Secret, destruction: Option<&Impact>) -> view::ImpactReport {
        let one = |impact| view::Impact::of(secret, impact);
        let reader = |read: &RecentReader| view::RecentReader {
            reader: read.reader.clone(),
            version_id: read.version,
            version_number: secret.version_by_id(read.version).map(|version| version.number),
            reads: read.reads,
            last_at: read.last_at,
        };
        view::ImpactReport {
            rotation: self.rotation.as_ref().map(one),
            deletion: one(&self.deletion),
            data_destruction: destruction.map(one),
            recent_readers: self.readers.iter().map(reader).collect(),
            readers_from_position: self.readers_from,
        }
    }
}

impl From<&Moment> for view::Moment {
    fn from(moment: &Moment) -> Self {
        Self {
            records: moment.size(),
            time: moment.time(),
            stretches: moment.stretches(),
            hidden_secrets: moment.hidden().collect(),
            hides_groups: moment.hides_groups(),
        }
    }
}

/// A clock that is behind by less is only late.
const EARLY_MIN: std::time::Duration = std::time::Duration::from_secs(60);

impl Status {
    /// Returns the time that the incarnation of the store stands for, if it has not come yet by the clock, by more than a minute: the
    /// store was restored while the clock was ahead. Until then another restore of its backup, or of an earlier one, gives fencing
    /// tokens that are not larger ([`crate::FencingToken`]): what compares them has to forget those of this store after it.
    #[must_use]
    pub fn early_incarnation(&self) -> Option<Timestamp> {
        let time = self.incarnation.time();
        (time.since(self.clock.shown) > EARLY_MIN).then_some(time)
    }
}

impl Error {
    /// Explains the error, as a reply to a program has it: a refusal in parts ([`view::Explanation::of`]), any other error with its
    /// code, its message and an HTTP status.
    #[must_use]
    pub fn explanation(&self) -> view::Explanation {
        let status_code = match self.kind() {
            ErrorKind::Refused(refusal) => return view::Explanation::of(refusal),
            ErrorKind::Invalid => 400,
            ErrorKind::Unavailable | ErrorKind::Closed => 503,
            ErrorKind::Corrupt | ErrorKind::Internal => 500,
        };
        let (code, message) = (self.code().to_owned(), self.to_string());
        view::Explanation { code, message, status_code, target: None, block: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::refusal::Refusal;

    #[test]
    fn an_error_has_the_status_of_its_kind() {
        let status = |error: Error| error.explanation().status_code;
        assert_eq!(status(Refusal::SecretNotFound.into()), 404);
        assert_eq!(status(crate::domain::invalid::Invalid::new("ttl", "takes a day").into()), 400);
        let explanation = Error::from(Refusal::GroupNotEmpty { secrets: 2 }).explanation();
        assert_eq!((explanation.code.as_str(), explanation.status_code), ("secret_group_not_empty", 409));
    }
}
