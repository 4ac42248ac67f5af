//! Owns the rotations whose data the store makes itself: one thread makes and seals, and asks for many before the first is
//! answered, since nobody outside has to be waited for.
//!
//! What comes of each is taken as [`super::steps`] takes it. Read next: [`super::creation`].

use std::collections::VecDeque;
use std::sync::Arc;

use crate::domain::due::Step;
use crate::domain::id::SecretId;
use crate::domain::name::Reason;
use crate::domain::secret::Secret;
use crate::engine::Patience;
use crate::engine::queue::Order;
use crate::engine::reply::Slot;
use crate::engine::sync::{Receiver, TryRecvError};
use crate::error::Error;

use super::claims::Claim;
use super::failure::Failure;
use super::steps::{Halt, Progress, REFUSED_STILL, worded};
use super::stop_signal::StopSignal;
use super::worker::Core;

/// Rotations that are asked for, the first one first, up to as many as the worker may have at a time.
pub(super) struct Flight<'a> {
    core: &'a Core,
    stopped: &'a StopSignal,
    asked: VecDeque<Asked>,
    steps: u64,
    failed: Failure,
}

/// One of them.
struct Asked {
    taken: Claim,
    /// Steps done for this secret since it was taken up.
    in_a_row: usize,
    slot: Arc<Slot>,
}

impl<'a> Flight<'a> {
    pub(super) const fn of(core: &'a Core, stopped: &'a StopSignal) -> Self {
        Self { core, stopped, asked: VecDeque::new(), steps: 0, failed: Failure::none() }
    }

    /// Asks for a rotation; there must be room for it.
    pub(super) fn begin(&mut self, taken: Claim) {
        self.go_on(taken, 0);
    }

    /// Waits for the first answers, until there is room for one more.
    pub(super) fn make_room(&mut self) {
        while self.asked.len() >= self.core.options.threads {
            self.land();
        }
    }

    /// Tells whether something has failed so that the rest is left.
    pub(super) fn has_failed(&self) -> bool {
        self.failed.ends_run()
    }

    /// Waits for all answers; gives how many steps were done, or what failed first.
    pub(super) fn end(mut self) -> Result<u64, Error> {
        while !self.asked.is_empty() {
            self.land();
        }
        self.failed.or(self.steps)
    }

    /// Waits for the first answer, and goes on with its secret.
    fn land(&mut self) {
        let Some(Asked { taken, in_a_row, slot }) = self.asked.pop_front() else { return };
        let answer = slot.wait().map_err(Halt::from).and_then(Core::settled);
        match answer {
            Ok(Progress::Moved) => {
                self.core.later.forget(taken.secret, Step::RotateHere);
                self.steps = self.steps.saturating_add(1);
                self.go_on(taken, in_a_row.saturating_add(1));
            }
            Ok(Progress::Nothing) => {}
            Err(halt) => self.halt(taken.secret, halt),
        }
    }

    /// Asks for the rotation that is due; a secret for which none is goes back, and each once the worker is to end.
    fn go_on(&mut self, taken: Claim, in_a_row: usize) {
        if self.stopped.is_told() {
            return;
        }
        let asked = match self.core.due_here(taken.secret) {
            Some(_) if in_a_row >= super::worker::STEPS_IN_A_ROW => {
                self.core.tire(taken.secret, Step::RotateHere).map_err(Halt::from).map(|()| None)
            }
            Some(secret) if self.core.is_refused_still(&secret, Step::RotateHere) => {
                Err(Halt::Later(Reason::of(REFUSED_STILL)))
            }
            Some(secret) => self.core.ask_here(&secret).map(Some),
            None => Ok(None),
        };
        match asked {
            Ok(Some(slot)) => self.asked.push_back(Asked { taken, in_a_row, slot }),
            Ok(None) => {}
            Err(halt) => self.halt(taken.secret, halt),
        }
    }

    fn halt(&mut self, secret: SecretId, halt: Halt) {
        if let Err(error) = self.core.halt(secret, Step::RotateHere, halt) {
            self.failed.note(error);
        }
    }
}

impl Core {
    /// Rotates secrets whose data the store makes itself, until there are no more to come.
    pub(super) fn serve_here(&self, secrets: &Receiver<Claim>, stopped: &StopSignal) {
        let mut flight = Flight::of(self, stopped);
        loop {
            flight.make_room();
            // A store that fails, or is closed, tells whoever else asks.
            match secrets.try_recv() {
                Ok(taken) => flight.begin(taken),
                Err(TryRecvError::Empty) if !flight.asked.is_empty() => flight.land(),
                Err(TryRecvError::Empty) => match secrets.recv() {
                    Ok(taken) => flight.begin(taken),
                    Err(_) => break,
                },
                Err(TryRecvError::Disconnected) => break,
            }
        }
        let _ = flight.end();
    }

    /// Gives a secret if a rotation is due for it whose data is made here.
    fn due_here(&self, id: SecretId) -> Option<Arc<Secret>> {
        let snapshot = self.engine.shared.published.load();
        let secret = snapshot.state.secret(id)?;
        let step = self.due_step(secret, &snapshot.state.whole, &[])?;
        (step == Step::RotateHere).then(|| Arc::clone(secret))
    }

    /// Makes and seals the data here, and asks for the rotation.
    fn ask_here(&self, secret: &Secret) -> Result<Arc<Slot>, Halt> {
        let ready = match self.engine.prepare_scheduled(secret) {
            Ok(ready) => ready,
            // What a version needs may be gone, such as a user name; or it was destroyed just now.
            Err(error) if error.refusal().is_some() => return Err(Halt::Later(worded(&error))),
            Err(error) => return Err(error.into()),
        };
        self.point("rotate")?;
        let (command, payload, terms) = (ready.command, ready.payload, self.system.clone());
        let order = |reply| Order { command, terms, payload, reply };
        Ok(self.engine.ask(order, Patience::Wait)?)
    }

    /// Makes and seals the data here, rotates, and waits until that is durable.
    pub(super) fn rotate_here(&self, secret: &Secret) -> Result<Progress, Halt> {
        let slot = self.ask_here(secret)?;
        Self::settled(slot.wait()?)
    }
}
