//! Owns the answers about metadata from a state, present or past. Never secret data.
//!
//! Read next: [`super::moment`].

use std::sync::Arc;

use crate::domain::id::{GroupId, SecretId};
use crate::domain::name::SecretName;
use crate::domain::refusal::Refusal;
use crate::domain::secret::{Secret, SecretType};
use crate::domain::settings::Group;
use crate::domain::state::State;
use crate::error::Error;
use crate::projection::lock_board::LockStatus;

pub(super) fn secret(state: &State, id: SecretId) -> Result<Arc<Secret>, Error> {
    Ok(state.secret(id).cloned().ok_or(Refusal::SecretNotFound)?)
}

pub(super) fn secret_named(state: &State, secret_type: SecretType, name: &SecretName) -> Result<Arc<Secret>, Error> {
    let id = state.secret_named(secret_type, name).ok_or(Refusal::SecretNotFound)?;
    secret(state, id)
}

pub(super) fn secrets(state: &State) -> Vec<Arc<Secret>> {
    state.secrets.values().cloned().collect()
}

pub(super) fn lock_status(state: &State, id: SecretId) -> Result<LockStatus, Error> {
    Ok(state.secret(id).map(|secret| LockStatus::of(secret)).ok_or(Refusal::SecretNotFound)?)
}

pub(super) fn groups(state: &State) -> Vec<(GroupId, Group)> {
    state.whole.groups.iter().map(|(id, group)| (*id, group.clone())).collect()
}
