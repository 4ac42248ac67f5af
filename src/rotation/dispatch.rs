//! Owns the look at what is due, and who gets it: secrets whose data the store makes itself, and the others.
//!
//! Read next: [`super::claims`].

use std::time::Duration;

use crate::domain::id::SecretId;
use crate::domain::limits;
use crate::domain::stop::Work;
use crate::engine::clock::monotonic;
use crate::engine::sync::{SendTimeoutError, Sender};
use crate::storage::StorageError;

use super::claims::Claim;
use super::stop_signal::StopSignal;
use super::worker::Core;

/// How often the worker looks what is due.
const LOOK: Duration = Duration::from_millis(50);

/// Secrets whose data the store makes itself that are taken up in one look. Of the others it is twice as many as there are
/// threads, whoever is due before them: so neither kind waits for the other.
const HERE_AT_ONCE: usize = 1_024;

/// Secrets that are due, and taken up.
#[derive(Default)]
pub(super) struct Due {
    /// Those that take data which the store makes itself.
    pub(super) here: Vec<Claim>,
    /// Those for which others may have to be asked.
    pub(super) elsewhere: Vec<Claim>,
}

impl Due {
    pub(super) fn is_empty(&self) -> bool {
        self.here.is_empty() && self.elsewhere.is_empty()
    }
}

impl Core {
    /// Gives the secrets that are due and not worked on, and takes them up; of those for which others may have to be asked, so many.
    pub(super) fn due(&self, elsewhere_max: usize) -> Due {
        let now = self.engine.now();
        self.presence.note(now);
        let snapshot = self.engine.shared.published.load();
        let whole = &snapshot.state.whole;
        if whole.may(Work::Step).is_err() {
            return Due::default();
        }
        let calendar = &snapshot.projections.calendar;
        // A single run takes up what is about to be due as well; where time stands still, what failed is due before its time.
        let until = if self.is_started { now } else { now.plus(limits::SCHEDULE_SLACK_MAX) };
        let is_still = self.is_still();
        let failed = is_still.then(|| calendar.rotating()).into_iter().flatten();
        let is_due = |secret: &SecretId| {
            (self.is_started && !is_still && !self.later.has(*secret))
                || snapshot.state.secret(*secret).is_some_and(|secret| self.due_step(secret, whole, &[]).is_some())
        };
        let asked = |id| (id, snapshot.state.secret(id).and_then(|secret| self.issuer_asked(secret, whole)));
        let elsewhere = calendar.steps_elsewhere(until).chain(failed).filter(is_due).map(asked);
        Due {
            here: self.busy.take_up(calendar.steps_here(until).filter(is_due), HERE_AT_ONCE),
            elsewhere: self.busy.take_up_of(elsewhere, elsewhere_max, self.calls.at_once()),
        }
    }

    /// Looks what is due and hands it out, until it is told to stop or the store is closed.
    pub(super) fn dispatch(&self, stopped: &StopSignal, send: &Sender<Claim>, send_here: &Sender<Claim>) {
        loop {
            let began = monotonic();
            let due = self.due(self.options.threads.saturating_mul(2));
            let patience = if due.is_empty() { LOOK } else { Duration::ZERO };
            // A look over many that cannot be taken up takes no more than half of the time.
            let looked = began.elapsed().min(LOOK);
            for taken in due.here {
                if stopped.is_told() || send_here.send(taken).is_err() {
                    return;
                }
            }
            for taken in due.elsewhere {
                if stopped.is_told() {
                    return;
                }
                // Whoever has to be asked outside may take long: nobody waits for that here, and the rest is given back.
                match send.send_timeout(taken, LOOK) {
                    Ok(()) => {}
                    Err(SendTimeoutError::Timeout(_)) => break,
                    Err(SendTimeoutError::Disconnected(_)) => return,
                }
            }
            let is_told = stopped.is_told_within(looked.min(patience)) || stopped.is_told_before(&self.freed, patience);
            if self.is_over() || is_told {
                return;
            }
        }
    }

    /// Tells whether the store was closed, or takes no commands any more.
    pub(super) fn is_over(&self) -> bool {
        let shared = &self.engine.shared;
        shared.poison.why().is_some() || matches!(shared.storage.room(), Err(StorageError::Closed))
    }
}
