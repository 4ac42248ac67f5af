//! Owns how ids and tokens are spelled in JSON, where that is not the form that serde gives them.
//!
//! Read next: [`super::lock`].

use std::borrow::Cow;
use std::fmt;

use crate::domain::id::{GroupId, LogId};

/// Returns the id of a group as the reference spells it: `default` for the group that every store has.
#[must_use]
pub fn group_id(group: GroupId) -> String {
    SpelledGroup(group).to_string()
}

struct SpelledGroup(GroupId);

impl fmt::Display for SpelledGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == GroupId::DEFAULT { f.write_str(GroupId::DEFAULT_NAME) } else { self.0.fmt(f) }
    }
}

/// A group, by its id or as `default`.
pub(super) mod group {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use super::{Cow, GroupId, SpelledGroup};

    pub(crate) fn serialize<S: Serializer>(group: &GroupId, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&SpelledGroup(*group))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<GroupId, D::Error> {
        let text = <Cow<'de, str>>::deserialize(deserializer)?;
        if text == GroupId::DEFAULT_NAME {
            Ok(GroupId::DEFAULT)
        } else {
            GroupId::parse(&text).map_err(D::Error::custom)
        }
    }
}

/// A log, by the 32 digits that its checkpoints and exports have.
pub(super) mod log {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use super::{Cow, LogId};

    pub(crate) fn serialize<S: Serializer>(log: &LogId, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&log.to_hex())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<LogId, D::Error> {
        LogId::parse(&<Cow<'de, str>>::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// A value by its text form.
pub(super) mod text {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use super::Cow;

    pub(crate) fn serialize<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(crate) fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        <Cow<'de, str>>::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// The text form of a value that there may be.
pub(super) mod optional_text {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use super::Cow;

    #[expect(clippy::ref_option, reason = "serde gives a reference")]
    pub(crate) fn serialize<T: Display, S: Serializer>(value: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => serializer.collect_str(value),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        let text = <Option<Cow<'de, str>>>::deserialize(deserializer)?;
        text.map(|text| text.parse().map_err(D::Error::custom)).transpose()
    }
}
