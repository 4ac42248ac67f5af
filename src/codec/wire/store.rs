//! Owns the frozen shapes of events about the store as a whole.

use super::shape::{wire_event, wire_event_before, wire_struct};
use super::value::{List, Maybe};
use crate::domain::clock::{BootTime, ClockConfirmed, ClockConfirmedBy, ClockHeld, ClockRanBack, ClockRebased};
use crate::domain::event::{
    BodiesErased, EpochRetired, EpochRolled, HeartbeatRecorded, KeySlotAdded, KeySlotRemoved, QuarantineEnded,
    SettingsChanged, SigningKeySet, StoreCreated, StoreRestored,
};
use crate::domain::id::{BootId, LogId};
use crate::domain::incarnation::Incarnation;
use crate::domain::name::IssuerName;
use crate::domain::position::Position;
use crate::domain::quarantine::RestoredFrom;
use crate::domain::rotation_event::StrangersFound;
use crate::domain::settings::{AccessAudit, KeySlotKind, Settings};
use crate::domain::time::Timestamp;

wire_struct!(
    /// The settings of a store.
    SettingsV1 is Settings {
        access_audit: AccessAudit,
        refuse_rotation_while_locked: bool,
    }
);

wire_event!(
    /// The store was made.
    StoreCreatedV1 (1) is StoreCreated {
        log_id: LogId,
        settings: SettingsV1,
        key_slot: KeySlotKind,
    }
);

wire_event!(
    /// The settings of the store changed.
    SettingsChangedV1 (1) is SettingsChanged {
        settings: SettingsV1,
    }
);

wire_event!(
    /// A key slot was added.
    KeySlotAddedV1 (1) is KeySlotAdded {
        slot: u8,
        kind: KeySlotKind,
    }
);

wire_event!(
    /// A key slot was removed.
    KeySlotRemovedV1 (1) is KeySlotRemoved {
        slot: u8,
    }
);

wire_event!(
    /// A new epoch key was made.
    EpochRolledV1 (1) is EpochRolled {
        epoch: u32,
    }
);

wire_event!(
    /// An epoch key was destroyed.
    EpochRetiredV1 (1) is EpochRetired {
        epoch: u32,
    }
);

wire_event!(
    /// The clock ran back.
    ClockRanBackV1 (1) is ClockRanBack {
        observed_at: Timestamp,
    }
);

wire_event!(
    /// A key that signs checkpoints was made.
    SigningKeySetV1 (1) is SigningKeySet {
        number: u32,
        verifier_key: Box<str>,
    }
);

wire_event!(
    /// Nothing else happened for a while; the event has no fields.
    HeartbeatRecordedV1 (1) is HeartbeatRecorded {}
);

wire_event!(
    /// Bodies of records were erased.
    BodiesErasedV1 (1) is BodiesErased {
        positions: List<Position>,
    }
);

wire_event!(
    /// The store was made anew from a copy.
    StoreRestoredV2 (2) is StoreRestored, before it StoreRestoredV1 {
        from: RestoredFrom,
        log_size: Position,
        with_data: bool,
        incarnation: Incarnation,
        accepted_steps: List<Position>,
    }
);

wire_event_before!(
    /// The same, before a store had an incarnation: no step was accepted, and the incarnation is not named.
    StoreRestoredV1 (1) lifts to StoreRestoredV2 {
        from: RestoredFrom,
        log_size: Position,
        with_data: bool,
        ; incarnation = Incarnation::ORIGINAL,
        accepted_steps = List::default(),
    }
);

wire_event!(
    /// A person confirmed a restored store; the event has no fields.
    QuarantineEndedV1 (1) is QuarantineEnded {}
);

wire_struct!(
    /// How long a machine has run since its start.
    BootTimeV1 is BootTime {
        boot_id: BootId,
        nanos: u64,
    }
);

impl From<Maybe<BootTimeV1>> for Option<BootTime> {
    fn from(maybe: Maybe<BootTimeV1>) -> Self {
        maybe.lift()
    }
}

wire_event!(
    /// The clock showed a time too far ahead.
    ClockHeldV1 (1) is ClockHeld {
        observed_at: Timestamp,
        boot: Maybe<BootTimeV1>,
    }
);

wire_event!(
    /// The clock is believed again.
    ClockConfirmedV1 (1) is ClockConfirmed {
        by: ClockConfirmedBy,
    }
);

wire_event!(
    /// The store goes by its clock again, which showed an earlier time than the last record.
    ClockRebasedV1 (1) is ClockRebased {
        observed_at: Timestamp,
    }
);

wire_event!(
    /// An issuer lists credentials that the log does not know, or no longer lists any.
    StrangersFoundV1 (1) is StrangersFound {
        issuer: IssuerName,
        credentials: u64,
    }
);
