//! Owns what is shown of a dry run: what an operation would lead to, or why it would be refused.
//!
//! Read next: [`super::impact`].

use serde::{Deserialize, Serialize};

use super::explanation::Explanation;
use crate::domain::refusal::Operation;

/// What an operation would lead to now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Forecast {
    /// The operation.
    pub operation: Operation,
    /// Whether it would be done.
    pub would_be_done: bool,
    /// What would happen, in order; nothing if it would be refused.
    pub events: Vec<EventSummary>,
    /// Why it would be refused, if it would.
    #[serde(flatten)]
    pub refusal: Option<Explanation>,
}

/// An event in a few words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EventSummary {
    /// The name of the event, `VersionAdded` say.
    pub event: String,
    /// What it is about, for people; empty where the name says all.
    pub what: String,
}

impl Forecast {
    /// Shows an operation that would be done.
    #[must_use]
    pub const fn done(operation: Operation, events: Vec<EventSummary>) -> Self {
        Self { operation, would_be_done: true, events, refusal: None }
    }

    /// Shows an operation that would be refused.
    #[must_use]
    pub const fn refused(operation: Operation, refusal: Explanation) -> Self {
        Self { operation, would_be_done: false, events: Vec::new(), refusal: Some(refusal) }
    }
}

impl EventSummary {
    /// Makes the summary of an event.
    #[must_use]
    pub fn new(event: &str, what: String) -> Self {
        Self { event: event.to_owned(), what }
    }
}
