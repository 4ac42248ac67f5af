//! Owns the poisoning of an open store: once something could not be made durable, no more commands are accepted.
//!
//! What was durable before stays readable. Only opening the store again ends it. Read next: [`super::committer`].

use std::sync::OnceLock;

use crate::error::Error;

/// Whether the store is poisoned, and why.
#[derive(Debug, Default)]
pub(crate) struct Poison(OnceLock<Box<str>>);

impl Poison {
    /// Poisons the store; the first reason counts.
    pub(crate) fn set(&self, why: &str) {
        let _ = self.0.set(why.into());
    }

    /// Returns the reason, if the store is poisoned.
    pub(crate) fn why(&self) -> Option<&str> {
        self.0.get().map(AsRef::as_ref)
    }

    /// Returns the error that answers everything, if the store is poisoned.
    pub(crate) fn error(&self) -> Option<Error> {
        self.why().map(Error::poisoned)
    }
}
