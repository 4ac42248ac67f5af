//! Owns what the rotation worker has to do next for a secret, and when: a pure function of the secret.
//!
//! It decides nothing: what comes of it is asked of `decide`, in log order. Read next: [`super::rotation`].

use std::time::Duration;

use super::limits;
use super::rotation::{Retirement, Rotation, RotationStage, RotationTrigger};
use super::secret::{Lifecycle, Secret};
use super::settings::Settings;
use super::state::Whole;
use super::stop::{Work, may};
use super::time::Timestamp;
use super::touch::touched;
use super::version::Version;

/// What is to be done for a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The store makes the data of the next version itself.
    RotateHere,
    /// An issuer is to make a credential: a rotation begins.
    Plan(RotationTrigger),
    /// The rotation that is under way goes on.
    GoOn,
    /// A rotation is due that has no room: the credential of this version is to be ended for it, unless a lock, a grace or consumers
    /// refuse that rotation.
    MakeRoom(super::id::VersionId),
    /// The credential of this version is not needed any more.
    PlanRetirement(super::id::VersionId),
    /// The credential of this version is to be ended.
    Retire(super::id::VersionId),
    /// All credentials are retired: the secret goes.
    Delete,
}

/// Gives the step that is due first, and when; `None` while there is nothing to do.
pub(crate) fn next_step(secret: &Secret) -> Option<(Timestamp, Step)> {
    steps(secret).min_by_key(|(at, _)| *at)
}

/// What the worker knows when it looks what is due.
pub(crate) struct Look<P, R> {
    /// The time that the store goes by.
    pub(crate) now: Timestamp,
    /// Whether a single run looks, so that the next look may come too late.
    pub(crate) is_single_run: bool,
    /// Tells whether a step has to wait without a record of it.
    pub(crate) is_put_off: P,
    /// Tells whether a step that failed may be tried again before its time: while the store's time stands still, that never comes.
    pub(crate) may_retry: R,
}

/// Tells what is due for a secret, may be done and is not put off, the longest overdue first; what makes room comes before the rotation that has
/// none. In a single run a rotation that is about to be due is due, since the next run may come too late: a timer has its own
/// clock.
pub(crate) fn due_step(
    secret: &Secret,
    whole: &Whole,
    look: &Look<impl Fn(Step) -> bool, impl Fn(Step) -> bool>,
) -> Option<Step> {
    may(secret, Work::Step, whole).ok()?;
    let has_room = secret.has_room();
    let is_due = |(at, step): &(Timestamp, Step)| {
        let slack = match step {
            Step::RotateHere | Step::Plan(RotationTrigger::ByPolicy) | Step::MakeRoom(_) => secret.rotation_slack(),
            Step::Plan(_) => limits::REFUSED_ROTATION_SLACK,
            Step::GoOn | Step::PlanRetirement(_) | Step::Retire(_) | Step::Delete => Duration::ZERO,
        };
        // A grace that is about to end is waited out, also by a single run.
        let is_graced =
            || matches!(step, Step::Plan(RotationTrigger::ByPolicy)) && secret.graced_at(look.now).is_some();
        let is_early = || look.is_single_run && *at <= look.now.plus(slack) && !is_graced();
        *at <= look.now || is_early() || (is_retry(secret, *step, *at) && (look.may_retry)(*step))
    };
    let order = |(at, step): &(Timestamp, Step)| (!has_room && matches!(step, Step::Plan(_)), *at);
    let due = steps(secret).filter(is_due).filter(|(_, step)| !(look.is_put_off)(*step));
    due.min_by_key(order).map(|(_, step)| step)
}

/// Tells whether what a step waits for until a time is the pause after an attempt that failed.
pub(crate) fn is_retry(secret: &Secret, step: Step, at: Timestamp) -> bool {
    match step {
        Step::GoOn => secret.rotation.as_deref().is_some_and(|rotation| rotation.retry_at == Some(at)),
        Step::Retire(version) => {
            let credential = secret.version_by_id(version).and_then(|version| version.credential.as_deref());
            credential.is_some_and(|credential| matches!(credential.retirement, Retirement::Failing { .. }))
        }
        Step::RotateHere | Step::Plan(_) | Step::MakeRoom(_) | Step::PlanRetirement(_) | Step::Delete => false,
    }
}

/// Gives all that is to be done for a secret, each with its time.
pub(crate) fn steps(secret: &Secret) -> impl Iterator<Item = (Timestamp, Step)> {
    let begins = begins(secret).filter(|_| secret.rotation.is_none());
    let room = begins.and_then(|(at, _)| secret.makes_room(at));
    // It waits for room that can be made, or is on its way.
    let waits = |at| !secret.has_room() && (room.is_some_and(|(first, _)| first <= at) || secret.awaits_room());
    let begins = begins.filter(|(at, _)| !waits(*at));
    let room = room.map(|(at, version)| (at, Step::MakeRoom(version)));
    let rotation = secret.rotation.as_deref().and_then(|rotation| comes_on(secret, rotation));
    let rotation = rotation.map(|at| (at, Step::GoOn)).or(begins);
    let retirements = secret.versions.iter().enumerate().filter_map(|(at, version)| retirement(secret, at, version));
    let all = rotation.into_iter().chain(room).chain(retirements).chain(deletion(secret));
    all.filter(|_| secret.may(Work::Step).is_ok())
}

/// When a rotation begins.
fn begins(secret: &Secret) -> Option<(Timestamp, Step)> {
    let has_issuer = secret.spec.issuance().is_some();
    if secret.is_deleting {
        return None;
    }
    if has_issuer && secret.lifecycle == Lifecycle::PreActivation {
        let again = secret.rotation_refused_at.map(|given_up| given_up.plus(limits::REFUSED_ROTATION_PAUSE));
        return Some((again.unwrap_or(secret.counts_from()), Step::Plan(RotationTrigger::FirstVersion)));
    }
    let at = secret.rotates_at().filter(|_| !secret.spec.is_dynamic())?;
    let at = at.plus(secret.rotation_spread(at));
    Some((at, if has_issuer { Step::Plan(RotationTrigger::ByPolicy) } else { Step::RotateHere }))
}

/// When a rotation that is under way comes on.
fn comes_on(secret: &Secret, rotation: &Rotation) -> Option<Timestamp> {
    if rotation.parked.is_some() {
        return None;
    }
    let at = rotation.retry_at.unwrap_or(rotation.planned_at);
    match &rotation.stage {
        // While a lock holds it, there is a daily report to make; without one, it goes on at once. Whether the store as a
        // whole is strict is not known here: the worker looks.
        RotationStage::Staged { since, reported_at, .. } => {
            let in_the_way = touched(secret, rotation.class.touch(), Settings::default());
            let is_held =
                in_the_way.iter().any(|version| !version.locks.is_empty()) && !rotation.has_replaced_current();
            let free_at = rotation.retry_at.unwrap_or(*since);
            Some(if is_held { reported_at.plus(limits::REFUSED_ROTATION_PAUSE) } else { free_at })
        }
        // Before its report is late there is nothing to do; a person who let it go on has waited enough.
        RotationStage::Awaiting { report_by } if rotation.attempts > 0 => Some(rotation.retry_at.unwrap_or(*report_by)),
        RotationStage::Ending { report_by, .. } => Some(*report_by),
        RotationStage::Awaiting { .. }
        | RotationStage::Planned
        | RotationStage::Attempted
        | RotationStage::Doubted
        | RotationStage::Issued(_)
        | RotationStage::Aborting { .. } => Some(at),
    }
}

/// When the credential of a version is not needed any more, or is to be ended.
fn retirement(secret: &Secret, at: usize, version: &Version) -> Option<(Timestamp, Step)> {
    let credential = version.credential.as_ref().filter(|credential| credential.is_in_use())?;
    if credential.is_retiring() {
        let at = match &credential.retirement {
            Retirement::Failing { retry_at, .. } => *retry_at,
            Retirement::Awaiting { report_by, .. } => *report_by,
            Retirement::InUse | Retirement::Planned { .. } | Retirement::Retired { .. } => {
                credential.since().unwrap_or(version.counts_from)
            }
        };
        return Some((at, Step::Retire(version.id)));
    }
    let issuance = secret.spec.issuance()?;
    let is_free = version.locks.is_empty() && !issuance.consumers.is_empty();
    let left_at = secret.left_at(at, issuance).filter(|_| is_free)?;
    Some((left_at, Step::PlanRetirement(version.id)))
}

/// When a secret goes whose deletion is planned.
fn deletion(secret: &Secret) -> Option<(Timestamp, Step)> {
    let is_over =
        secret.is_deleting && secret.rotation.is_none() && !secret.versions.iter().any(Version::has_credential_in_use);
    is_over.then_some((secret.updated_at, Step::Delete))
}
