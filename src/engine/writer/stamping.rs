//! Owns the time that records get, and what is recorded about the clock before them.
//!
//! Read next: [`crate::domain::clock`], which decides what is believed.

use crate::domain::clock::{ClockConfirmedBy, ClockHeld, ClockRanBack, Judged, Note};
use crate::domain::command::{Command, Terms};
use crate::domain::decide::{Verdict, judge};
use crate::domain::event::Event;
use crate::domain::time::Timestamp;
use crate::error::Error;

use super::super::reply::{Done, Outcome};
use super::absence::Absence;
use super::{Recorded, Writer};

impl Writer {
    /// Looks at the clock.
    pub(super) fn look(&self) -> Judged {
        self.shared.clock.look(self.snapshot.state.whole.told_of_time())
    }

    /// Returns the time of one decision, for all its records: never before that of the last record. First records
    /// changes in the trust in the clock.
    pub(super) fn stamp(&mut self) -> Result<Timestamp, Error> {
        self.stamp_by(self.look())
    }

    /// Makes the store go by the time that the clock shows now, though it is before the last record.
    pub(super) fn rebase(&mut self, terms: &Terms) -> Outcome {
        // Reads have the time at which they were made.
        while self.record_access()? == Recorded::Some {
            self.make_room();
        }
        let judged = self.look();
        let now = self.stamp_by(judged)?;
        let shown = judged.seen.wall;
        match judge(&self.snapshot.state, &Command::RebaseClock(shown), terms, now) {
            Verdict::Accept(decision) => {
                let receipt = self.append(decision.events, terms, now)?;
                self.shared.clock.believe(judged.seen);
                self.absence = Absence::until(shown, self.shared.lease_grace);
                Ok(Ok(Done { receipt, takes_data: false }))
            }
            Verdict::Refuse(refusal, event) => {
                event.map(|event| self.append(vec![(None, event)], terms, now)).transpose()?;
                Ok(Err(refusal))
            }
            Verdict::Remembered(outcome) => Ok(outcome.map(|receipt| Done { receipt, takes_data: false })),
        }
    }

    pub(super) fn stamp_by(&mut self, judged: Judged) -> Result<Timestamp, Error> {
        let (seen, now) = (judged.seen, judged.now);
        match judged.note {
            Some(Note::RanBack) => {
                let event = Event::from(ClockRanBack { observed_at: seen.wall });
                self.append(vec![(None, event)], &self.system.clone(), now)?;
            }
            Some(Note::Held) => {
                let held = ClockHeld { observed_at: seen.wall, boot: seen.boot };
                self.run_own(&Command::HoldClock(held), now)?;
            }
            Some(Note::Confirmed(by)) => self.run_own(&Command::ConfirmClock(by), now)?,
            None => {}
        }
        Ok(now)
    }

    /// Returns the time of a command. The command that confirms the clock gets the time that the clock shows.
    pub(super) fn stamp_for(&mut self, command: &Command) -> Result<Timestamp, Error> {
        let judged = self.look();
        let now = self.stamp_by(judged)?;
        if !matches!(command, Command::ConfirmClock(ClockConfirmedBy::Person)) {
            return Ok(now);
        }
        self.shared.clock.believe(judged.seen);
        Ok(judged.seen.wall.max(self.snapshot.state.whole.last_at))
    }
}
