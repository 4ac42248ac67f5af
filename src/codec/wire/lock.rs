//! Owns the frozen shapes of events about locks.

use super::shape::{wire_event, wire_struct};
use crate::domain::event::{LockExpired, LockPlaced, LockRemoved, LockRenewed, LockRestated};
use crate::domain::id::VersionId;
use crate::domain::json::JsonObject;
use crate::domain::lock::{LockRemoval, PlacedLock};
use crate::domain::name::{Actor, Description, LockName};
use crate::domain::position::Position;
use crate::domain::time::Timestamp;

wire_struct!(
    /// A lock that was placed.
    NewLockV1 is PlacedLock {
        name: LockName,
        description: Option<Description>,
        attributes: Option<JsonObject>,
        owner: Option<Actor>,
        expires_at: Option<Timestamp>,
    }
);

wire_event!(
    /// A lock was placed.
    LockPlacedV1 (1) is LockPlaced {
        version: VersionId,
        lock: NewLockV1,
        forced: bool,
    }
);

wire_event!(
    /// The lease of a lock was renewed.
    LockRenewedV1 (1) is LockRenewed {
        version: VersionId,
        name: LockName,
        expires_at: Timestamp,
        forced: bool,
    }
);

wire_event!(
    /// A lock was removed.
    LockRemovedV1 (1) is LockRemoved {
        version: VersionId,
        name: LockName,
        cause: LockRemoval,
        forced: bool,
    }
);

wire_event!(
    /// The lease of a lock ended.
    LockExpiredV1 (1) is LockExpired {
        version: VersionId,
        name: LockName,
    }
);

wire_event!(
    /// What a lock is.
    LockRestatedV1 (1) is LockRestated {
        version: VersionId,
        lock: NewLockV1,
        created_at: Timestamp,
        updated_at: Timestamp,
        created_by: Actor,
        fencing_token: Position,
    }
);
