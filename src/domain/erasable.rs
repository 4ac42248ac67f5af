//! Owns what is said about a body that is to be erased.
//!
//! Read next: [`super::command`].

use super::id::{GroupId, SecretId};
use super::position::Position;

/// A body that is to be erased, and what its event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Erasable {
    /// The record.
    pub(crate) position: Position,
    /// Whose words it holds.
    pub(crate) about: About,
}

/// What the event of a body that can be erased is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum About {
    Group(GroupId),
    Secret(SecretId),
}

impl About {
    /// Gives the secret.
    pub(crate) const fn secret(self) -> Option<SecretId> {
        match self {
            Self::Group(_) => None,
            Self::Secret(id) => Some(id),
        }
    }
}
