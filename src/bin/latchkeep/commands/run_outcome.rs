//! Owns what is said of a run of the rotation worker when it is over: what waits, what failed, what the clock holds back, and the
//! exit code.
//!
//! Read next: [`super::rotation_run`].

use latchkeep::view::RotationStatus;
use latchkeep::{Reason, RotationStage, RotationWorker, Secret, SecretId};
use serde_json::{Value, json};

use crate::exit::Exit;
use crate::failure::{self, Failure};
use crate::scene::Scene;
use crate::times::now;

/// A secret of which a step failed, or waits for a person, or whose rotation the run gave up.
pub(super) struct Failed {
    id: SecretId,
    name: String,
    why: String,
}

impl Failed {
    pub(super) fn to_json(&self) -> Value {
        json!({ "name": self.name, "why": self.why })
    }
}

/// Finds what failed; tells of it, unless it is the named secret, of which all is shown.
pub(super) fn failed(scene: &Scene, before: &Before, named: Option<SecretId>) -> Vec<Failed> {
    let has_failed = |secret: &Secret| {
        let open = secret.rotation.as_deref();
        let not_ended = |version: &latchkeep::Version| {
            version.credential.as_ref().is_some_and(|credential| credential.failure().is_some())
        };
        open.is_some_and(|rotation| rotation.failure.is_some() || rotation.parked.is_some())
            || secret.versions.iter().any(not_ended)
            || before.lost_since(secret)
    };
    let failed =
        scene.store().rotating_secrets().into_iter().filter(|secret| has_failed(secret)).map(|secret| Failed {
            id: secret.id,
            name: secret.metadata.name.to_string(),
            why: RotationStatus::why_not(&secret, now()).unwrap_or_default(),
        });
    let failed: Vec<_> = failed.collect();
    for Failed { name, why, .. } in failed.iter().filter(|failed| named != Some(failed.id)) {
        failure::warn(format!("{name} did not come on: {why}"));
    }
    failed
}

/// Tells a script whether what was due came on: a named secret that a lock holds is refused; anything that failed, failed.
pub(super) fn exit(
    (waiting, is_clean): (&[(String, Reason)], bool),
    failed: &[Failed],
    named: Option<&Secret>,
) -> Exit {
    let staged = |secret: &Secret| {
        let open = secret.rotation.as_deref();
        open.is_some_and(|rotation| matches!(rotation.stage, RotationStage::Staged { .. }))
    };
    if named.is_some_and(staged) {
        return Exit::Refused;
    }
    if waiting.is_empty() && is_clean && failed.is_empty() { Exit::Done } else { Exit::Failed }
}

/// How the store stood before a run.
pub(super) struct Before {
    last_at: latchkeep::Timestamp,
    /// What a person gives up is no failure of the run that ends it.
    given_up: Vec<SecretId>,
}

impl Before {
    pub(super) fn of(scene: &Scene) -> Result<Self, Failure> {
        let is_given_up = |secret: &Secret| {
            let stage = secret.rotation.as_deref().map(|rotation| &rotation.stage);
            matches!(stage, Some(RotationStage::Aborting { .. } | RotationStage::Ending { .. }))
        };
        let secrets = scene.store().rotating_secrets();
        let given_up = secrets.iter().filter(|secret| is_given_up(secret)).map(|secret| secret.id).collect();
        Ok(Self { last_at: scene.store().status()?.last_at, given_up })
    }

    /// Tells whether the run gave a rotation up.
    fn lost_since(&self, secret: &Secret) -> bool {
        let is_new = secret.given_up.as_ref().is_some_and(|given_up| given_up.at > self.last_at);
        is_new && !self.given_up.contains(&secret.id)
    }
}

/// Gives what waits without a record, by the names of secrets.
pub(super) fn waiting(scene: &Scene, worker: &RotationWorker) -> Vec<(String, Reason)> {
    worker.waiting().into_iter().map(|(id, reason)| (name(scene, id), reason)).collect()
}

/// What the clock holds back: all that is due by it while it is too far ahead, and, while it is far behind, what waits for the store's
/// time.
pub(super) struct HeldByClock {
    is_ahead: bool,
    pub(super) names: Vec<String>,
}

impl HeldByClock {
    pub(super) fn of(scene: &Scene, worker: &RotationWorker) -> Self {
        let clock = scene.store().clock();
        let waits = if clock.is_far_behind() { worker.waiting_for_time() } else { Vec::new() };
        let mut names: Vec<String> = waits.into_iter().map(|secret| name(scene, secret)).collect();
        names.sort();
        Self { is_ahead: clock.is_ahead(), names }
    }

    pub(super) const fn holds(&self) -> bool {
        self.is_ahead || !self.names.is_empty()
    }

    /// Says what it holds back of a run that is over otherwise; gives the exit code.
    pub(super) fn conclude(&self) -> Exit {
        self.tell();
        if self.holds() { Exit::TimeUnconfirmed } else { Exit::Done }
    }

    pub(super) fn tell(&self) {
        let more = self.names.len().saturating_sub(NAMES_SHOWN);
        let shown = self.names.iter().take(NAMES_SHOWN).cloned().collect::<Vec<_>>().join(", ");
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        if !self.names.is_empty() {
            failure::warn(format!(
                "the clock is behind, and the store's time stands still: what is to be done for {shown}{more} does not come until then; \
                 latchkeep clock show tells what helps"
            ));
        }
    }
}

/// Secrets that a warning names.
const NAMES_SHOWN: usize = 10;

fn name(scene: &Scene, id: SecretId) -> String {
    scene.store().secret(id).map_or_else(|_| id.to_string(), |secret| secret.metadata.name.to_string())
}
