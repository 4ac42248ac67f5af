//! Owns the one relation of what may happen: which records may follow a state, however right their hashes are.
//!
//! Everybody asks it: the writer before it appends a batch, recovery and scrub as they replay, backups, restores, and the
//! verifier of exports. [`super::decide`] chooses among what is legal here. Rules are asked of the state before an event,
//! and of the secrets of a batch behind it; a new event needs an arm in one of the tables below, in [`super::event_kind`] a place
//! in one of the lists, and in [`super::effect`] what it is to versions and rotations. What may be done to a locked version is not said here again: that is
//! [`super::touch`]. Read next: [`walk`].

mod flaw;
mod gathered;
mod hidden;
mod illegal;
mod lock;
mod restating;
mod rotation;
mod secret;
mod shape;
mod version;
pub(crate) mod walk;
mod whole;

use std::fmt;

pub use flaw::{Flaw, FlawKind};
pub use illegal::{AcceptedStep, IllegalStep};

use super::decide::fits_strangers;
use super::event::Event;
use super::event_kind::{Scope, of_rotation, of_secret, of_trail, of_whole};
use super::record::Record;
use super::rotation_event::{CredentialRetired, RetirementFailed, RetirementJobBegun};
use super::secret::Secret;
use super::state::State;
use super::stop::Stop;
use super::touch::Obstacle;

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
    DataKeyTaken = "data_key_taken", "data is sealed under a data key that other data of its secret has";
    DataKeyMismatch = "data_key_mismatch", "other data keys are destroyed than those that the versions have";
    ReadOfNothing = "read_of_nothing", "no read is recorded, or reads of a version that its secret never had";
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
    ClockNotBehind = "clock_not_behind", "a clock is rebased that is not behind the last record, or is held, or too often";
    ClockBelieved = "clock_believed", "a clock is held that is not ahead, or confirmed that is not held";
    NoQuarantine = "no_quarantine", "a quarantine ends that does not stand";
    BatchMismatch = "batch_mismatch", "records stand in one batch, or alone, that no one command leads to";
    RestatedAlone = "restated_alone", "something is restated where no body was erased";
    AnswerForNobody = "answer_for_nobody", "an answer is recorded to be remembered, and no key names it";
    RefusedByNothing = "refused_by_nothing", "a lock is said to be in the way that is not";
    VersionWithoutCommit = "version_without_commit", "a version that an issuer made comes without the commit of its rotation";
    RetentionNotKept = "retention_not_kept", "other data is destroyed than what falls out of the retention";
    CredentialEnded = "credential_ended", "a credential is put into use that has ended";
    RotationOfType = "rotation_of_type", "a version is added to a secret of a type that does not rotate";
    NothingChanged = "nothing_changed", "a change is recorded that changes nothing";
    EndMismatch = "end_mismatch", "data or a lease ends at another time than it can";
    PolicyMismatch = "policy_mismatch", "a policy is set that its secret cannot have, or that would come after its end";
    Undescribable = "undescribable", "what is said of a secret lies outside the bounds of its type, or of a rotation under way";
    AnsweredBefore = "answered_before", "a command is answered under an idempotency key whose answer is remembered";
    ContextMismatch = "context_mismatch", "records of one batch have other times or contexts";
}

impl Rule {
    /// Gives the rule behind what may not touch a version.
    fn of_touch(obstacle: &Obstacle) -> Self {
        match obstacle {
            Obstacle::Stop(stop) => (*stop).into(),
            Obstacle::Locks(_) => Self::LockedVersionTouched,
        }
    }
}

impl From<Stop> for Rule {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Quarantine { .. } => Self::TouchedInQuarantine,
            Stop::Inactive { .. } => Self::SecretInactive,
        }
    }
}

/// What can be seen of the part of the state that belongs to no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sight {
    /// Whether every event about settings, key slots and epochs was seen.
    whole: bool,
    /// Whether every event about groups, and every secret in them, was seen.
    groups: bool,
}

/// Holds an event to the rules, against the state it meets; its secret is one of which everything was seen.
fn check(state: &State, record: &Record, sight: Sight) -> Result<(), Rule> {
    let event = &record.event;
    match (event.scope(), event) {
        (Scope::Trail, Event::AccessRecorded(event)) => version::record_access(state, event),
        (Scope::Whole | Scope::Trail, event) => about_whole(state, record, event, sight),
        (Scope::Secret, Event::SecretCreated(event)) => secret::create(state, event, sight),
        // Held to what is known by `restating`; of a secret that nobody could follow, it is where it begins again.
        (Scope::Secret, Event::SecretRestated(_)) => Ok(()),
        (Scope::Secret, event) => about_secret(state, secret::find(state, record)?, record, event, sight),
    }
}

/// The table of events of the whole store and of the audit trail.
#[allow(clippy::unnested_or_patterns, reason = "the lists of events are macros, and name events one by one")]
fn about_whole(state: &State, record: &Record, event: &Event, sight: Sight) -> Result<(), Rule> {
    let keys = |rule: Result<(), Rule>| if sight.whole { rule } else { Ok(()) };
    let groups = |rule: Result<(), Rule>| if sight.groups { rule } else { Ok(()) };
    match event {
        Event::SettingsChanged(event) => keys(whole::change_settings(state, event)),
        // What restatements say is held to what headers tell by `hidden::groups`.
        Event::GroupRestated(_) | Event::StoreCreated(_) | Event::ClockRanBack(_) | Event::HeartbeatRecorded(_) => {
            Ok(())
        }
        of_trail!() => Ok(()),
        Event::KeySlotAdded(event) => keys(whole::add_slot(state, event)),
        Event::KeySlotRemoved(event) => keys(whole::remove_slot(state, event)),
        Event::EpochRolled(event) => keys(whole::roll_epoch(state, event)),
        Event::EpochRetired(event) => keys(whole::retire_epoch(state, event)),
        Event::SigningKeySet(event) => keys(whole::set_signing_key(state, event)),
        Event::GroupCreated(event) => groups(whole::create_group(state, event)),
        Event::GroupUpdated(event) => groups(whole::update_group(state, event)),
        Event::GroupDeleted(event) => groups(whole::delete_group(state, event)),
        Event::BodiesErased(event) => whole::erase(state, event),
        Event::StoreRestored(event) => whole::restore(state, event, record, sight),
        Event::QuarantineEnded(_) => keys(whole::end_quarantine(state)),
        Event::ClockHeld(event) => whole::hold_clock(event, record),
        Event::ClockConfirmed(_) => keys(whole::confirm_clock(state)),
        Event::ClockRebased(event) => whole::rebase_clock(state, event, record, sight),
        Event::StrangersFound(event) => keys(hold(fits_strangers(state, event), Rule::NothingChanged)),
        of_secret!() | of_rotation!() => Err(Rule::SubjectMismatch),
    }
}

/// The table of events about a secret that is there, its versions and its locks.
#[allow(clippy::unnested_or_patterns, reason = "the lists of events are macros, and name events one by one")]
fn about_secret(state: &State, secret: &Secret, record: &Record, event: &Event, sight: Sight) -> Result<(), Rule> {
    match event {
        // One that is there is not made again.
        Event::SecretCreated(_) => Err(Rule::SecretExists),
        Event::SecretUpdated(event) => secret::update(state, secret, event),
        Event::SpecUpdated(event) => secret::update_spec(secret, event),
        Event::SecretDeleted(event) => secret::delete(state, secret, event),
        Event::SecretExpired(event) => secret::expire(state, secret, event, record),
        Event::ExpirationHeld(event) => secret::hold_expiry(state, secret, event.version, record),
        Event::VersionAdded(event) => version::add(state, secret, (event, record.recorded_at), sight),
        Event::VersionRegenerated(event) => version::regenerate(state, secret, (event, record.recorded_at), sight),
        Event::VersionDownloaded(event) => version::download(secret, event),
        Event::VersionUpdated(event) => version::update(secret, event),
        Event::VersionDataDestroyed(event) => version::destroy(state, secret, event),
        Event::LockPlaced(event) => lock::place(secret, event, record),
        Event::LockRenewed(event) => lock::renew(secret, event, record),
        Event::LockRemoved(event) => lock::remove(secret, event, record),
        Event::LockExpired(event) => lock::expire(state, secret, event, record),
        Event::PolicySet(event) => secret::set_policy(secret, event),
        Event::PolicyCleared(_) => secret::clear_policy(secret),
        // What restatements say is held to what is known by `restating`.
        Event::SecretRestated(_) | Event::VersionRestated(_) | Event::LockRestated(_) => Ok(()),
        of_rotation!() => about_rotation(state, secret, record, event, sight),
        of_whole!() | of_trail!() => Err(Rule::SubjectMismatch),
    }
}

/// The table of events about the rotations of a secret by an issuer, and about its credentials.
#[allow(clippy::unnested_or_patterns, reason = "the lists of events are macros, and name events one by one")]
fn about_rotation(state: &State, secret: &Secret, record: &Record, event: &Event, sight: Sight) -> Result<(), Rule> {
    match event {
        Event::DeletionPlanned(_) => hold(!secret.is_deleting, Rule::RotationOutOfTurn),
        Event::RetirementPlanned(event) => rotation::plan_retirement(state, secret, event.version),
        Event::RetirementFailed(RetirementFailed { version, .. })
        | Event::RetirementJobBegun(RetirementJobBegun { version, .. })
        | Event::CredentialRetired(CredentialRetired { version }) => rotation::retire(secret, *version),
        Event::CredentialKept(event) => rotation::keep(secret, event.version),
        Event::VersionAcknowledged(event) => rotation::acknowledge(secret, event, &record.context.actor),
        Event::RotationPlanned(event) => rotation::plan(state, secret, event),
        Event::RotationAttempted(event) => rotation::attempt(state, secret, event),
        Event::RotationAttemptFailed(event) => rotation::fail(secret, event, record.recorded_at),
        Event::AttemptCounted(event) => rotation::count(secret, event),
        Event::HoldOverridden(event) => rotation::override_hold(secret, event),
        Event::CredentialIssued(event) => rotation::issue(secret, event),
        Event::RotationStaged(event) => rotation::stage(secret, event),
        Event::RotationCommitted(event) => rotation::commit(state, secret, event),
        Event::RotationAborted(event) => rotation::abort(state, secret, event, sight),
        Event::RotationParked(event) => rotation::park(secret, event, record),
        Event::RotationResumed(event) => rotation::resume(secret, event),
        Event::AbortPlanned(event) => rotation::plan_abort(state, secret, event, sight),
        Event::JobBegun(event) => rotation::begin(secret, event),
        of_whole!() | of_trail!() | of_secret!() => Err(Rule::SubjectMismatch),
    }
}

/// Gives the rule when what it asks for is not so.
fn hold(is_so: bool, rule: Rule) -> Result<(), Rule> {
    if is_so { Ok(()) } else { Err(rule) }
}
