//! Owns who would be hit if a secret were rotated or deleted, or data of it destroyed: a pure function of the secret and what the store is set to.
//!
//! Which versions those are is told by the one rule, [`super::touch`]. Read next: [`super::standing`].

use super::blocked::{Blocked, BlockingLock};
use super::name::Actor;
use super::position::VersionNumber;
use super::rotation::IssuerClass;
use super::secret::Secret;
use super::settings::Settings;
use super::touch::{Touch, touched};
use super::version::{Version, VersionRef};

/// Whom an operation would hit, as far as the state tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Impact {
    /// The versions that it would modify, invalidate or destroy, oldest first.
    pub versions: Vec<VersionNumber>,
    /// All locks on these versions, permanent ones and leases with their ends. While one stands, the operation is refused.
    pub locks: Vec<BlockingLock>,
    /// The consumers that the secret waits for, and what each of them said.
    pub consumers: Vec<ConsumerImpact>,
}

/// A consumer that a secret waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConsumerImpact {
    /// Who it is.
    pub consumer: Actor,
    /// The newest version that it said it uses.
    pub acknowledged: Option<VersionNumber>,
    /// Whether the operation would take that version from it, or nobody knows which one it uses.
    pub is_hit: bool,
}

impl Secret {
    /// Tells whom a rotation would hit; nothing for types that do not rotate.
    #[must_use]
    pub fn impact_of_rotation(&self, settings: Settings) -> Option<Impact> {
        (!self.spec.is_dynamic()).then(|| impact(self, self.rotation_touch(), settings))
    }

    /// Tells whom a deletion would hit.
    #[must_use]
    pub fn impact_of_deletion(&self, settings: Settings) -> Impact {
        impact(self, Touch::Delete, settings)
    }

    /// Tells whom the destruction of the data of one version would hit; nothing when it is not there, or destroyed already.
    #[must_use]
    pub fn impact_of_destruction(&self, version: VersionRef) -> Option<Impact> {
        let version = self.version(version).filter(|version| !version.is_destroyed())?;
        Some(impact(self, Touch::DestroyData(version.id), Settings::default()))
    }

    /// What the next rotation is to the versions: as the issuer of the last one said.
    pub(crate) fn rotation_touch(&self) -> Touch {
        self.issuer_class().map_or(Touch::Rotate, IssuerClass::touch)
    }

    /// What its issuer could do when it was last asked.
    pub(crate) fn issuer_class(&self) -> Option<IssuerClass> {
        let open = self.rotation.as_ref().map(|rotation| rotation.class);
        open.or_else(|| Some(self.current()?.credential.as_ref()?.class))
    }
}

fn impact(secret: &Secret, touch: Touch, settings: Settings) -> Impact {
    let mut versions = touched(secret, touch, settings);
    versions.sort_by_key(|version| version.number);
    let locks_of = |version: &&Version| {
        let whose = (version.id, version.number, secret.alias(version.id));
        version.locks.iter().map(move |lock| Blocked::lock(whose, lock)).collect::<Vec<_>>()
    };
    let locks = versions.iter().flat_map(locks_of).collect();
    let versions: Vec<_> = versions.into_iter().map(|version| version.number).collect();
    let expected = secret.spec.issuance().map(|issuance| &*issuance.consumers).unwrap_or_default();
    let said = |consumer: &Actor| {
        let uses = secret.versions.iter().rev().find(|version| version.acknowledged_by.contains(consumer));
        let acknowledged = uses.map(|version| version.number);
        let is_hit = acknowledged.is_none_or(|number| versions.contains(&number));
        ConsumerImpact { consumer: consumer.clone(), acknowledged, is_hit: is_hit && !versions.is_empty() }
    };
    let consumers = expected.iter().map(said).collect();
    Impact { versions, locks, consumers }
}
