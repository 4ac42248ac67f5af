//! Owns the frozen shapes of events about a secret.

use super::policy::RotationPolicyV1;
use super::rotation::{GivenUpV1, RotationV1};
use super::shape::{wire_event, wire_event_before, wire_struct};
use super::spec::SecretSpecV1;
use super::value::{List, Maybe};
use crate::domain::doubt::RotationLineage;
use crate::domain::event::{
    ExpirationHeld, PolicyCleared, PolicySet, SecretCreated, SecretDeleted, SecretExpired, SecretRestated,
    SecretUpdated, SpecUpdated,
};
use crate::domain::id::{DataKeyId, GroupId, VersionId};
use crate::domain::incarnation::Incarnation;
use crate::domain::json::JsonObject;
use crate::domain::name::{Actor, Description, Label, SecretName};
use crate::domain::schedule::GivenUp;
use crate::domain::secret::{Lifecycle, SecretMetadata};
use crate::domain::time::Timestamp;

wire_struct!(
    /// What the users of a secret may change.
    SecretMetadataV1 is SecretMetadata {
        name: SecretName,
        description: Option<Description>,
        labels: List<Label>,
        custom_metadata: Option<JsonObject>,
        expires_at: Option<Timestamp>,
        retention: u8,
        refuse_rotation_while_locked: Option<bool>,
    }
);

impl From<Box<SecretMetadata>> for SecretMetadataV1 {
    fn from(metadata: Box<SecretMetadata>) -> Self {
        Self::from(*metadata)
    }
}

impl From<SecretMetadataV1> for Box<SecretMetadata> {
    fn from(metadata: SecretMetadataV1) -> Self {
        Self::new(metadata.into())
    }
}

wire_event!(
    /// A secret was made.
    SecretCreatedV1 (1) is SecretCreated {
        group: GroupId,
        metadata: SecretMetadataV1,
        spec: SecretSpecV1,
        policy: Maybe<RotationPolicyV1>,
    }
);

wire_event!(
    /// The metadata of a secret changed.
    SecretUpdatedV1 (1) is SecretUpdated {
        metadata: SecretMetadataV1,
    }
);

wire_event!(
    /// The parameters of the type of a secret changed.
    SpecUpdatedV1 (1) is SpecUpdated {
        spec: SecretSpecV1,
    }
);

wire_event!(
    /// A rotation policy was set.
    PolicySetV1 (1) is PolicySet {
        policy: RotationPolicyV1,
    }
);

wire_event!(
    /// The rotation policy was cleared; the event has no fields.
    PolicyClearedV1 (1) is PolicyCleared {}
);

wire_event!(
    /// A secret was deleted.
    SecretDeletedV1 (1) is SecretDeleted {
        data_keys: List<DataKeyId>,
    }
);

wire_event!(
    /// A secret reached its expiry.
    SecretExpiredV1 (1) is SecretExpired {
        lifecycle: Lifecycle,
    }
);

wire_event!(
    /// A lock holds the data of an expired secret.
    ExpirationHeldV1 (1) is ExpirationHeld {
        version: VersionId,
    }
);

wire_struct!(
    /// In which incarnations of the store a rotation was planned and resumed.
    RotationLineageV1 is RotationLineage {
        planned_in: Incarnation,
        resumed_in: Option<Incarnation>,
    }
);

impl From<Box<RotationLineage>> for RotationLineageV1 {
    fn from(lineage: Box<RotationLineage>) -> Self {
        Self::from(*lineage)
    }
}

impl From<RotationLineageV1> for Box<RotationLineage> {
    fn from(lineage: RotationLineageV1) -> Self {
        Self::new(lineage.into())
    }
}

impl From<Maybe<RotationLineageV1>> for Option<Box<RotationLineage>> {
    fn from(lineage: Maybe<RotationLineageV1>) -> Self {
        lineage.lift()
    }
}

wire_event!(
    /// The description of a secret, except its versions.
    SecretRestatedV3 (3) is SecretRestated, before it SecretRestatedV2, before it SecretRestatedV1 {
        group: GroupId,
        metadata: SecretMetadataV1,
        spec: SecretSpecV1,
        policy: Maybe<RotationPolicyV1>,
        lifecycle: Lifecycle,
        expiry_held_since: Option<Timestamp>,
        created_at: Timestamp,
        created_by: Actor,
        updated_at: Timestamp,
        retrieved_at: Option<Timestamp>,
        rotation_refused_at: Option<Timestamp>,
        rotation: Maybe<RotationV1>,
        is_deleting: bool,
        scheduled_from: Option<Timestamp>,
        given_up: Maybe<GivenUpV1>,
        lineage: Maybe<RotationLineageV1>,
    }
);

wire_event_before!(
    /// The same, before it had the incarnation of a rotation.
    SecretRestatedV2 (2) lifts to SecretRestatedV3 {
        group: GroupId,
        metadata: SecretMetadataV1,
        spec: SecretSpecV1,
        policy: Maybe<RotationPolicyV1>,
        lifecycle: Lifecycle,
        expiry_held_since: Option<Timestamp>,
        created_at: Timestamp,
        created_by: Actor,
        updated_at: Timestamp,
        retrieved_at: Option<Timestamp>,
        rotation_refused_at: Option<Timestamp>,
        rotation: Maybe<RotationV1>,
        is_deleting: bool,
        scheduled_from: Option<Timestamp>,
        given_up: Maybe<GivenUpV1>,
        ; lineage = Maybe::from(None::<Box<RotationLineage>>),
    }
);

wire_event_before!(
    /// The same, before schedules counted from an anchor: it has neither the anchor nor a rotation that was given up.
    SecretRestatedV1 (1) lifts to SecretRestatedV2 {
        group: GroupId,
        metadata: SecretMetadataV1,
        spec: SecretSpecV1,
        policy: Maybe<RotationPolicyV1>,
        lifecycle: Lifecycle,
        expiry_held_since: Option<Timestamp>,
        created_at: Timestamp,
        created_by: Actor,
        updated_at: Timestamp,
        retrieved_at: Option<Timestamp>,
        rotation_refused_at: Option<Timestamp>,
        rotation: Maybe<RotationV1>,
        is_deleting: bool,
        ; scheduled_from = None,
        given_up = Maybe::from(None::<Box<GivenUp>>),
    }
);
