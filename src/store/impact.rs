//! Owns whom a rotation or a deletion would concern, and who read a secret recently.
//!
//! Read next: [`super::status`].

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use crate::domain::command::Command;
use crate::domain::event::{AccessRecorded, Event};
use crate::domain::event_shape::Kind;
use crate::domain::id::{SecretId, VersionId};
use crate::domain::impact::Impact;
use crate::domain::name::Actor;
use crate::domain::position::Position;
use crate::domain::rotation::{IssuerClass, RotationTrigger};
use crate::domain::rotation_command::{NewRotation, RotationCommand};
use crate::domain::secret::SecretSpec;
use crate::domain::time::Timestamp;
use crate::engine::draw;
use crate::engine::log::Decoder;
use crate::error::Error;
use crate::seal::secret_bytes::SecretBytes;

use super::forecast::Forecast;
use super::session::Session;
use super::store::Store;
use crate::engine::prepare::version_with_username;

/// Records at the end of the log that [`Store::impact`] searches for readers.
const RECORDS_LOOKED_AT: u64 = 100_000;

/// Readers in a report, the latest ones, at most.
const READERS_MAX: usize = 256;

/// Whom a rotation or a deletion of a secret would concern.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImpactReport {
    /// The impact of a rotation; `None` for types that do not rotate.
    pub rotation: Option<Impact>,
    /// The impact of a deletion.
    pub deletion: Impact,
    /// Who read which version recently, as far as reads are recorded; the latest first, at most 256.
    pub readers: Vec<RecentReader>,
    /// The position from which the log was searched for readers.
    pub readers_from: Position,
}

/// A recent reader of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecentReader {
    /// The actor that read.
    pub reader: Actor,
    /// The version.
    pub version: VersionId,
    /// The number of reads.
    pub reads: u64,
    /// The time of the last read.
    pub last_at: Timestamp,
}

impl Store {
    /// Returns whom a rotation or a deletion of a secret would concern: locks with their owners, leases with their
    /// ends, its consumers and what they acknowledged, and who read it in the last 100,000 records of the log.
    ///
    /// It reads these records. It cannot know reads that are not in the log yet, or never will be
    /// ([`crate::AccessAudit::Off`]).
    ///
    /// ```
    /// use latchkeep::{Actor, LockName, NewLock, NewSecret, SecretBytes, SecretName, StoreOptions, Unlock, VersionRef};
    ///
    /// let store = StoreOptions::in_memory(Unlock::bytes(SecretBytes::copy_from(&[7; 32]))).create()?;
    /// let ops = store.acting_as(Actor::parse("ops")?);
    /// let new = NewSecret::arbitrary(SecretName::parse("token")?, SecretBytes::copy_from(b"one"))?;
    /// let id = ops.create(new)?.secret.unwrap();
    /// ops.place_lock(id, VersionRef::Current, NewLock::new(LockName::parse("billing")?))?;
    ///
    /// let impact = store.impact(id)?;
    /// assert!(impact.rotation.unwrap().locks.is_empty(), "the version that is locked would only become previous");
    /// assert_eq!(impact.deletion.locks[0].name.as_str(), "billing");
    /// # Ok::<(), latchkeep::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Kind `Refused` with [`crate::Refusal::SecretNotFound`]; kind `Corrupt` when the log is damaged.
    pub fn impact(&self, id: SecretId) -> Result<ImpactReport, Error> {
        let shared = &self.0.shared;
        let secret = self.secret(id)?;
        let (settings, rebased) =
            shared.published.with(|now| (now.state.whole.settings, now.state.whole.rebased.clone()));
        let end = shared.published.with(|now| now.end.size);
        let from = Position::new(end.get().saturating_sub(RECORDS_LOOKED_AT));
        let (mut found, mut decoder) = (BTreeMap::new(), Decoder::default());
        shared.held().each(from, end, &mut |raw| {
            if raw.header().event_type != ACCESS_RECORDED {
                return Ok(ControlFlow::Continue(()));
            }
            if let Some(Event::AccessRecorded(read)) = decoder.decode(raw)?.map(|record| record.event)
                && read.secret == id
            {
                note(&mut found, rebased.partition_point(|rebased| rebased.position < raw.header().position), read);
            }
            Ok(ControlFlow::Continue(()))
        })?;
        let mut readers: Vec<_> = found.into_values().collect();
        readers.sort_by_key(|(stretch, read)| std::cmp::Reverse((*stretch, read.last_at)));
        let readers = readers.into_iter().map(|(_, read)| read).take(READERS_MAX).collect();
        Ok(ImpactReport {
            rotation: secret.impact_of_rotation(settings),
            deletion: secret.impact_of_deletion(settings),
            readers,
            readers_from: from,
        })
    }
}

/// Readers of versions, each with the stretch of the log of its last read: times of several stretches do not compare.
type Readers = BTreeMap<(Actor, VersionId), (usize, RecentReader)>;

/// Adds a read from a stretch of the log.
fn note(found: &mut Readers, stretch: usize, read: AccessRecorded) {
    let AccessRecorded { reader, version, reads, last_at, .. } = read;
    let first = RecentReader { reader: reader.clone(), version, reads: 0, last_at };
    let (last, seen) = found.entry((reader, version)).or_insert((stretch, first));
    seen.reads = seen.reads.saturating_add(reads);
    (*last, seen.last_at) = (*last, seen.last_at).max((stretch, last_at));
}

impl Session {
    /// Returns what a rotation by hand would do now, or why it would be refused, for a secret of any type. Records
    /// nothing, needs no data, and calls no issuer.
    ///
    /// For a secret whose data comes from an issuer, this is the beginning of the rotation, and the issuer's last class
    /// is assumed.
    ///
    /// # Errors
    ///
    /// Kind `Refused` with [`crate::Refusal::SecretNotFound`]; kind `Unavailable` or `Closed` when the store does not
    /// answer.
    pub fn dry_run_rotation(&self, id: SecretId) -> Result<Forecast, Error> {
        let engine = &self.store().0;
        engine.settle_if_there_is_room()?;
        let (secret, now) = (engine.find(id)?, engine.now());
        let terms = self.terms_of_rotation(id);
        if secret.spec.issuance().is_none() {
            let forecast = self.forecast(&engine.prepare_any_rotation(&secret, now)?, &terms);
            let needs_username = matches!(secret.spec, SecretSpec::UsernamePassword { .. });
            return Ok(match version_with_username(&secret) {
                Err(refusal) if needs_username && forecast.refusal.is_none() => Forecast::refused(refusal),
                _ => forecast,
            });
        }
        let class = secret.issuer_class().unwrap_or(IssuerClass::Opaque);
        let to = draw::version_id(now)?;
        let value = if class.replaces_in_place() {
            // The content does not matter.
            Some(engine.prepare_issued(&secret, to, &SecretBytes::copy_from(b"{\"any\":\"any\"}"))?.0)
        } else {
            None
        };
        let rotation = draw::rotation_id(now)?;
        let trigger = RotationTrigger::ByHand;
        let new = NewRotation { id: rotation, trigger, class, to, attempts_max: 1, deadline: now, value };
        let command = Command::Rotation { secret: id, step: RotationCommand::Plan(Box::new(new)) };
        Ok(self.forecast(&command, &terms))
    }
}

/// The number of `AccessRecorded`, so that no other record has to be decoded.
const ACCESS_RECORDED: u16 = <AccessRecorded as Kind>::NUMBER;
