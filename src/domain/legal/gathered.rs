//! Owns a batch on its way through a walk: its records so far, and the secrets that it changes, as they were before it.
//!
//! Most batches have one record, which is held to standing alone before it is taken in, and of which nothing is kept. Read
//! next: [`super::shape`].

use std::sync::Arc;

use super::super::record::Record;
use super::super::secret::Secret;
use super::super::state::State;
use super::shape::{self, Batch};
use super::{Rule, hold};

/// What is kept of a batch until its last record.
#[derive(Clone, Debug, Default)]
pub(super) struct Gathered {
    records: Vec<Record>,
    before: Vec<Arc<Secret>>,
    /// Whether something of it could not be seen.
    is_hidden: bool,
}

impl Gathered {
    /// Notes that something of the batch cannot be seen: it is not held to standing together.
    pub(super) const fn hide(&mut self) {
        self.is_hidden = true;
    }

    /// Takes a record, with the state that it meets; holds one that is a batch of its own to being one.
    pub(super) fn take(&mut self, state: &State, record: &Record, is_newer: bool) -> Result<(), Rule> {
        if self.is_hidden {
            return Ok(());
        }
        if record.index == 0 && record.ends_batch() {
            let before = record.subject.and_then(|subject| state.secret(subject.secret));
            let before = before.map(std::slice::from_ref).unwrap_or_default();
            return shape::check(&Batch { state, before, head: record, rest: &[], is_newer });
        }
        let Self { records, before, .. } = self;
        let is_of_it = |head: &Record| head.context == record.context && head.recorded_at == record.recorded_at;
        hold(records.first().is_none_or(is_of_it), Rule::ContextMismatch)?;
        if let Some(secret) = record.subject.and_then(|subject| state.secret(subject.secret))
            && !records.iter().any(|other| other.subject.map(|subject| subject.secret) == Some(secret.id))
        {
            before.push(Arc::clone(secret));
        }
        records.push(record.clone());
        Ok(())
    }

    /// Holds a batch of several records to being what one command leads to, with the state behind it.
    pub(super) fn check(&self, state: &State, is_newer: bool) -> Result<(), Rule> {
        match self.records.split_first() {
            Some((head, rest)) if !self.is_hidden && head.index == 0 => {
                shape::check(&Batch { state, before: &self.before, head, rest, is_newer })
            }
            _ => Ok(()),
        }
    }
}
