//! Owns every bound of the store, each with its reason. Nothing grows past what stands here.
//!
//! Marks as in the reference's documentation: a bound without a reason of ours is the reference's.

use std::time::Duration;

/// Secrets in a store: what fits memory at 1 KiB each, with room; refused beyond.
pub const SECRETS_MAX: usize = 4_000_000;

/// Bytes of a secret's name; ASCII, so characters too.
pub const SECRET_NAME_BYTES_MAX: usize = 256;

/// Characters of a description.
pub const DESCRIPTION_CHARS_MAX: usize = 1_024;

/// Labels on one secret.
pub const LABELS_MAX: usize = 30;

/// Bytes of `custom_metadata` and `version_custom_metadata`, as JSON text without white space.
pub const METADATA_BYTES_MAX: usize = 10_240;

/// Bytes of a lock's attributes. The reference names no bound; a thousand locks of a secret stay below 4 MiB.
pub const LOCK_ATTRIBUTES_BYTES_MAX: usize = 4_096;

/// Nesting of a JSON object: deep enough for people, shallow enough for any stack.
pub const JSON_DEPTH_MAX: usize = 64;

/// Locks on all versions of one secret, and locks in one command.
pub const LOCKS_MAX: usize = 1_000;

/// Locks named in one refusal; the total is given beside them. Keeps the event of a refusal below its bound.
pub const BLOCKING_LOCKS_SHOWN_MAX: usize = 24;

/// Illegal steps of a history that a restore accepts: far more than defects of ours ever made, and they fit one record.
pub const ACCEPTED_STEPS_MAX: usize = 1_000;

/// How far a clock may step ahead of the time since the start of the machine, while a store is open, and is believed: more than
/// time servers correct on a healthy machine, less than the shortest leases in use.
pub const CLOCK_AHEAD_WHILE_OPEN: Duration = Duration::from_secs(5 * 60);

/// How far a clock may be ahead of the last record when a store is opened, and is believed: a store that is used once a year
/// is opened as ever.
pub const CLOCK_AHEAD_AT_OPEN: Duration = Duration::from_secs(400 * 86_400);

/// After how long a clock that was too far ahead is believed, if it ran as the time since the start of the machine did: time
/// servers have corrected a clock by then that they can correct.
pub const CLOCK_STEADY_FOR: Duration = Duration::from_secs(10 * 60);

/// How far apart a clock and the time since the start of the machine may run meanwhile: ten times what a clock is slewed by.
pub const CLOCK_AGREES_WITHIN: Duration = Duration::from_secs(5);

/// How often it is recorded that a clock that is not believed has jumped again.
pub const CLOCK_HELD_ANEW_AFTER: Duration = Duration::from_secs(60);

/// How far behind the last record a clock must be before a person can have it rebased: less is waited out.
pub const CLOCK_REBASED_BEHIND: Duration = Duration::from_secs(5 * 60);

/// How often the clock of a store can be rebased: each is a person's word about a clock that was years wrong, and all of them are
/// kept in the state.
pub const CLOCK_REBASED_MAX: usize = 64;

/// Groups beside the default one.
pub const GROUPS_MAX: usize = 200;

/// Issuers of which it is noted that they list credentials which the log does not know.
pub const STRANGE_ISSUERS_MAX: usize = 200;

/// Versions whose data is kept, when nothing else is said: current and previous.
pub const RETENTION_DEFAULT: u8 = 2;

/// Versions whose data can be kept, at most: those whose metadata is kept.
pub const RETENTION_MAX: u8 = 50;

/// Versions whose metadata is kept.
pub const VERSIONS_MAX: usize = 50;

/// Characters of an `arbitrary` payload.
pub const PAYLOAD_CHARS_MAX: usize = 1_000_000;

/// Bytes of `kv` data as JSON text without white space.
pub const KV_BYTES_MAX: usize = 512 * 1_024;

/// Bytes of each part of an imported certificate. The reference's bound for a whole certificate bundle.
pub const CERTIFICATE_BYTES_MAX: usize = 100_000;

/// Characters of a password that is brought along.
pub const PASSWORD_CHARS_MIN: usize = 6;
/// See [`PASSWORD_CHARS_MIN`].
pub const PASSWORD_CHARS_MAX: usize = 256;

/// Length of a generated password, when nothing else is said.
pub const PASSWORD_LENGTH_DEFAULT: u16 = 32;
/// Shortest generated password.
pub const PASSWORD_LENGTH_MIN: u16 = 12;
/// Longest generated password.
pub const PASSWORD_LENGTH_MAX: u16 = 256;

/// Shortest lifetime of a dynamic credential, seconds.
pub const TTL_SECS_MIN: u32 = 60;
/// Longest lifetime of a dynamic credential, seconds: 90 days.
pub const TTL_SECS_MAX: u32 = 90 * 24 * 3_600;

/// Access groups that an `iam_credentials` secret may name.
pub const ACCESS_GROUPS_MAX: usize = 10;

/// Shortest lease of a lock, seconds: a heartbeat faster than this costs more than it tells.
pub const LEASE_MIN: Duration = Duration::from_secs(1);

/// Bytes of one event, its salt included: what the format of the log gives it.
pub const EVENT_BYTES_MAX: usize = 64 * 1_024;

/// Events in one atomic batch: what the header's 16 bits hold, less a margin for events that time adds.
pub const BATCH_EVENTS_MAX: usize = 60_000;

/// Bodies erased by one command: each may lie in a commit of its own, which is read and written anew.
pub const BODIES_ERASED_MAX: usize = 1_000;

/// Bytes that one erasure restates, at most: more than the largest secret takes, and a quarter of what one commit can hold.
pub(crate) const RESTATED_BYTES_MAX: usize = 16 * 1_024 * 1_024;

/// Answers remembered for idempotency keys, at most, those of all actors together.
pub const REMEMBERED_MAX: usize = 65_536;

/// Answers remembered for the idempotency keys of one actor, at most: what one does leaves room for three others.
pub const REMEMBERED_OF_ACTOR_MAX: usize = 16_384;

/// How long an answer is remembered, seconds: a day, the span over which callers retry.
pub const REMEMBERED_SECS: u64 = 24 * 3_600;

/// Key slots: enough for a key file, a passphrase and a host's key in the middle of an exchange of each.
pub const KEY_SLOTS_MAX: u8 = 8;

/// Consumers that are waited for, and that can acknowledge one version.
pub const CONSUMERS_MAX: usize = 32;

/// How long a version is left alone at least, whose credential ends before the policy's next run: an hour.
pub const EARLY_ROTATION_PAUSE: Duration = Duration::from_secs(60 * 60);

/// How long a credential is good behind its scheduled rotation, at most, for that to be early enough: a day.
pub const SCHEDULE_OVERLAP_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// How long a policy waits with the next renewal when the last one brought no later end: a day.
pub const USELESS_RENEWAL_PAUSE: Duration = Duration::from_secs(24 * 60 * 60);

/// How long before its time a scheduled rotation counts as due for a single run of the worker, at most: a day.
pub const SCHEDULE_SLACK_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// How long after its time a scheduled rotation begins, at most, so that many do not begin at one instant: half an hour.
pub const SCHEDULE_SPREAD_MAX: Duration = Duration::from_secs(30 * 60);

/// Credentials of a secret that are being ended at a time so that there is room for one more version, at most: what keeps one of
/// them from being ended may keep all of them.
pub(crate) const ROOM_RETIREMENTS_MAX: usize = 3;

/// How long a scheduled rotation waits after a lock refused one: a day.
pub const REFUSED_ROTATION_PAUSE: Duration = Duration::from_secs(24 * 60 * 60);

/// How long before the end of that day a single run of the worker tries again, at most: three hours, so that a daily timer does.
pub const REFUSED_ROTATION_SLACK: Duration = Duration::from_secs(3 * 60 * 60);

/// Attempts of a rotation, at most.
pub const ATTEMPTS_MAX: u16 = 100;

/// Single runs that fail, after which a rotation is parked: less than a week of a daily timer.
pub const RUNS_MAX: u16 = 5;

/// How long after one single run another one counts: a timer that runs each hour gives up no sooner than one of a day, less some
/// hours for its delays. So an outage of a day leaves nothing that waits for a person, whatever the timer.
pub const RUN_COUNTED_PAUSE: Duration = Duration::from_secs(20 * 60 * 60);

/// The shortest pause before something that failed is tried again; never zero.
pub const RETRY_PAUSE_MIN: Duration = Duration::from_secs(1);
