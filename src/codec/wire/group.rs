//! Owns the frozen shapes of events about groups.

use super::shape::wire_event;
use crate::domain::event::{GroupCreated, GroupDeleted, GroupRestated, GroupUpdated};
use crate::domain::id::GroupId;
use crate::domain::name::{Description, GroupName};
use crate::domain::time::Timestamp;

wire_event!(
    /// A group was made.
    GroupCreatedV1 (1) is GroupCreated {
        group: GroupId,
        name: GroupName,
        description: Option<Description>,
    }
);

wire_event!(
    /// A group was renamed or described anew.
    GroupUpdatedV1 (1) is GroupUpdated {
        group: GroupId,
        name: GroupName,
        description: Option<Description>,
    }
);

wire_event!(
    /// An empty group was deleted.
    GroupDeletedV1 (1) is GroupDeleted {
        group: GroupId,
    }
);

wire_event!(
    /// What a group is.
    GroupRestatedV1 (1) is GroupRestated {
        group: GroupId,
        name: GroupName,
        description: Option<Description>,
        created_at: Timestamp,
        updated_at: Timestamp,
    }
);
