//! Owns the one explanation of a refusal: its code, what is refused, by which locks, whom to ask, until when, and what to do.
//!
//! The command line, HTTP replies and pages lay out the parts; none has words of its own. Read next: [`super::error_body`].

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::lock::BlockingLock;
use crate::domain::held::Held;
use crate::domain::id::SecretId;
use crate::domain::name::{Actor, SecretName};
use crate::domain::refusal::{Blocked, LOCKED_MESSAGE, Operation, Refusal};
use crate::domain::secret::{Secret, SecretType};
use crate::domain::time::Timestamp;

/// Why something is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Explanation {
    /// The stable word for programs, as [`Refusal::code`](crate::Refusal::code) gives it.
    pub code: String,
    /// What is refused and why, for people: lower case, no final dot. For a lock the reference's words.
    pub message: String,
    /// The HTTP status of the refusal.
    pub status_code: u16,
    /// The field that cannot be used, if that is the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// What blocks it, if it is locks, a grace, or consumers.
    #[serde(flatten)]
    pub block: Option<Box<Block>>,
}

/// What an error is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Target {
    /// What kind of thing it is: `field`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Which one.
    pub name: String,
}

/// What is refused because something blocks it, by what, until when, and what to do. An addition to the reference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Block {
    /// What is refused.
    pub refused: Refused,
    /// What is refused and why, in one sentence for people.
    pub explanation: String,
    /// The locks that block it, at most 24 of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocked_by: Vec<BlockingLock>,
    /// How many locks block it in all.
    #[serde(default)]
    pub blocked_total: u32,
    /// Whom to ask: the owners of these locks, or who placed them; or the consumers that have not moved.
    #[serde(default)]
    pub waits_for: Vec<Actor>,
    /// When it ends by itself: the end of the last lease, or of the grace. None where something has to be removed or said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// What to do.
    pub advice: String,
}

/// An operation on a secret that is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Refused {
    /// What was to be done.
    pub operation: Operation,
    /// To which secret.
    pub secret_id: SecretId,
    /// Its name.
    pub secret_name: SecretName,
    /// Its type.
    pub secret_type: SecretType,
}

impl Explanation {
    /// Explains a refusal. Fencing tokens are told only once they are [learned](Explanation::learn).
    #[must_use]
    pub fn of(refusal: &Refusal) -> Self {
        let message = match refusal.blocked() {
            Some(_) => LOCKED_MESSAGE.to_owned(),
            None => refusal.to_string(),
        };
        Self {
            code: refusal.code().to_owned(),
            message,
            status_code: status_code(refusal),
            target: target(refusal),
            block: block(refusal).map(Box::new),
        }
    }

    /// Takes the fencing tokens of the locks from the secret, as far as they are still those that blocked.
    #[must_use]
    pub fn learn(mut self, secret: &Secret) -> Self {
        let locks = self.block.iter_mut().flat_map(|block| &mut block.blocked_by);
        locks.for_each(|lock| lock.learn(secret));
        self
    }

    /// Returns what blocks it, if locks do.
    #[must_use]
    pub fn locked(&self) -> Option<&Block> {
        self.block.as_deref().filter(|block| block.blocked_total > 0)
    }
}

impl Block {
    /// Counts the locks that block and are not listed.
    #[must_use]
    pub fn unlisted(&self) -> u32 {
        self.blocked_total.saturating_sub(u32::try_from(self.blocked_by.len()).unwrap_or(u32::MAX))
    }

    fn by_locks(blocked: &Blocked) -> Self {
        let blocked_by: Vec<BlockingLock> = blocked.locks.iter().map(BlockingLock::of).collect();
        let holders: BTreeSet<&Actor> = blocked_by.iter().map(BlockingLock::holder).collect();
        let mut block = Self {
            refused: Refused {
                operation: blocked.operation,
                secret_id: blocked.secret,
                secret_name: blocked.name.clone(),
                secret_type: blocked.secret_type,
            },
            explanation: blocked.sentence(),
            waits_for: holders.into_iter().cloned().collect(),
            blocked_total: blocked.locks_total,
            until: None,
            advice: blocked.advice().to_owned(),
            blocked_by,
        };
        // Of locks that are not listed no end is known.
        let ends = block.blocked_by.iter().map(|lock| lock.expires_at).collect::<Option<Vec<_>>>();
        block.until = ends.filter(|_| block.unlisted() == 0).and_then(|ends| ends.into_iter().max());
        block
    }

    fn by_hold(held: &Held) -> Self {
        Self {
            refused: Refused {
                operation: Operation::Rotate,
                secret_id: held.secret,
                secret_name: held.name.clone(),
                secret_type: held.secret_type,
            },
            explanation: held.sentence(),
            blocked_by: Vec::new(),
            blocked_total: 0,
            waits_for: held.consumers.to_vec(),
            until: held.graced_until.filter(|_| held.consumers.is_empty()),
            advice: Held::ADVICE.to_owned(),
        }
    }
}

/// Returns the status of the reference, where it has one; a conflict with the state of the store otherwise.
const fn status_code(refusal: &Refusal) -> u16 {
    match refusal {
        Refusal::Locked(_) => 412,
        Refusal::SecretNotFound
        | Refusal::VersionNotFound
        | Refusal::GroupNotFound
        | Refusal::LockNotFound
        | Refusal::RotationNotFound
        | Refusal::TaskNotFound => 404,
        Refusal::InvalidArgument { .. } | Refusal::PolicyNotSupported { .. } | Refusal::PolicyAfterExpiry => 400,
        Refusal::VersionDataDestroyed { .. } => 410,
        Refusal::IdempotencyKeyReused => 422,
        Refusal::Quarantined { .. } => 503,
        Refusal::SecretNameTaken { .. }
        | Refusal::GroupNameTaken
        | Refusal::GroupNotEmpty { .. }
        | Refusal::GroupIsDefault
        | Refusal::GroupLimitReached
        | Refusal::SecretLimitReached
        | Refusal::LockLimitReached { .. }
        | Refusal::VersionDataUnavailable { .. }
        | Refusal::VersionDataNotRestored
        | Refusal::SecretInactive { .. }
        | Refusal::RotationNotSupported
        | Refusal::NothingToRestore
        | Refusal::LockOwned { .. }
        | Refusal::FencingTokenStale { .. }
        | Refusal::RevisionMismatch { .. }
        | Refusal::VersionChanged
        | Refusal::KeySlotUnavailable { .. }
        | Refusal::RotationOpen { .. }
        | Refusal::RotationHeld(_)
        | Refusal::VersionLimitReached { .. }
        | Refusal::RotationNotParked
        | Refusal::TaskNotAwaited { .. } => 409,
    }
}

fn block(refusal: &Refusal) -> Option<Block> {
    if let Refusal::RotationHeld(held) = refusal {
        return Some(Block::by_hold(held));
    }
    refusal.blocked().map(Block::by_locks)
}

fn target(refusal: &Refusal) -> Option<Target> {
    if let Refusal::InvalidArgument { field, .. } = refusal {
        return Some(Target { kind: "field".to_owned(), name: field.to_string() });
    }
    None
}
