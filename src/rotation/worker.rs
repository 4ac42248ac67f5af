//! Owns the handle of the rotation worker: its threads, and what can be asked of it.
//!
//! One thread looks what is due and hands secrets to the others, each to one at a time: those whose data the store makes itself
//! to one thread, the rest to threads that each wait for whom they ask; one more sweeps. Read next: [`super::steps`].

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::domain::command::Terms;
use crate::domain::id::SecretId;
use crate::domain::name::{Actor, Reason};
use crate::domain::receipt::Receipt;
use crate::domain::rotation::RotationTrigger;
use crate::engine::Engine;
use crate::engine::clock::monotonic;
use crate::engine::sync::{JoinHandle, Mutex, Receiver, Sender, bounded};
use crate::engine::threads::spawn;
use crate::engine::turn::{Turn, next_worker};
use crate::error::Error;

use super::calls::Calls;
use super::claims::{Claim, Claims};
use super::deferral::{Began, Deferrals};
use super::options::WorkerOptions;
use super::own_data::Flight;
use super::running_time::Presence;
use super::steps::{Halt, Progress};
use super::stop_signal::{StopSignal, Switch};
use super::sweep::{PlannedHere, SweepReport};
use super::sweep_claims::SweepClaims;

/// How often the thread that sweeps looks whether it is time to.
const SWEEP_LOOK: Duration = Duration::from_secs(1);

/// How often a step is done for one secret in a row: what is done more often goes round in a circle.
pub(super) const STEPS_IN_A_ROW: usize = 32;

/// A worker, and its threads while it has some.
pub(crate) struct Worker {
    pub(crate) core: Arc<Core>,
    threads: Mutex<Option<Started>>,
}

struct Started {
    stop: Sender<()>,
    handles: Vec<JoinHandle<()>>,
    _turn: Turn,
}

/// What a thread of a worker does.
type Run = Box<dyn FnOnce(&Core, &StopSignal) + Send>;

/// What the threads of a worker share.
pub(crate) struct Core {
    pub(super) engine: Arc<Engine>,
    pub(crate) options: WorkerOptions,
    pub(super) calls: Calls,
    pub(super) system: Terms,
    pub(super) later: Deferrals,
    pub(super) began: Began,
    pub(super) busy: Claims,
    /// Hears of it when a secret is given back.
    pub(super) freed: Receiver<()>,
    pub(super) swept: SweepClaims,
    pub(super) presence: Presence,
    pub(super) planned_here: Mutex<PlannedHere>,
    /// What ends single runs.
    pub(super) single: Switch,
    /// Whether it goes on by itself; else each is a single run.
    pub(super) is_started: bool,
    /// Its number among the workers of the process.
    number: u64,
}

impl Worker {
    /// Makes a worker that does something only when it is asked to.
    pub(crate) fn new(engine: &Arc<Engine>, options: WorkerOptions) -> Self {
        Self { core: Arc::new(Core::of(engine, options, false)), threads: Mutex::default() }
    }

    /// Makes a worker that continues by itself, on threads of its own.
    pub(crate) fn start(engine: &Arc<Engine>, options: WorkerOptions) -> Result<Self, Error> {
        if engine.is_read_only() {
            return Err(Error::read_only());
        }
        let core = Arc::new(Core::of(engine, options, true));
        let started = Started::of(&core)?;
        Ok(Self { core, threads: Mutex::new(Some(started)) })
    }

    /// Sweeps once, until the worker is told to stop.
    pub(crate) fn sweep(&self) -> Result<SweepReport, Error> {
        self.core.sweep(&self.core.single.begin())
    }

    /// Makes one that may pause like a started worker, and does something only when it is asked to.
    #[cfg(test)]
    pub(super) fn without_threads(engine: &Arc<Engine>, options: WorkerOptions, is_started: bool) -> Self {
        Self { core: Arc::new(Core::of(engine, options, is_started)), threads: Mutex::default() }
    }

    /// Tells whether the worker has no threads.
    #[cfg(test)]
    pub(super) fn is_stopping(&self) -> bool {
        self.threads.lock().is_none()
    }

    /// Ends single runs, and the worker's threads; waits for the threads.
    pub(crate) fn stop(&self) {
        self.core.single.turn_off();
        self.join();
    }

    fn join(&self) {
        let Some(Started { stop, handles, _turn }) = self.threads.lock().take() else { return };
        drop(stop);
        for handle in handles {
            // A thread that panicked has nothing left to end.
            let _ = handle.join();
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.join();
    }
}

impl Started {
    fn of(core: &Arc<Core>) -> Result<Self, Error> {
        let turn = core.turn()?;
        let (stop, stopped) = bounded(0);
        let stopped = StopSignal::told_by(stopped);
        let threads = core.options.threads;
        let queue_max = threads.saturating_mul(2);
        let ((send, secrets), (send_here, here)) = (bounded(queue_max), bounded(queue_max));
        let mut handles = Vec::new();
        let mut run = |name, run: Run| {
            let (core, stopped) = (Arc::clone(core), stopped.clone());
            spawn(name, move || run(&core, &stopped)).map(|handle| handles.push(handle))
        };
        for _ in 0..threads {
            let secrets = secrets.clone();
            run("latchkeep-rotate", Box::new(move |core, stopped| core.serve(&secrets, stopped)))?;
        }
        run("latchkeep-here", Box::new(move |core, stopped| core.serve_here(&here, stopped)))?;
        run("latchkeep-sweep", Box::new(Core::sweep_on))?;
        run("latchkeep-due", Box::new(move |core, stopped| core.dispatch(stopped, &send, &send_here)))?;
        Ok(Self { stop, handles, _turn: turn })
    }
}

impl Core {
    fn of(engine: &Arc<Engine>, options: WorkerOptions, is_started: bool) -> Self {
        let (busy, freed) = Claims::new();
        let calls = Calls::new(options.call_limit, options.threads);
        Self {
            engine: Arc::clone(engine),
            options,
            calls,
            system: Terms::by(Actor::system()),
            later: Deferrals::default(),
            began: Began::now(engine.shared.clock.since_boot()),
            busy,
            freed,
            swept: SweepClaims::default(),
            presence: Presence::from(engine.now()),
            planned_here: Mutex::default(),
            single: Switch::default(),
            is_started,
            number: next_worker(),
        }
    }

    /// Begins a rotation by hand of a secret whose credentials an issuer makes.
    pub(crate) fn rotate_by_hand(&self, terms: &Terms, secret: SecretId) -> Result<Receipt, Error> {
        let found = self.engine.find(secret)?;
        match self.plan(terms, &found, RotationTrigger::ByHand) {
            Ok(answer) => Ok(answer.map_err(Error::refused)?.receipt),
            Err(Halt::Store(error)) => Err(error),
            Err(Halt::Later(reason)) => Err(crate::Invalid::new("issuer", format!("cannot be asked: {reason}")).into()),
            Err(_) => Err(Error::busy()),
        }
    }

    /// Returns the secrets of which a step has to wait without anything to record about it, and why.
    pub(crate) fn waiting(&self) -> Vec<(SecretId, Reason)> {
        self.forget_gone();
        let is_told = |secret: SecretId, why: &Reason| {
            let secret = self.engine.find(secret);
            secret.is_ok_and(|secret| secret.credentials().any(|credential| credential.failure() == Some(why)))
        };
        self.later.all().into_iter().filter(|(secret, why)| !is_told(*secret, why)).collect()
    }

    /// Looks once what is due, and gives it back: those that need no issuer, and how many others.
    #[cfg(test)]
    pub(super) fn look(&self) -> (Vec<SecretId>, usize) {
        let due = self.due(usize::MAX);
        (due.here.iter().map(|claim| claim.secret).collect(), due.elsewhere.len())
    }

    /// Takes the turn to do the rotations of the store.
    pub(super) fn turn(&self) -> Result<Turn, Error> {
        self.engine.turns.take(self.number).ok_or_else(Error::worker_runs)
    }

    /// Rotates secrets whose data the store makes itself; gives how many steps that were. After an error the rest is left.
    pub(super) fn rotate_all(&self, secrets: Vec<Claim>, stopped: &StopSignal) -> Result<u64, Error> {
        let mut flight = Flight::of(self, stopped);
        for taken in secrets {
            flight.make_room();
            if flight.has_failed() {
                break;
            }
            flight.begin(taken);
        }
        flight.end()
    }

    /// Sweeps now and then, until it is told to stop or the store is closed; whatever hangs there holds up no rotation.
    fn sweep_on(&self, stopped: &StopSignal) {
        let mut swept_at: Option<Instant> = None;
        while !self.is_over() {
            if swept_at.is_none_or(|at| at.elapsed() >= self.options.sweep_interval) {
                swept_at = Some(monotonic());
                // What goes wrong shows at the next sweep again.
                let _ = self.sweep(stopped);
            }
            if stopped.is_told_within(SWEEP_LOOK) {
                return;
            }
        }
    }

    /// Works on secrets until there are no more to come; what is left when it is told to stop goes back.
    fn serve(&self, secrets: &Receiver<Claim>, stopped: &StopSignal) {
        for taken in secrets {
            // A store that fails, or is closed, tells whoever else asks.
            let _ = self.work_on(taken.secret, stopped);
        }
    }

    /// Does what is due for a secret; gives how many steps that were. One that could not be done keeps no other from being done.
    pub(super) fn work_on(&self, secret: SecretId, stopped: &StopSignal) -> Result<u64, Error> {
        let (mut done, mut left) = (Vec::new(), Vec::new());
        while !stopped.is_told() {
            let Some((found, step)) = self.next_step(secret, &left) else { break };
            self.later.begin(secret, step);
            match self.step(&found, step) {
                Ok(Progress::Moved) => {
                    self.later.forget(secret, step);
                    done.push(step);
                    if done.iter().filter(|other| **other == step).count() >= STEPS_IN_A_ROW {
                        self.tire(secret, step)?;
                        left.push(step);
                    }
                }
                Ok(Progress::Nothing) => left.push(step),
                Err(halt) => {
                    left.push(step);
                    self.halt(secret, step, halt)?;
                }
            }
        }
        Ok(u64::try_from(done.len()).unwrap_or(u64::MAX))
    }
}
