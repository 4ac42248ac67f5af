//! Owns the reading of JSON objects of the file: which fields there are, each once, each of the kind that it takes.
//!
//! A value stays text until its field is asked for. So the line of each value is known, nothing is read that no field takes,
//! and the features that other crates turn on in `serde_json` change nothing. Read next: [`super::error`].

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::path::PathBuf;

use serde_json::value::RawValue;

use crate::domain::json_text::fields_of;

use super::error::{IssuersFileError, shown};
use super::{LIST_MAX, TEXT_BYTES_MAX};

/// Fields that look like a place for a secret, or for something that holds one.
const SECRET_FIELDS: [&str; 10] = [
    "admin_password",
    "connection_string",
    "dsn",
    "key",
    "passwd",
    "password",
    "pgpassword",
    "private_key",
    "secret",
    "url",
];

const UNKNOWN: &str = "is no field that is known here";
const TWICE: &str = "is given twice";
const LIST_TOO_LONG: &str = "has more than 1000 elements";

/// An issuer of the file, as its text.
pub(super) struct Named<'a> {
    pub(super) name: String,
    raw: &'a str,
    /// The line in which its description begins, from 1.
    pub(super) line: usize,
}

/// A value of an issuer, and where it is.
#[derive(Clone)]
pub(super) struct Place<'a> {
    issuer: &'a Named<'a>,
    /// The field with those that it is in; empty for the whole description.
    path: String,
    raw: &'a str,
}

/// An object of the file, of which fields are taken one by one.
pub(super) struct Fields<'a> {
    place: Place<'a>,
    fields: BTreeMap<String, &'a str>,
}

/// Reads the names of the issuers of a file, each with the text of its description.
pub(super) fn issuers(file: &str) -> Result<Vec<Named<'_>>, IssuersFileError> {
    let entries = fields_of(file).map_err(|error| {
        let is_other = error.is_data() || file.trim().is_empty();
        let rule = if is_other { "takes a JSON object of issuers by their names" } else { "is not JSON" };
        IssuersFileError::of_file(error.line().max(1), rule)
    })?;
    let (mut known, mut issuers) = (BTreeSet::new(), Vec::with_capacity(entries.len()));
    let (mut at, mut line) = (0, 1_usize);
    for (name, raw) in entries {
        let from = offset(file, raw);
        line = line.saturating_add(lines(file.get(at..from)));
        at = from;
        if !known.insert(name.clone()) {
            return Err(IssuersFileError::of_issuer(line, &name, "", TWICE));
        }
        issuers.push(Named { name, raw, line });
    }
    Ok(issuers)
}

/// Finds where `part` begins in the text that it is a part of.
fn offset(whole: &str, part: &str) -> usize {
    part.as_ptr().addr().saturating_sub(whole.as_ptr().addr())
}

fn lines(text: Option<&str>) -> usize {
    text.unwrap_or_default().matches('\n').count()
}

impl<'a> Place<'a> {
    /// Returns the place of the whole description of an issuer.
    pub(super) const fn of(issuer: &'a Named<'a>) -> Self {
        Self { issuer, path: String::new(), raw: issuer.raw }
    }

    /// Says which rule the value breaks.
    pub(super) fn wrong(&self, rule: &'static str) -> IssuersFileError {
        let before = self.issuer.raw.get(..offset(self.issuer.raw, self.raw));
        IssuersFileError::of_issuer(self.issuer.line.saturating_add(lines(before)), &self.issuer.name, &self.path, rule)
    }

    fn field(&self, name: &str, raw: &'a str) -> Self {
        let (name, path) = (shown(name), self.path.as_str());
        let path = if path.is_empty() { name } else { format!("{path}.{name}") };
        Self { path, raw, ..self.clone() }
    }

    fn element(&self, at: usize, raw: &'a str) -> Self {
        Self { path: format!("{}[{at}]", self.path), raw, ..self.clone() }
    }

    /// Reads a text.
    pub(super) fn text(&self) -> Result<String, IssuersFileError> {
        let text = self.raw.starts_with('"').then(|| serde_json::from_str::<String>(self.raw).ok()).flatten();
        let text = text.ok_or_else(|| self.wrong("takes a text"))?;
        if text.len() > TEXT_BYTES_MAX { Err(self.wrong("is longer than 65536 bytes")) } else { Ok(text) }
    }

    /// Reads a list, each element by `read`.
    fn list<T>(&self, read: impl Fn(&Self) -> Result<T, IssuersFileError>) -> Result<Vec<T>, IssuersFileError> {
        let raw: Vec<&'a RawValue> = serde_json::from_str(self.raw).map_err(|_| self.wrong("takes a list"))?;
        if raw.len() > LIST_MAX {
            return Err(self.wrong(LIST_TOO_LONG));
        }
        raw.into_iter().enumerate().map(|(at, raw)| read(&self.element(at, raw.get()))).collect()
    }

    /// Reads an object of texts by any names.
    fn texts_by_name(&self) -> Result<BTreeMap<String, String>, IssuersFileError> {
        let fields = Fields::of(self.clone())?;
        if fields.fields.len() > LIST_MAX {
            return Err(self.wrong(LIST_TOO_LONG));
        }
        let read = |(name, raw): (&String, &&'a str)| Ok((name.clone(), self.field(name, raw).text()?));
        fields.fields.iter().map(read).collect()
    }
}

impl<'a> Fields<'a> {
    /// Reads the fields of an object.
    pub(super) fn of(place: Place<'a>) -> Result<Self, IssuersFileError> {
        let entries = fields_of(place.raw).map_err(|_| place.wrong("takes a JSON object"))?;
        let mut fields = BTreeMap::new();
        for (name, raw) in entries {
            if fields.contains_key(&name) {
                return Err(place.field(&name, raw).wrong(TWICE));
            }
            fields.insert(name, raw);
        }
        Ok(Self { place, fields })
    }

    /// Refuses fields that are none of `known`. Says where a secret belongs instead, if the field looks like a place for one.
    pub(super) fn only(&self, known: &[&str], secrets: &'static str) -> Result<(), IssuersFileError> {
        match self.fields.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            Some((name, raw)) => {
                let is_secret = SECRET_FIELDS.contains(&name.to_lowercase().as_str());
                Err(self.place.field(name, raw).wrong(if is_secret { secrets } else { UNKNOWN }))
            }
            None => Ok(()),
        }
    }

    /// Says which rule a field breaks; one that is not there breaks it where the object begins.
    pub(super) fn wrong(&self, name: &str, rule: &'static str) -> IssuersFileError {
        self.place.field(name, self.fields.get(name).copied().unwrap_or(self.place.raw)).wrong(rule)
    }

    /// Finds a field; null is as if it were not there.
    pub(super) fn find(&self, name: &str) -> Option<Place<'a>> {
        self.fields.get(name).filter(|raw| **raw != "null").map(|raw| self.place.field(name, raw))
    }

    /// Refuses that a field is not there.
    pub(super) fn needed<T>(&self, name: &str, found: Option<T>) -> Result<T, IssuersFileError> {
        found.ok_or_else(|| self.wrong(name, "is missing"))
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<String>, IssuersFileError> {
        self.find(name).map(|place| place.text()).transpose()
    }

    pub(super) fn path(&self, name: &str) -> Result<Option<PathBuf>, IssuersFileError> {
        Ok(self.text(name)?.map(PathBuf::from))
    }

    /// Reads a whole number within its bounds, which `rule` tells.
    pub(super) fn number<T: TryFrom<u64>>(
        &self,
        name: &str,
        bounds: RangeInclusive<u64>,
        rule: &'static str,
    ) -> Result<Option<T>, IssuersFileError> {
        let read = |place: Place<'a>| {
            let number = serde_json::from_str::<u64>(place.raw).ok().filter(|number| bounds.contains(number));
            number.and_then(|number| T::try_from(number).ok()).ok_or_else(|| place.wrong(rule))
        };
        self.find(name).map(read).transpose()
    }

    /// Reads true or false; false when it is not there.
    pub(super) fn flag(&self, name: &str) -> Result<bool, IssuersFileError> {
        match self.find(name).map(|place| (place.raw, place)) {
            None | Some(("false", _)) => Ok(false),
            Some(("true", _)) => Ok(true),
            Some((_, place)) => Err(place.wrong("takes true or false")),
        }
    }

    /// Reads a list of texts; empty when it is not there.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<String>, IssuersFileError> {
        self.find(name).map_or_else(|| Ok(Vec::new()), |place| place.list(Place::text))
    }

    /// Reads an object of texts by any names; empty when it is not there.
    pub(super) fn texts_by_name(&self, name: &str) -> Result<BTreeMap<String, String>, IssuersFileError> {
        self.find(name).map_or_else(|| Ok(BTreeMap::new()), |place| place.texts_by_name())
    }

    /// Reads a list of objects; empty when it is not there.
    pub(super) fn objects<T>(
        &self,
        name: &str,
        read: impl Fn(Self) -> Result<T, IssuersFileError>,
    ) -> Result<Vec<T>, IssuersFileError> {
        self.find(name)
            .map_or_else(|| Ok(Vec::new()), |place| place.list(|place| Self::of(place.clone()).and_then(&read)))
    }
}
