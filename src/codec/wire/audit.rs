//! Owns the frozen shapes of events of the audit trail.

use super::refusal::RefusalV1;
use super::shape::wire_event;
use crate::domain::event::{
    AccessRecorded, CommandHadNoEffect, CommandRefused, DataDestructionRefused, DeletionRefused, ReadRefused,
    RotationRefused,
};
use crate::domain::id::{SecretId, VersionId};
use crate::domain::name::Actor;
use crate::domain::rotation_event::ScheduledRotationRefused;
use crate::domain::time::Timestamp;

wire_event!(
    /// A read was refused because of a lock.
    ReadRefusedV1 (1) is ReadRefused {
        secret: SecretId,
        refusal: RefusalV1,
    }
);

wire_event!(
    /// A rotation or restore was refused because of a lock.
    RotationRefusedV1 (1) is RotationRefused {
        secret: SecretId,
        refusal: RefusalV1,
    }
);

wire_event!(
    /// A scheduled rotation was refused because of a lock.
    ScheduledRotationRefusedV1 (1) is ScheduledRotationRefused {
        secret: SecretId,
        refusal: RefusalV1,
    }
);

wire_event!(
    /// A deletion was refused because of a lock.
    DeletionRefusedV1 (1) is DeletionRefused {
        secret: SecretId,
        refusal: RefusalV1,
    }
);

wire_event!(
    /// A destruction of data was refused because of a lock.
    DataDestructionRefusedV1 (1) is DataDestructionRefused {
        secret: SecretId,
        refusal: RefusalV1,
    }
);

wire_event!(
    /// A command was refused for another reason than a lock.
    CommandRefusedV1 (1) is CommandRefused {
        secret: Option<SecretId>,
        refusal: RefusalV1,
    }
);

wire_event!(
    /// A command had nothing to change.
    CommandHadNoEffectV1 (1) is CommandHadNoEffect {
        secret: Option<SecretId>,
    }
);

wire_event!(
    /// Secret data was read.
    AccessRecordedV1 (1) is AccessRecorded {
        secret: SecretId,
        version: VersionId,
        reader: Actor,
        reads: u64,
        first_at: Timestamp,
        last_at: Timestamp,
    }
);
