//! Owns the sweep: what carries a tag of this store outside and no rotation knows of is retired, so that nothing piles up.
//!
//! Only issuers of class `CreateDiscoverable` can be swept. A rotation is recorded before its first call, so what is listed
//! and not in the state read afterwards belongs to nobody, if this log planned its rotation. If not, another store with the
//! same log id made it, the original of a backup or of a copy, and it may be in use there: it is told of, and never ended. An issuer that hangs keeps the rooms of one sweep, however many are
//! due meanwhile. Read next: [`super::worker`].

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use crate::domain::id::{RotationId, SecretId};
use crate::domain::name::{IssuerName, OutsideId, SecretName};
use crate::domain::planned::Planned;
use crate::domain::position::Position;
use crate::domain::stop::Work;
use crate::engine::log::Decoder;
use crate::error::Error;
use crate::issuer::issuer::{IssueOrder, Issuer};
use crate::issuer::outcome::IssuerError;

use super::stop_signal::StopSignal;
use super::sweep_claims::SweepClaim;
use super::worker::Core;

/// What a sweep found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SweepReport {
    /// Credentials listed outside.
    pub listed: u64,
    /// Those among them that no rotation knew of, and that were retired.
    pub retired: u64,
    /// Credentials that carry the store's tag, and that a rotation made of which this log has no record: of the store that this
    /// one was restored or copied from, after that. They may be in use, and a sweep never ends them; nor anything else at an issuer
    /// that has one, until a person has ended it ([`crate::RotationWorker::end_stranger`]) or
    /// adopted it ([`crate::RotationWorker::adopt_stranger`]).
    pub strangers: Vec<Stranger>,
    /// What went wrong, a sentence for each.
    pub problems: Vec<String>,
}

/// A credential outside that carries the store's tag, and that its log knows nothing of.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stranger {
    /// The issuer that lists it.
    pub issuer: IssuerName,
    /// The rotation that made it.
    pub rotation: RotationId,
    /// What the outside system calls it.
    pub outside: OutsideId,
}

/// The rotations that the log has planned, as far as it was read.
#[derive(Default)]
pub(super) struct PlannedHere {
    read_to: Option<Position>,
    rotations: Planned,
}

impl Core {
    /// Tells whether this log has planned a rotation. Reads what was added to the log since it was last asked.
    pub(super) fn has_planned(&self, rotation: RotationId) -> Result<bool, Error> {
        let shared = &self.engine.shared;
        let end = shared.published.with(|now| now.end.size);
        let mut planned = self.planned_here.lock();
        let (from, mut decoder) = (planned.read_to.unwrap_or(Position::FIRST), Decoder::default());
        shared.held().each(from, end, &mut |raw| {
            if Planned::EVENTS.contains(&raw.header().event_type)
                && let Some(record) = decoder.decode(raw)?
            {
                planned.rotations.take(&record.event);
            }
            Ok(ControlFlow::Continue(()))
        })?;
        planned.read_to = Some(end);
        Ok(planned.rotations.has(rotation))
    }

    /// Sweeps every issuer that can list what it made. Nothing while the store is in quarantine: what was made after the
    /// backup is unknown to it, and may be in use.
    pub(super) fn sweep(&self, stopped: &StopSignal) -> Result<SweepReport, Error> {
        let mut report = SweepReport::default();
        let shared = &self.engine.shared;
        if shared.published.with(|snapshot| snapshot.state.whole.may(Work::Sweep).is_err()) {
            return Ok(report);
        }
        for (name, issuer) in &self.options.issuers {
            if !issuer.class().can_list() {
                continue;
            }
            if stopped.is_told() {
                break;
            }
            let Some(sweeping) = self.swept.begin(name) else {
                report.problems.push(format!("{name}: it has not answered the last sweep"));
                continue;
            };
            let Some(room) = self.calls.room(name) else { continue };
            let (store, held) = (self.engine.shared.log_id, sweeping.clone());
            let list = move |issuer: &dyn Issuer| {
                let _held = held;
                issuer.list(store)
            };
            match self.calls.call(room, issuer, list) {
                Ok(listed) => self.sweep_listed((name, issuer, &sweeping), listed, stopped, &mut report)?,
                Err(error) => report.problems.push(format!("{name}: {error}")),
            }
        }
        Ok(report)
    }

    fn sweep_listed(
        &self,
        (name, issuer, sweeping): (&IssuerName, &Arc<dyn Issuer>, &SweepClaim),
        listed: Vec<(RotationId, OutsideId)>,
        stopped: &StopSignal,
        report: &mut SweepReport,
    ) -> Result<(), Error> {
        report.listed = report.listed.saturating_add(u64::try_from(listed.len()).unwrap_or(u64::MAX));
        let strangers = self.strangers_among(name, listed.clone())?;
        self.note_strangers(name, strangers.len())?;
        if !strangers.is_empty() {
            // Another store acts for the same secrets there: nothing is ended until a person has looked.
            report.strangers.extend(strangers);
            return Ok(());
        }
        let known = self.known();
        for (rotation, outside) in listed {
            if known.contains(&(rotation, None)) || known.contains(&(rotation, Some(outside.clone()))) {
                continue;
            }
            match self.retire_orphan((name, issuer, sweeping), rotation, outside) {
                Ok(()) => report.retired = report.retired.saturating_add(1),
                Err(error) => report.problems.push(format!("{name}: {error}")),
            }
            if stopped.is_told() || sweeping.has_calls_out() {
                break;
            }
        }
        Ok(())
    }

    /// Gives what is known of, whoever made it, since issuers may share a system: of a rotation that is under way anything, of
    /// a version its own credential.
    pub(super) fn known(&self) -> BTreeSet<(RotationId, Option<OutsideId>)> {
        let snapshot = self.engine.shared.published.load();
        let mut known = BTreeSet::new();
        for secret in snapshot.state.secrets.values() {
            known.extend(secret.rotation.iter().map(|open| (open.id, None)));
            let theirs = secret.credentials().filter(|credential| credential.is_in_use());
            known.extend(theirs.map(|credential| (credential.rotation, credential.outside.clone())));
        }
        known
    }

    fn retire_orphan(
        &self,
        (name, issuer, sweeping): (&IssuerName, &Arc<dyn Issuer>, &SweepClaim),
        rotation: RotationId,
        outside: OutsideId,
    ) -> Result<(), IssuerError> {
        let store = self.engine.shared.log_id;
        let nobody = SecretName::parse("nobody").map_err(|error| IssuerError::refused(&error.to_string()))?;
        let room = self.calls.room(name);
        let room = room.ok_or_else(|| IssuerError::unavailable("it has as many calls out as it may"))?;
        let held = sweeping.clone();
        self.calls.call(room, issuer, move |issuer| {
            let _held = held;
            let order = IssueOrder::new(store, SecretId::from_bytes([0; 16]), &nobody, rotation, None);
            issuer.retire(&order, Some(&outside))
        })
    }
}
