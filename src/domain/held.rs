//! Owns what holds a rotation back beside locks: a version that it would end is still waited for, by its grace or by consumers.
//!
//! What was promised of the credential before holds against the next rotation too. A person can go over it by force, and the
//! log says so. Read next: [`super::refusal`].

use std::fmt;

use serde::{Deserialize, Serialize};

use super::id::SecretId;
use super::name::{Actor, SecretName};
use super::position::VersionNumber;
use super::secret::{Secret, SecretType};
use super::settings::Settings;
use super::time::Timestamp;
use super::touch::{Touch, touched};
use super::version::Version;

/// Why a rotation that no lock refuses is refused: whose word is waited for, or until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The secret.
    pub secret: SecretId,
    /// Its name.
    pub name: SecretName,
    /// Its type.
    pub secret_type: SecretType,
    /// The version whose credential the rotation would end; the newest one that is held.
    pub version: VersionNumber,
    /// Until when its grace runs, if it does.
    pub graced_until: Option<Timestamp>,
    /// The consumers that have not said that they use a newer version.
    pub consumers: Box<[Actor]>,
}

impl Held {
    /// Says what the caller can do next.
    pub(crate) const ADVICE: &str = "wait, have them acknowledge, or rotate by force (the log will say so)";

    /// Says what is refused, and what is waited for.
    pub(crate) fn sentence(&self) -> String {
        let Self { name, version, .. } = self;
        let good = self.graced_until.map(|until| format!(", which stays good until {until} at the least"));
        let shown: Vec<&str> = self.consumers.iter().take(CONSUMERS_SHOWN).map(Actor::as_str).collect();
        let unmoved = || format!(", and these have not said that they use a newer one: {}", shown.join(", "));
        let more = self.consumers.len().saturating_sub(CONSUMERS_SHOWN);
        let parts = [good, (!shown.is_empty()).then(unmoved), (more > 0).then(|| format!(" and {more} more"))];
        let rest: String = parts.into_iter().flatten().collect();
        format!("the rotation of {name} is refused because it would end version {version}{rest}")
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.sentence(), Self::ADVICE)
    }
}

/// Consumers named in a sentence.
const CONSUMERS_SHOWN: usize = 5;

/// Tells what holds a rotation back at a time; nothing where all that it would end may end.
pub(crate) fn held(secret: &Secret, touch: Touch, settings: Settings, now: Timestamp) -> Option<Held> {
    let issuance = secret.spec.issuance()?;
    let grace = std::time::Duration::from_secs(issuance.grace_secs.into());
    let hold = |version: &Version| {
        let credential = version.credential.as_deref()?;
        let at = secret.versions.iter().position(|other| other.id == version.id)?;
        let newer = secret.versions.get(at.saturating_add(1)..).unwrap_or_default();
        let graced_until = newer.first()?.counts_from.plus(grace);
        let has_moved = |consumer: &Actor| newer.iter().any(|newer| newer.acknowledged_by.contains(consumer));
        let consumers: Box<[Actor]> = issuance.consumers.iter().filter(|one| !has_moved(one)).cloned().collect();
        let graced_until = Some(graced_until).filter(|until| *until > now);
        let is_held =
            credential.is_in_use() && !credential.is_retiring() && (graced_until.is_some() || !consumers.is_empty());
        is_held.then(|| Held {
            secret: secret.id,
            name: secret.metadata.name.clone(),
            secret_type: secret.secret_type(),
            version: version.number,
            graced_until,
            consumers,
        })
    };
    touched(secret, touch, settings).into_iter().filter_map(hold).max_by_key(|held| held.version)
}
