//! Owns dry runs: what a command would do, without doing it.
//!
//! Read next: [`super::impact`].

use std::borrow::Cow;

use crate::domain::command::{Command as Decided, Terms};
use crate::domain::decide::{Verdict, judge};
use crate::domain::event::Event;
use crate::domain::receipt::Receipt;
use crate::domain::refusal::Refusal;
use crate::error::Error;

use super::command::Command;
use super::prepare::Purpose;
use super::session::Session;

/// The result of a dry run: what a command would do now.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Forecast {
    /// The refusal; `None` when the command would be done.
    pub refusal: Option<Refusal>,
    /// The events that would happen, in order.
    pub events: Vec<Event>,
}

impl Forecast {
    pub(super) const fn refused(refusal: Refusal) -> Self {
        Self { refusal: Some(refusal), events: Vec::new() }
    }
}

impl Session {
    /// Returns what a command would do, without doing it: which locks would refuse it, their owners, or which events
    /// would happen. Nothing is recorded.
    ///
    /// # Errors
    ///
    /// Kind `Unavailable` or `Closed`. A refusal is part of the result, not an error.
    pub fn dry_run(&self, command: &Command) -> Result<Forecast, Error> {
        let engine = &self.store().0;
        engine.settle_if_there_is_room()?;
        let terms = self.terms(command);
        if let Some(outcome) = self.recall(&terms) {
            return self.remembered(command, outcome);
        }
        let decided = match engine.prepare(&command.0, Purpose::Trial) {
            Ok(ready) => ready.command.sealed_under(engine.shared.keyring().in_force().get()),
            Err(error) => return error.refusal().cloned().map_or(Err(error), |refusal| Ok(Forecast::refused(refusal))),
        };
        Ok(self.forecast(&decided, &terms))
    }

    /// Asks the rules about a command that is never appended.
    pub(super) fn forecast(&self, decided: &Decided, terms: &Terms) -> Forecast {
        let engine = &self.store().0;
        let snapshot = engine.view();
        let clock = engine.shared.look_at_clock();
        let mut state = Cow::Borrowed(&snapshot.state);
        if clock.note.is_some() {
            // The writer records that first.
            state.to_mut().whole.clocks = state.whole.clocks.noted(&clock);
        }
        match judge(&state, decided, terms, clock.now) {
            Verdict::Accept(decision) => {
                let events = decision.events.into_iter().map(|(_, event)| event).collect();
                Forecast { refusal: None, events }
            }
            Verdict::Refuse(refusal, _) | Verdict::Remembered(Err(refusal)) => Forecast::refused(refusal),
            Verdict::Remembered(Ok(_)) => Forecast { refusal: None, events: Vec::new() },
        }
    }

    /// Returns the forecast for a command that was done or refused before, unless it brings other data.
    fn remembered(&self, command: &Command, outcome: Result<Receipt, Refusal>) -> Result<Forecast, Error> {
        let held = match (outcome, self.check(command)?) {
            (Ok(receipt), Some(check)) => check(&receipt),
            (outcome, _) => outcome.map(drop).map_err(Error::refused),
        };
        match held {
            Ok(()) => Ok(Forecast { refusal: None, events: Vec::new() }),
            Err(error) => error.refusal().cloned().map_or(Err(error), |refusal| Ok(Forecast::refused(refusal))),
        }
    }
}
