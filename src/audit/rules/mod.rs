//! Owns what makes a history illegal, however right its hashes are: a rule for each way, and where each is asked.
//!
//! Rules are asked of the state before an event, and of the secrets of a batch behind it. What may be done to a locked
//! version is not said here again: that is [`crate::domain::touch`]. Read next: [`super::replay`].

mod lock;
mod rotation;
mod secret;
mod version;
mod whole;

use std::fmt;

use crate::domain::event::Event;
use crate::domain::record::Record;
use crate::domain::refusal::Refusal;
use crate::domain::state::State;

pub(super) use secret::{retention, settled};

macro_rules! rules {
    ($( $case:ident = $label:literal, $words:literal; )+) => {
        /// The rule that a step of a history breaks.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Rule {
            $( #[doc = $words] $case, )+
        }

        impl Rule {
            /// Gives the stable word for programs.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self { $( Self::$case => $label, )+ }
            }
        }

        impl fmt::Display for Rule {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $( Self::$case => $words, )+ })
            }
        }
    };
}

rules! {
    PositionGap = "position_gap", "a record is missing, repeated, or out of order";
    TimeBack = "time_back", "its time lies before that of the record in front of it";
    EpochBack = "epoch_back", "an earlier opening of the store wrote it than the record in front of it";
    FirstRecord = "first_record", "the first record, and no other, says that this very store was created";
    SubjectMismatch = "subject_mismatch", "an event about a secret names one, and no other event does";
    RevisionGap = "revision_gap", "the revision of its secret does not follow";
    UnknownSecret = "unknown_secret", "its secret was never created, or was deleted";
    SecretExists = "secret_exists", "a secret of this id is there already";
    NameTaken = "name_taken", "a secret of this type and name is there already";
    TooManySecrets = "too_many_secrets", "there are more secrets than a store holds";
    UnknownGroup = "unknown_group", "its group is not there";
    RetentionBounds = "retention_bounds", "a secret keeps the data of 2 to 50 versions";
    TypeChanged = "type_changed", "a secret changes its type";
    SecretInactive = "secret_inactive", "the secret is expired";
    VersionMissing = "version_missing", "its version is not there";
    VersionNumberGap = "version_number_gap", "the number of the version does not follow";
    VersionExists = "version_exists", "a version of this id is there already";
    OriginMismatch = "origin_mismatch", "the origin of the version does not fit its secret";
    RestoredFrom = "restored_from", "a version is restored from the one before it, while that has data";
    SealedEpoch = "sealed_epoch", "the data was sealed under an epoch that the log does not know";
    NotRegenerated = "not_regenerated", "only the current version of an API key is made anew by a read";
    LockedVersionTouched = "locked_version_touched", "a locked version is modified, invalidated, or destroyed";
    DataGone = "data_gone", "the data of the version is destroyed already";
    DataKeyMismatch = "data_key_mismatch", "other data keys are destroyed than those that the versions have";
    ReadBefore = "read_before", "the version was read for the first time before";
    LockOnDestroyedData = "lock_on_destroyed_data", "a lock is placed on a version whose data is destroyed";
    LockMissing = "lock_missing", "the lock does not stand on that version";
    LockOwned = "lock_owned", "the lock belongs to somebody else, and force is not noted";
    LockPermanent = "lock_permanent", "the lock has no lease";
    LeaseRuns = "lease_runs", "the lease of the lock has not ended";
    TooManyLocks = "too_many_locks", "a secret has more than 1,000 locks";
    VersionCount = "version_count", "a secret has 1 to 50 versions";
    NotExpired = "not_expired", "the secret has not reached its expiry";
    ExpiredWithData = "expired_with_data", "a secret expires while a version has data, which a lock may hold";
    ExpiryOfType = "expiry_of_type", "a secret of this type does not end like this";
    NothingHeld = "nothing_held", "no lock holds the expiry back, or that was noted before";
    SlotMismatch = "slot_mismatch", "a key slot is filled twice, emptied twice, the last one, or none of 0 to 7";
    EpochMismatch = "epoch_mismatch", "an epoch does not follow the newest one, or is retired out of turn";
    SigningKeyMismatch = "signing_key_mismatch", "the number of a signing key does not follow the newest one";
    GroupExists = "group_exists", "a group of this id or name is there already";
    GroupMissing = "group_missing", "the group is not there";
    GroupNotEmpty = "group_not_empty", "the group still has secrets";
    ErasedAhead = "erased_ahead", "1 to 1,000 bodies are erased at a time, in their order, of records that lie before";
    RestatedOtherwise = "restated_otherwise", "a restatement says something else than what is known";
    RestatedInPart = "restated_in_part", "a restatement leaves something out, or says it twice";
    RotationOutOfTurn = "rotation_out_of_turn", "a rotation takes a step that it cannot take from where it stands";
    RotationMismatch = "rotation_mismatch", "another rotation is under way than the one that is named, or another issuer's";
    RetirementOutOfTurn = "retirement_out_of_turn", "a credential is ended that is not to be ended, or not any more";
    CredentialInUse = "credential_in_use", "data goes while its credential is still good where it was made";
    LockTooLate = "lock_too_late", "a lock is placed on a version whose credential is being replaced or ended";
    AcknowledgedBefore = "acknowledged_before", "a consumer acknowledges a version twice, or more than 32 do";
    TooManyGroups = "too_many_groups", "there are more groups than a store holds";
    RestoredElsewhere = "restored_elsewhere", "a restore begins its batch, at the size of the log that was restored";
    IncarnationMismatch = "incarnation_mismatch", "the incarnation of a restored store does not follow from the one before and the time";
    AcceptedAhead = "accepted_ahead", "a restore accepts at most 1,000 steps, in their order, of records that lie before";
    RestoreWithoutKey = "restore_without_key", "a restore sets no new signing key in its batch";
    TouchedInQuarantine = "touched_in_quarantine", "a version is touched, or something lapses, in quarantine";
    NoQuarantine = "no_quarantine", "a quarantine ends that does not stand";
}

impl Rule {
    /// Gives the rule behind a refusal to touch a version.
    const fn of_touch(refusal: &Refusal) -> Self {
        match refusal {
            Refusal::Quarantined { .. } => Self::TouchedInQuarantine,
            _ => Self::LockedVersionTouched,
        }
    }
}

/// What a replay can see of the part of the state that belongs to no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sight {
    /// Whether every event about settings, key slots and epochs was seen.
    pub(super) whole: bool,
    /// Whether every event about groups, and every secret in them, was seen.
    pub(super) groups: bool,
}

/// Holds an event to the rules, against the state it meets; its secret is one of which everything was seen.
pub(super) fn check(state: &State, record: &Record, sight: Sight) -> Result<(), Rule> {
    match &record.event {
        Event::SecretCreated(_)
        | Event::SecretUpdated(_)
        | Event::SpecUpdated(_)
        | Event::PolicySet(_)
        | Event::PolicyCleared(_)
        | Event::SecretDeleted(_)
        | Event::SecretExpired(_)
        | Event::ExpirationHeld(_) => secret::check(state, record, sight),
        Event::VersionAdded(_)
        | Event::VersionRegenerated(_)
        | Event::VersionDownloaded(_)
        | Event::VersionUpdated(_)
        | Event::VersionDataDestroyed(_) => version::check(state, record, sight),
        Event::LockPlaced(_) | Event::LockRenewed(_) | Event::LockRemoved(_) | Event::LockExpired(_) => {
            lock::check(state, record)
        }
        event if rotation::is_of_rotation(event) => rotation::check(state, record),
        // What they say is held to what is known by `super::restating`.
        Event::SecretRestated(_) | Event::VersionRestated(_) | Event::LockRestated(_) => Ok(()),
        _ => whole::check(state, record, sight),
    }
}

/// Tells whether an event is one about a secret, which a revision is counted for: those numbered 20 to 59.
pub(super) const fn has_subject(event: &Event) -> bool {
    matches!(event.number(), 20..=59 | 70..=79)
}

/// Gives the rule when what it asks for is not so.
pub(super) fn hold(is_so: bool, rule: Rule) -> Result<(), Rule> {
    if is_so { Ok(()) } else { Err(rule) }
}
