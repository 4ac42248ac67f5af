//! Owns how the known part of a hidden secret comes to be, and how versions get into it whose words are erased.
//!
//! Read next: [`super::told`].

use super::super::super::event::Event;
use super::super::super::evolve;
use super::super::super::fencing::FencingToken;
use super::super::super::id::{DataKeyId, GroupId, VersionId};
use super::super::super::incarnation::Incarnation;
use super::super::super::lock::Lock;
use super::super::super::name::{Actor, LockName, SecretName};
use super::super::super::position::{Position, Revision};
use super::super::super::progress;
use super::super::super::record::Record;
use super::super::super::rotation::Rotation;
use super::super::super::secret::{Lifecycle, Secret, SecretMetadata, SecretSpec};
use super::super::super::step::HiddenRecord;
use super::super::super::time::Timestamp;
use super::super::super::version::{SealedRef, Version, VersionData, VersionDetails, VersionOrigin};
use super::{Known, Marks, Seen};

/// What stands where nobody knows a name.
const UNKNOWN: &str = "unknown";

impl From<Secret> for Known {
    /// Begins with a secret that was seen.
    fn from(secret: Secret) -> Self {
        let seen = Seen {
            creation: true,
            metadata: true,
            spec: true,
            policy: true,
            version_words: true,
            unnamed: std::collections::BTreeSet::new(),
            unseen: std::collections::BTreeSet::new(),
            versions: true,
            is_commit: false,
        };
        let held = secret.expiry_held_since;
        Self { secret, seen, marks: Marks::default(), held, later: Vec::new() }
    }
}

impl Known {
    /// Begins with the header of a creation.
    pub(super) fn made(record: &HiddenRecord) -> Option<Self> {
        let subject = record.subject?;
        let secret = Secret {
            id: subject.secret,
            group: GroupId::DEFAULT,
            metadata: SecretMetadata::bare(SecretName::parse(UNKNOWN).ok()?),
            spec: SecretSpec::Arbitrary,
            policy: None,
            lifecycle: Lifecycle::PreActivation,
            expiry_held_since: None,
            versions: Vec::new(),
            revision: Revision::FIRST,
            as_of: record.position.next(),
            created_at: record.recorded_at,
            created_by: Actor::parse(UNKNOWN).ok()?,
            updated_at: record.recorded_at,
            retrieved_at: None,
            rotation_refused_at: None,
            scheduled_from: record.recorded_at,
            given_up: None,
            rotation: None,
            patience: None,
            lineage: None,
            is_deleting: false,
        };
        let known = Self::from(secret);
        let seen = Seen { creation: false, metadata: false, spec: false, policy: false, ..known.seen };
        Some(Self { seen, ..known })
    }

    /// Adds a version whose words are erased. What an issuer made, its rotation tells of.
    pub(super) fn add(&mut self, record: &HiddenRecord) {
        let secret = &mut self.secret;
        let number = secret.next_number();
        let brought = |open: &Rotation| Some((open.to, open.credential()?.sealed, open.trigger.origin()));
        let made = secret.rotation.as_deref().filter(|rotation| rotation.stage.is_made()).and_then(brought);
        let placeholder = VersionId::from_bytes(bytes_of(record.position));
        let first = if secret.versions.is_empty() { VersionOrigin::Created } else { VersionOrigin::RotatedByHand };
        let (id, sealed, origin) = made.unwrap_or((placeholder, SEALED, first));
        if made.is_none() {
            self.seen.unnamed.insert(id);
        }
        self.seen.unseen.insert(number);
        let credential = progress::take_credential(secret, id);
        secret.rotation_refused_at = None;
        secret.lifecycle = Lifecycle::Active;
        secret.versions.push(Version {
            id,
            number,
            origin,
            restored_from: None,
            data: VersionData::Available(sealed),
            data_from: record.position,
            details: VersionDetails::Plain,
            expires_at: None,
            downloaded: false,
            custom_metadata: None,
            created_at: record.recorded_at,
            counts_from: record.recorded_at,
            created_by: secret.created_by.clone(),
            locks: Vec::new(),
            credential,
            acknowledged_by: Box::default(),
        });
        evolve::prune(secret);
    }

    /// Notes that a lock may have gone that was not seen.
    pub(super) fn note_end(&mut self, record: &Record) {
        if let Event::LockPlaced(_) | Event::LockRemoved(_) | Event::LockExpired(_) = &record.event {
            let on = record.event.effect().version().and_then(|id| self.secret.version_by_id(id));
            self.marks.end(record.position, on.map(|version| version.number));
        }
    }

    /// Notes a lock that was not seen, and stands, since its lease is renewed.
    pub(super) fn note_renewal(&mut self, record: &Record) {
        let Event::LockRenewed(event) = &record.event else { return };
        let Some(version) = self.secret.version_by_id_mut(event.version) else { return };
        if version.lock(&event.name).is_none()
            && let Some(lock) = unseen_lock(&event.name)
        {
            evolve::put_lock(version, lock);
        }
    }
}

/// Makes a lock of which only the name is known.
pub(super) fn unseen_lock(name: &LockName) -> Option<Lock> {
    Some(Lock {
        name: name.clone(),
        description: None,
        attributes: None,
        owner: None,
        created_at: Timestamp::EPOCH,
        updated_at: Timestamp::EPOCH,
        created_by: Actor::parse(UNKNOWN).ok()?,
        expires_at: None,
        fencing_token: FencingToken { incarnation: Incarnation::ORIGINAL, position: Position::FIRST },
    })
}

/// What stands where nobody knows the data.
const SEALED: SealedRef =
    SealedRef { data_key: DataKeyId::from_bytes([0; 16]), epoch: 0, sealed_bytes: 0, digest: [0; 32] };

/// Makes an id of our own of a position, far from those that are drawn or counted.
fn bytes_of(position: Position) -> [u8; 16] {
    (u128::MAX ^ u128::from(position.get())).to_be_bytes()
}
