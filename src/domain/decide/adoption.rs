//! Owns the rules for adopting a credential: one that exists outside and that the log does not know becomes a version of a secret.
//!
//! An adoption is a whole rotation in one batch. Its call was made by the original of a restored store, or of a copy; from here
//! on the credential is retired, and looked for by sweeps, like any other. Read next: [`super::protocol`].

use super::super::command::Terms;
use super::super::held::{Held, held};
use super::super::id::RotationId;
use super::super::name::OutsideId;
use super::super::progress;
use super::super::refusal::Refusal;
use super::super::rotation::{Credential, IssuedCredential, IssuerClass, RotationTrigger};
use super::super::rotation_command::Adopted;
use super::super::rotation_event::{CredentialIssued, RotationAttempted, RotationPlanned};
use super::super::secret::Secret;
use super::super::state::State;
use super::super::time::Timestamp;
use super::super::touch::{Unlocked, unlocked};
use super::Decision;
use super::protocol::{may_begin, overridden, passed_over, replace};

pub(super) fn adopt(
    state: &State,
    secret: &Secret,
    adopted: &Adopted,
    terms: &Terms,
    now: Timestamp,
) -> Result<Decision, Refusal> {
    const CLASS: IssuerClass = IssuerClass::CreateDiscoverable;
    let (issuance, is_first) = may_begin(secret)?;
    if issuance.issuer != adopted.issuer {
        return Err(Refusal::invalid("credential", "is of another issuer than its secret"));
    }
    fits(state, adopted, now)?;
    let witness = unlocked(secret, CLASS.touch(), &state.whole)?;
    let held = passed_over(held(secret, CLASS.touch(), state.whole.settings, now), terms)?;
    secret.room()?;
    let planned = RotationPlanned {
        rotation: adopted.rotation,
        trigger: if is_first { RotationTrigger::FirstVersion } else { RotationTrigger::ByHand },
        issuer: adopted.issuer.clone(),
        class: CLASS,
        to: adopted.made.version,
        attempts_max: 1,
        deadline: now,
        value: None,
    };
    let issued = CredentialIssued {
        rotation: adopted.rotation,
        outside: Some(adopted.outside.clone()),
        sealed: adopted.made.sealed,
        expires_at: adopted.expires_at,
    };
    Ok(self::adopted(secret, &planned, &issued, held, &witness, (terms, now)))
}

/// Refuses what is known to the log, and what has ended.
fn fits(state: &State, adopted: &Adopted, now: Timestamp) -> Result<(), Refusal> {
    if is_known(state, adopted) {
        return Err(Refusal::invalid("credential", "is known to the log already"));
    }
    if adopted.expires_at.is_some_and(|end| end <= now) {
        return Err(Refusal::invalid("credential", "has ended"));
    }
    Ok(())
}

/// Tells whether a version has a credential, or its rotation is under way; by whichever issuer, since issuers may share a system.
fn is_known(state: &State, adopted: &Adopted) -> bool {
    state.secrets.values().any(|secret| knows(secret, adopted.rotation, Some(&adopted.outside)))
}

/// Tells whether a version of a secret has a credential, or its rotation is under way.
pub(in super::super) fn knows(secret: &Secret, rotation: RotationId, outside: Option<&OutsideId>) -> bool {
    let is_it =
        |known: &Credential| known.is_in_use() && known.rotation == rotation && known.outside.as_ref() == outside;
    let is_open = secret.rotation.as_deref().is_some_and(|open| open.id == rotation);
    is_open || secret.credentials().any(is_it)
}

/// Gives all records of an adoption, from its plan to what falls out of the window; asks for the proof that none is locked.
pub(in super::super) fn adopted(
    secret: &Secret,
    planned: &RotationPlanned,
    issued: &CredentialIssued,
    held: Option<Held>,
    witness: &Unlocked,
    (terms, now): (&Terms, Timestamp),
) -> Decision {
    let id = planned.rotation;
    let rotation = progress::planned(planned, now, &terms.actor);
    let CredentialIssued { outside, sealed, expires_at, .. } = issued.clone();
    let credential = IssuedCredential { outside, sealed, expires_at };
    let mut decision = overridden(id, held, Decision::about(secret.id).then(planned.clone()));
    decision = decision.then(RotationAttempted { rotation: id, attempt: 1 }).then(issued.clone());
    let committed = replace(secret, &rotation, &credential, witness);
    decision.events.extend(committed.events);
    decision.takes_data = true;
    decision.on(planned.to)
}
