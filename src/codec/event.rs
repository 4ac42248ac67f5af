//! Owns the body of an event: 16 bytes of salt, then the frozen struct of its type and schema.
//!
//! The salt keeps an erased body from being guessed by its hash. A body whose (type, schema) this release does not know
//! is no error: it is kept, hashed and shown as unknown. Read next: [`super::wire`].

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::bytes::{self, LOG_BYTES_MAX};
use super::error::{CodecError, Part};
use super::wire::{audit, group, lock, rotation, secret, store, version};
use crate::domain::event::Event;

/// Bytes of salt before each encoded event.
pub(crate) const SALT_BYTES: usize = 16;

/// What the body of a record turned out to be.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant, reason = "nearly all are of the large kind")]
pub(crate) enum Decoded {
    /// An event, lifted to the newest schema.
    Known(Event),
    /// Nothing this release knows: the type or its schema is newer.
    Unknown,
}

/// A frozen struct: the body of one event type in one schema.
pub(super) trait Body: Serialize + DeserializeOwned {
    /// The number of the event type.
    const NUMBER: u16;

    /// The schema, from 1.
    const SCHEMA: u16;

    /// Gives the event: the newest schema turns into it, an older one is lifted to the next and goes on from there.
    fn into_event(self) -> Event;
}

/// Decodes one body, without its salt.
pub(super) type Decoder = fn(&[u8]) -> Result<Event, CodecError>;

/// Declares which structs stand for which event: the newest schema first, those before it behind, each before its own.
macro_rules! schemas {
    ($( $case:ident: $newest:ty $(, $older:ty)*; )+) => {
        /// Gives the schema in which an event is written.
        #[must_use]
        pub(crate) const fn schema_of(event: &Event) -> u16 {
            match event { $( Event::$case(_) => <$newest as Body>::SCHEMA, )+ }
        }

        /// Encodes an event behind its salt.
        ///
        /// # Errors
        ///
        /// [`CodecError::TooLong`] when it takes more than 64 KiB.
        pub(crate) fn encode_event(event: &Event, salt: &[u8; SALT_BYTES]) -> Result<Vec<u8>, CodecError> {
            let part = Part::Event { number: event.number(), schema: schema_of(event) };
            match event {
                $( Event::$case(event) => {
                    bytes::encode::<LOG_BYTES_MAX>(part, salt, &<$newest>::from(event.clone()))
                } )+
            }
        }

        /// Gives an event as JSON, for people. The fields are those of the newest schema.
        #[must_use]
        pub(crate) fn event_json(event: &Event) -> serde_json::Value {
            match event {
                // Nothing in a wire struct fails to become JSON: names of fields are texts, and a JSON object is one.
                $( Event::$case(event) => serde_json::to_value(<$newest>::from(event.clone())).unwrap_or_default(), )+
            }
        }

        /// Writes an event as JSON with the fields of the schema of its record, so that the text for a record stays the
        /// same when a later release knows more of the event.
        pub(crate) fn write_event_json(event: &Event, schema: u16, out: &mut Vec<u8>) {
            match event {
                $( Event::$case(event) => {
                    let body = <$newest>::from(event.clone());
                    $(
                        if schema > <$older as Body>::SCHEMA {
                            return write_json(&body, out);
                        }
                        let body = <$older>::from(body);
                    )*
                    write_json(&body, out);
                } )+
            }
        }

        /// Finds what decodes a type in a schema.
        pub(super) fn decoder(number: u16, schema: u16) -> Option<Decoder> {
            match (number, schema) {
                $(
                    (<$newest as Body>::NUMBER, <$newest as Body>::SCHEMA) => Some(decode_body::<$newest>),
                    $( (<$older as Body>::NUMBER, <$older as Body>::SCHEMA) => Some(decode_body::<$older>), )*
                )+
                _ => None,
            }
        }

        /// How many types and schemas of events this release knows: more with each release that adds one.
        pub(crate) fn vocabulary() -> u16 {
            let known = [$( <$newest as Body>::NUMBER $(, <$older as Body>::NUMBER)* ),+];
            u16::try_from(known.len()).unwrap_or(u16::MAX)
        }
    };
}

schemas! {
    StoreCreated: store::StoreCreatedV1;
    SettingsChanged: store::SettingsChangedV1;
    KeySlotAdded: store::KeySlotAddedV1;
    KeySlotRemoved: store::KeySlotRemovedV1;
    EpochRolled: store::EpochRolledV1;
    EpochRetired: store::EpochRetiredV1;
    ClockRanBack: store::ClockRanBackV1;
    SigningKeySet: store::SigningKeySetV1;
    HeartbeatRecorded: store::HeartbeatRecordedV1;
    BodiesErased: store::BodiesErasedV1;
    GroupCreated: group::GroupCreatedV1;
    GroupUpdated: group::GroupUpdatedV1;
    GroupDeleted: group::GroupDeletedV1;
    GroupRestated: group::GroupRestatedV1;
    StoreRestored: store::StoreRestoredV2, store::StoreRestoredV1;
    QuarantineEnded: store::QuarantineEndedV1;
    ClockHeld: store::ClockHeldV1;
    ClockConfirmed: store::ClockConfirmedV1;
    ClockRebased: store::ClockRebasedV1;
    SecretCreated: secret::SecretCreatedV1;
    SecretUpdated: secret::SecretUpdatedV1;
    SpecUpdated: secret::SpecUpdatedV1;
    PolicySet: secret::PolicySetV1;
    PolicyCleared: secret::PolicyClearedV1;
    SecretDeleted: secret::SecretDeletedV1;
    SecretExpired: secret::SecretExpiredV1;
    ExpirationHeld: secret::ExpirationHeldV1;
    SecretRestated: secret::SecretRestatedV2, secret::SecretRestatedV1;
    DeletionPlanned: rotation::DeletionPlannedV1;
    VersionAdded: version::VersionAddedV1;
    VersionRegenerated: version::VersionRegeneratedV1;
    VersionDownloaded: version::VersionDownloadedV1;
    VersionUpdated: version::VersionUpdatedV1;
    VersionDataDestroyed: version::VersionDataDestroyedV1;
    VersionRestated: version::VersionRestatedV2, version::VersionRestatedV1;
    RetirementPlanned: rotation::RetirementPlannedV1;
    CredentialRetired: rotation::CredentialRetiredV1;
    VersionAcknowledged: rotation::VersionAcknowledgedV1;
    RetirementFailed: rotation::RetirementFailedV1;
    LockPlaced: lock::LockPlacedV1;
    LockRenewed: lock::LockRenewedV1;
    LockRemoved: lock::LockRemovedV1;
    LockExpired: lock::LockExpiredV1;
    LockRestated: lock::LockRestatedV1;
    RotationPlanned: rotation::RotationPlannedV1;
    RotationAttempted: rotation::RotationAttemptedV1;
    RotationAttemptFailed: rotation::RotationAttemptFailedV1;
    CredentialIssued: rotation::CredentialIssuedV1;
    RotationStaged: rotation::RotationStagedV1;
    RotationCommitted: rotation::RotationCommittedV1;
    RotationAborted: rotation::RotationAbortedV1;
    RotationParked: rotation::RotationParkedV1;
    RotationResumed: rotation::RotationResumedV1;
    AbortPlanned: rotation::AbortPlannedV1;
    ReadRefused: audit::ReadRefusedV1;
    RotationRefused: audit::RotationRefusedV1;
    ScheduledRotationRefused: audit::ScheduledRotationRefusedV1;
    DeletionRefused: audit::DeletionRefusedV1;
    DataDestructionRefused: audit::DataDestructionRefusedV1;
    CommandRefused: audit::CommandRefusedV1;
    CommandHadNoEffect: audit::CommandHadNoEffectV1;
    AccessRecorded: audit::AccessRecordedV1;
    JobBegun: rotation::JobBegunV1;
    RetirementJobBegun: rotation::RetirementJobBegunV1;
    CredentialKept: rotation::CredentialKeptV1;
    AttemptCounted: rotation::AttemptCountedV1;
    HoldOverridden: rotation::HoldOverriddenV1;
    StrangersFound: store::StrangersFoundV1;
}

/// Writes a wire struct as JSON; null in the same cases as [`event_json`], which are none.
fn write_json(wire: &impl Serialize, out: &mut Vec<u8>) {
    let start = out.len();
    if serde_json::to_writer(&mut *out, wire).is_err() {
        out.truncate(start);
        out.extend_from_slice(b"null");
    }
}

/// Decodes the body of a record, salt and all, and lifts it to the newest schema.
///
/// # Errors
///
/// [`CodecError`] when the type and schema are known and the bytes are not exactly what they would be written as.
pub(crate) fn decode_event(number: u16, schema: u16, body: &[u8]) -> Result<Decoded, CodecError> {
    decode_by(decoder(number, schema), Part::Event { number, schema }, body)
}

/// Tells whether this release knows a type in a schema, whose body it may not have.
pub(crate) fn is_known(number: u16, schema: u16) -> bool {
    decoder(number, schema).is_some()
}

/// Decodes a body with the decoder that was found for it; tests bring decoders of schemas that do not exist yet.
pub(super) fn decode_by(decoder: Option<Decoder>, part: Part, body: &[u8]) -> Result<Decoded, CodecError> {
    let Some(decoder) = decoder else { return Ok(Decoded::Unknown) };
    bytes::within(part, body.len(), LOG_BYTES_MAX)?;
    let Some((_salt, encoded)) = body.split_at_checked(SALT_BYTES) else {
        return Err(CodecError::TooShort { part, bytes: body.len() });
    };
    decoder(encoded).map(Decoded::Known)
}

pub(super) fn decode_body<B: Body>(encoded: &[u8]) -> Result<Event, CodecError> {
    let part = Part::Event { number: B::NUMBER, schema: B::SCHEMA };
    bytes::decode::<LOG_BYTES_MAX, B>(part, encoded).map(B::into_event)
}
