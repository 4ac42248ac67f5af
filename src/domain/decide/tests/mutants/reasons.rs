//! Owns why a mutant is accepted: what would make a writer write it.

use super::mutation::Kind;

/// Gives the reason; none of what nobody has thought about.
pub(super) fn of(kind: Kind, labels: &str) -> Option<&'static str> {
    let first = labels.split(['+', ' ']).next().unwrap_or_default();
    match kind {
        Kind::LeftOut => left_out(first),
        Kind::BatchLeftOut => absent(first),
        Kind::RepeatedInBatch if first == "AccessRecorded" => Some("reads are recorded many at a time"),
        Kind::RepeatedInBatch => None,
        Kind::RepeatedBehind | Kind::BatchRepeated => again(first),
        Kind::NeighboursExchanged | Kind::BatchesExchanged => Some("neither changes what the other depends on"),
        Kind::BodiesExchanged => Some("each could have been asked for in place of the other"),
        Kind::Joined => Some("a later look at the clock finds both due at once, or one removes what held the other"),
        Kind::Split => parted(first),
        Kind::Spliced => Some("the one history has all that the end of the other depends on"),
    }
}

fn left_out(label: &str) -> Option<&'static str> {
    match label {
        "AccessRecorded" => Some("reads need not have happened"),
        "AttemptCounted" => Some("as release 0.1 wrote it, which counted no attempts"),
        "HoldOverridden" => Some("as release 0.1 wrote it, which looked at no grace and no consumers"),
        "JobBegun" => Some("the issuer was called, and left nothing to a job"),
        "SecretUpdated" => Some("only what its type needs to know was changed"),
        "VersionDownloaded" | "VersionRegenerated" => Some("the read is told as one that was handed out already"),
        _ => None,
    }
}

fn absent(label: &str) -> Option<&'static str> {
    match label {
        "LockExpired" | "ExpirationHeld" | "SecretExpired" => Some("nobody looked at the clock until then"),
        "ClockRanBack" => Some("the clock went on"),
        "ClockRebased" => Some("nobody asked for it, and nothing behind depends on it"),
        "ClockHeld" | "ClockConfirmed" => Some("the clock showed another time, or nobody confirmed it"),
        "StrangersFound" => Some("nobody looked at that time, or the issuer listed others"),
        "HeartbeatRecorded" => Some("there was no need of a sign of life"),
        "AccessRecorded" => Some("reads need not have happened"),
        "VersionDownloaded" | "VersionRegenerated" => Some("nobody read it"),
        "ReadRefused"
        | "RotationRefused"
        | "ScheduledRotationRefused"
        | "DeletionRefused"
        | "DataDestructionRefused" => Some("nobody asked for what was refused"),
        "CommandRefused" | "CommandHadNoEffect" => Some("nobody asked under that key"),
        "CredentialIssued"
        | "CredentialRetired"
        | "JobBegun"
        | "RetirementFailed"
        | "RetirementJobBegun"
        | "RotationAttempted"
        | "RotationAttemptFailed"
        | "RotationParked"
        | "RotationStaged" => Some("the worker, or the issuer, did not come to it"),
        "EpochRetired"
        | "GroupDeleted"
        | "GroupUpdated"
        | "LockPlaced"
        | "LockRemoved"
        | "LockRenewed"
        | "PolicyCleared"
        | "PolicySet"
        | "RotationAborted"
        | "RotationCommitted"
        | "RotationPlanned"
        | "SecretDeleted"
        | "SecretUpdated"
        | "SettingsChanged"
        | "SigningKeySet"
        | "SpecUpdated"
        | "VersionAcknowledged"
        | "VersionDataDestroyed"
        | "VersionUpdated"
        | "KeySlotRemoved"
        | "RetirementPlanned" => Some("nobody asked for it, and nothing behind depends on it"),
        _ => None,
    }
}

fn again(label: &str) -> Option<&'static str> {
    match label {
        "AccessRecorded" => Some("it was read again"),
        "ClockRanBack" => Some("the clock ran back again"),
        "ClockHeld" => Some("the clock went on jumping"),
        "HeartbeatRecorded" => Some("nothing happened for twice as long"),
        "ReadRefused"
        | "RotationRefused"
        | "ScheduledRotationRefused"
        | "DeletionRefused"
        | "DataDestructionRefused" => Some("it was asked for again, and refused again"),
        "LockPlaced" => Some("a lock replaces one of its name"),
        "LockRenewed" => Some("a lease is renewed to the same end"),
        "RotationAttemptFailed" => Some("it failed again"),
        "RetirementJobBegun" => Some("a job is begun in place of another"),
        _ => None,
    }
}

fn parted(label: &str) -> Option<&'static str> {
    match label {
        "AccessRecorded" | "LockPlaced" | "SecretUpdated" => Some("it was asked for by two commands"),
        _ => None,
    }
}
