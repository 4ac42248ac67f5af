//! Owns what is shown of a group of secrets.
//!
//! Read next: [`super::receipt`].

use serde::{Deserialize, Serialize};

use super::spelling;
use crate::domain::id::GroupId;
use crate::domain::name::Description;
use crate::domain::settings;
use crate::domain::time::Timestamp;

/// A group of secrets (`SecretGroup`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Group {
    /// Its id; `default` for the one that every store has.
    #[serde(with = "spelling::group")]
    pub id: GroupId,
    /// Its name.
    pub name: String,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<Description>,
    /// When it was made; none for the default group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    /// When it last changed; none for the default group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Timestamp>,
    /// How many secrets it has; none for the default group. An addition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secrets_total: Option<u64>,
}

impl Group {
    /// Shows a group.
    #[must_use]
    pub fn of(id: GroupId, group: &settings::Group) -> Self {
        Self {
            id,
            name: group.name.to_string(),
            description: group.description.clone(),
            created_at: Some(group.created_at),
            updated_at: Some(group.updated_at),
            secrets_total: Some(group.secrets),
        }
    }

    /// Shows the group that every store has.
    #[must_use]
    pub fn default_group() -> Self {
        Self {
            id: GroupId::DEFAULT,
            name: GroupId::DEFAULT_NAME.to_owned(),
            description: None,
            created_at: None,
            updated_at: None,
            secrets_total: None,
        }
    }
}
