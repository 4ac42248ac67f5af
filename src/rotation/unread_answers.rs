//! Owns answers that cannot be read although the issuer says that it made a credential: they are sealed as they are, and the
//! rotation waits for a person. Nothing that was made is thrown away for a fault of form.
//!
//! Read next: [`super::creation`].

use std::sync::Arc;

use crate::domain::command::Command;
use crate::domain::name::Reason;
use crate::domain::rotation::Rotation;
use crate::domain::rotation_command::RotationCommand;
use crate::domain::secret::Secret;
use crate::issuer::outcome::IssuerError;
use crate::issuer::unread::kept;
use crate::seal::secret_bytes::SecretBytes;

use super::steps::{Halt, Progress, worded};
use super::worker::Core;

/// What is said of a rotation whose answer is kept, behind the fault.
const WHAT_NOW: &str =
    "the answer is kept, sealed: look at it (latchkeep rotation answer), mend the issuer, then abort";
/// What is said when a person lets such a rotation go on.
const GIVEN_UP: &str =
    "the answer that was kept is no credential; what it made is ended, and another rotation makes another";

impl Core {
    /// Seals an answer that cannot be read, and parks the rotation.
    pub(super) fn keep(
        &self,
        secret: &Arc<Secret>,
        rotation: &Rotation,
        answer: &SecretBytes,
        error: &IssuerError,
    ) -> Result<Progress, Halt> {
        let Some(kept) = kept(answer) else { return self.fail(secret, rotation, error) };
        let (answer, payload) = self.engine.prepare_issued(secret, rotation.to, &kept)?;
        let reason = worded(&format!("{}; {WHAT_NOW}", error.reason()));
        let step = RotationCommand::Keep { rotation: rotation.id, answer, reason };
        let answer = self.ask(&self.system, Command::Rotation { secret: secret.id, step }, payload)?;
        self.point("kept")?;
        Self::settled(answer)
    }

    /// Gives up a rotation whose credential is an answer that cannot be read.
    pub(super) fn give_up_unread(&self, secret: &Secret) -> Result<Progress, Halt> {
        self.tell(secret, RotationCommand::Abort { reason: Reason::of(GIVEN_UP) })
    }
}
