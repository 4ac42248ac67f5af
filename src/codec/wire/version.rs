//! Owns the frozen shapes of events about a version.

use super::rotation::CredentialV1;
use super::shape::{wire_enum, wire_event, wire_event_before, wire_struct};
use super::value::{Digest, List, Maybe};
use crate::domain::event::{
    VersionAdded, VersionDataDestroyed, VersionDownloaded, VersionRegenerated, VersionRestated, VersionUpdated,
};
use crate::domain::id::{DataKeyId, VersionId};
use crate::domain::json::JsonObject;
use crate::domain::name::Actor;
use crate::domain::position::{Position, VersionNumber};
use crate::domain::time::Timestamp;
use crate::domain::version::{CertificateDetails, DestroyCause, SealedRef, VersionData, VersionDetails, VersionOrigin};

wire_struct!(
    /// The place of sealed data.
    SealedRefV1 is SealedRef {
        data_key: DataKeyId,
        epoch: u32,
        sealed_bytes: u32,
        digest: Digest,
    }
);

wire_struct!(
    /// The fields of a certificate.
    CertificateDetailsV1 is CertificateDetails {
        serial: Box<str>,
        common_name: Box<str>,
        issuer: Box<str>,
        not_before: Timestamp,
        not_after: Timestamp,
        has_private_key: bool,
        has_chain: bool,
    }
);

wire_enum!(
    /// The public details of a version's data.
    VersionDetailsV1 is VersionDetails {
        Plain = 0, "plain";
        ApiKey = 1, "api_key" { api_key_id: Actor };
        Certificate = 2, "certificate" (certificate: CertificateDetailsV1);
    }
);

wire_enum!(
    /// Whether the data of a version can be read.
    VersionDataV1 is VersionData {
        Available = 1, "available" (sealed: SealedRefV1);
        Destroyed = 2, "destroyed" { at: Timestamp, cause: DestroyCause };
        Unavailable = 3, "unavailable" { since: Timestamp };
    }
);

impl From<Box<VersionData>> for VersionDataV1 {
    fn from(data: Box<VersionData>) -> Self {
        Self::from(*data)
    }
}

impl From<VersionDataV1> for Box<VersionData> {
    fn from(data: VersionDataV1) -> Self {
        Self::new(data.into())
    }
}

impl From<Box<CertificateDetails>> for CertificateDetailsV1 {
    fn from(details: Box<CertificateDetails>) -> Self {
        Self::from(*details)
    }
}

impl From<CertificateDetailsV1> for Box<CertificateDetails> {
    fn from(details: CertificateDetailsV1) -> Self {
        Self::new(details.into())
    }
}

wire_event!(
    /// A version was added.
    VersionAddedV1 (1) is VersionAdded {
        version: VersionId,
        number: VersionNumber,
        origin: VersionOrigin,
        restored_from: Option<VersionId>,
        sealed: SealedRefV1,
        details: VersionDetailsV1,
        expires_at: Option<Timestamp>,
        custom_metadata: Option<JsonObject>,
    }
);

wire_event!(
    /// A read made a new credential in a version.
    VersionRegeneratedV1 (1) is VersionRegenerated {
        version: VersionId,
        destroyed: Option<DataKeyId>,
        sealed: SealedRefV1,
        details: VersionDetailsV1,
        expires_at: Option<Timestamp>,
    }
);

wire_event!(
    /// The data of a version was read for the first time.
    VersionDownloadedV1 (1) is VersionDownloaded {
        version: VersionId,
    }
);

wire_event!(
    /// The metadata of a version changed.
    VersionUpdatedV1 (1) is VersionUpdated {
        version: VersionId,
        custom_metadata: Option<JsonObject>,
    }
);

wire_event!(
    /// The data of a version was destroyed.
    VersionDataDestroyedV1 (1) is VersionDataDestroyed {
        version: VersionId,
        data_key: DataKeyId,
        cause: DestroyCause,
    }
);

wire_event!(
    /// The description of a version, except its locks.
    VersionRestatedV2 (2) is VersionRestated, before it VersionRestatedV1 {
        version: VersionId,
        number: VersionNumber,
        origin: VersionOrigin,
        restored_from: Option<VersionId>,
        data: VersionDataV1,
        data_from: Position,
        details: VersionDetailsV1,
        expires_at: Option<Timestamp>,
        downloaded: bool,
        custom_metadata: Option<JsonObject>,
        created_at: Timestamp,
        created_by: Actor,
        credential: Maybe<CredentialV1>,
        acknowledged_by: List<Actor>,
        counts_from: Timestamp,
    }
);

wire_event_before!(
    /// The same, before a clock could be rebased: its age counts from its creation.
    VersionRestatedV1 (1) lifts to VersionRestatedV2 {
        version: VersionId,
        number: VersionNumber,
        origin: VersionOrigin,
        restored_from: Option<VersionId>,
        data: VersionDataV1,
        data_from: Position,
        details: VersionDetailsV1,
        expires_at: Option<Timestamp>,
        downloaded: bool,
        custom_metadata: Option<JsonObject>,
        created_at: Timestamp,
        created_by: Actor,
        credential: Maybe<CredentialV1>,
        acknowledged_by: List<Actor>,
        ; counts_from = created_at,
    }
);
