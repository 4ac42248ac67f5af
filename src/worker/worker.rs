//! Owns the handle of the rotation worker: its threads, and what can be asked of it.
//!
//! One thread looks what is due and hands secrets to the others, each to one at a time: those whose data the store makes itself
//! to one thread, the rest to threads that each wait for whom they ask; one more sweeps. Read next: [`super::steps`].

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::domain::command::Terms;
use crate::domain::id::SecretId;
use crate::domain::name::{Actor, Reason};
use crate::domain::receipt::Receipt;
use crate::domain::rotation::RotationTrigger;
use crate::engine::clock::monotonic;
use crate::engine::sync::{JoinHandle, Mutex, Receiver, Sender, bounded};
use crate::engine::threads::spawn;
use crate::engine::turn::{Turn, next_worker};
use crate::error::Error;
use crate::store::Store;
use crate::store::session::Session;

use super::calls::Calls;
use super::here::Flight;
use super::later::{Began, Later};
use super::options::WorkerOptions;
use super::presence::Presence;
use super::steps::{Halt, Progress};
use super::stopped::{Stopped, Switch};
use super::sweep::{PlannedHere, SweepReport};
use super::swept::Swept;
use super::taken::{Busy, Taken};

/// How often the thread that sweeps looks whether it is time to.
const SWEEP_LOOK: Duration = Duration::from_secs(1);

/// How often a step is done for one secret in a row: what is done more often goes round in a circle.
pub(super) const STEPS_IN_A_ROW: usize = 32;

/// Does what is due for rotations: of data that the store makes itself, and, with the issuers that the host registers, of
/// credentials in systems outside.
///
/// It holds a handle of the store, and ends with [`RotationWorker::stop`], when it is dropped, or when the store is closed. One
/// worker at a time does the rotations of a store: while one is started, or runs what is due, another is refused.
///
/// ```
/// use latchkeep::{
///     Actor, Interval, IntervalUnit, ManualClock, NewSecret, PasswordPolicy, RotationPolicy, RotationWorker, SecretBytes,
///     SecretName, StoreOptions, Timestamp, Unlock, Username, VersionOrigin, WorkerOptions,
/// };
/// use std::time::Duration;
///
/// let clock = ManualClock::at(Timestamp::parse("2026-11-23T12:00:00Z")?);
/// let unlock = Unlock::bytes(SecretBytes::copy_from(&[7; 32]));
/// let store = StoreOptions::in_memory(unlock).clock(clock.clone()).create()?;
/// let policy = RotationPolicy::every(Interval::new(30, IntervalUnit::Day)?);
/// let name = SecretName::parse("db-admin")?;
/// let new = NewSecret::generated_password(name, Username::parse("admin")?, PasswordPolicy::default()).rotating(policy);
/// let secret = store.acting_as(Actor::parse("ops")?).create(new)?.secret.unwrap();
///
/// let worker = RotationWorker::new(&store, WorkerOptions::new());
/// assert_eq!(worker.run_due()?, 0, "nothing is due yet");
/// clock.advance(Duration::from_secs(31 * 24 * 60 * 60));
/// worker.run_due()?;
/// assert_eq!(store.secret(secret)?.current().unwrap().origin, VersionOrigin::RotatedByPolicy);
/// # Ok::<(), latchkeep::Error>(())
/// ```
#[derive(Clone)]
pub struct RotationWorker(pub(super) Arc<Running>);

/// A worker, and its threads while it has some.
pub(super) struct Running {
    pub(super) core: Arc<Core>,
    threads: Mutex<Option<Started>>,
}

struct Started {
    stop: Sender<()>,
    handles: Vec<JoinHandle<()>>,
    _turn: Turn,
}

/// What a thread of a worker does.
type Run = Box<dyn FnOnce(&Core, &Stopped) + Send>;

/// What the threads of a worker share.
pub(super) struct Core {
    pub(super) store: Store,
    pub(super) options: WorkerOptions,
    pub(super) calls: Calls,
    pub(super) system: Terms,
    pub(super) later: Later,
    pub(super) began: Began,
    pub(super) busy: Busy,
    /// Hears of it when a secret is given back.
    pub(super) freed: Receiver<()>,
    pub(super) swept: Swept,
    pub(super) presence: Presence,
    pub(super) planned_here: Mutex<PlannedHere>,
    /// What ends single runs.
    pub(super) single: Switch,
    /// Whether it goes on by itself; else each is a single run.
    pub(super) is_started: bool,
    /// Its number among the workers of the process.
    number: u64,
}

impl RotationWorker {
    /// Makes a worker that does something only when it is asked to: for programs that run now and then, and for tests.
    #[must_use]
    pub fn new(store: &Store, options: WorkerOptions) -> Self {
        Self::of(store, options, false)
    }

    pub(super) fn of(store: &Store, options: WorkerOptions, is_started: bool) -> Self {
        let (busy, freed) = Busy::new();
        let calls = Calls::new(options.call_limit, options.threads);
        let core = Core {
            store: store.clone(),
            options,
            calls,
            system: Terms::by(Actor::system()),
            later: Later::default(),
            began: Began::now(store.0.engine.shared.clock.since_boot()),
            busy,
            freed,
            swept: Swept::default(),
            presence: Presence::from(store.0.now()),
            planned_here: Mutex::default(),
            single: Switch::default(),
            is_started,
            number: next_worker(),
        };
        Self(Arc::new(Running { core: Arc::new(core), threads: Mutex::default() }))
    }

    /// Makes a worker that goes on by itself, on threads of its own, until it is stopped or the store is closed.
    ///
    /// # Errors
    ///
    /// Kind `Unavailable`, code `read_only`, when the store is open for reading only, code `worker_runs` while another worker does
    /// its rotations; kind `Internal` when the system gives no thread.
    pub fn start(store: &Store, options: WorkerOptions) -> Result<Self, Error> {
        if store.0.engine.is_read_only() {
            return Err(Error::read_only());
        }
        let worker = Self::of(store, options, true);
        let started = Started::of(&worker.0.core)?;
        *worker.0.threads.lock() = Some(started);
        Ok(worker)
    }

    /// Does all that is due until nothing is; gives how many steps that were. As many secrets are worked on at a time as a started
    /// worker takes up, on threads that end with the run; a single one in the caller's thread. What has to wait, because it
    /// failed or an issuer is busy, is left. A rotation by policy that is about to be due is due, since the next run may come too
    /// late: up to an eighth of its interval before its time, a day at most.
    ///
    /// # Errors
    ///
    /// Kind `Closed` or `Unavailable` when the store takes no commands any more. What was asked for before is answered then,
    /// and what was not can be taken up again. Code `worker_runs` while another worker does its rotations.
    /// Kind `Corrupt` when data of a secret is damaged; all others have had their turn, and [`waiting`](Self::waiting) names it.
    pub fn run_due(&self) -> Result<u64, Error> {
        self.0.core.run_due()
    }

    /// Begins a rotation that somebody asks for by hand; the worker takes it from there. For secrets whose credentials an
    /// issuer makes; others are rotated by [`Session::rotate`].
    ///
    /// # Errors
    ///
    /// Kind `Refused`: [`crate::Refusal::Locked`] when a lock stands on a version that it would touch,
    /// [`crate::Refusal::RotationHeld`] when the grace of a version that it would end runs, or consumers have not moved from it
    /// (unless the session acts by force), [`crate::Refusal::RotationOpen`] when one is under way, [`crate::Refusal::RotationNotSupported`]. Kind `Invalid` when no issuer of
    /// that name is registered; kind `Unavailable` when it is busy.
    pub fn rotate(&self, session: &Session, secret: SecretId) -> Result<Receipt, Error> {
        let core = &self.0.core;
        let found = core.store.0.find(secret)?;
        match core.plan(&session.terms_of_rotation(secret), &found, RotationTrigger::ByHand) {
            Ok(answer) => Ok(answer.map_err(Error::refused)?.receipt),
            Err(Halt::Store(error)) => Err(error),
            Err(Halt::Later(reason)) => Err(crate::Invalid::new("issuer", format!("cannot be asked: {reason}")).into()),
            Err(_) => Err(Error::busy()),
        }
    }

    /// Retires what carries a tag of this store outside and no rotation knows of, if this log planned the rotation that made it.
    /// What another store of the same log id made, after a backup or a copy, is told of and left. A started worker does so by
    /// itself, now and then.
    ///
    /// # Errors
    ///
    /// Kind `Closed` or `Unavailable` when the store does not answer. What an issuer fails with stands in the report.
    pub fn sweep(&self) -> Result<SweepReport, Error> {
        self.0.core.sweep(&self.0.core.single.begin())
    }

    /// Gives the secrets of which a step has to wait without anything to record about it, and why; one with several reasons several times.
    /// What the log tells of the secret already, as the reason why a credential could not be ended, is left out.
    #[must_use]
    pub fn waiting(&self) -> Vec<(SecretId, Reason)> {
        let core = &self.0.core;
        core.forget_gone();
        let is_told = |secret: SecretId, why: &Reason| {
            let secret = core.store.0.find(secret);
            secret.is_ok_and(|secret| secret.credentials().any(|credential| credential.failure() == Some(why)))
        };
        core.later.all().into_iter().filter(|(secret, why)| !is_told(*secret, why)).collect()
    }

    /// Tells whether somebody has said that it is to stop.
    #[cfg(test)]
    pub(super) fn is_stopping(&self) -> bool {
        self.0.threads.lock().is_none()
    }

    /// Looks once what is due, and gives it back: those that need nobody outside, and how many others.
    #[cfg(test)]
    pub(super) fn look(&self) -> (Vec<SecretId>, usize) {
        let due = self.0.core.due(usize::MAX);
        (due.here.iter().map(|taken| taken.secret).collect(), due.elsewhere.len())
    }

    /// Ends the worker's threads: waits until each has done the step that it is at, and rotations that are asked for are
    /// answered; what else is due is left. Calls that were given up are left behind. A [`run_due`](Self::run_due) or
    /// [`sweep`](Self::sweep) that another thread is at ends likewise, without being waited for.
    pub fn stop(&self) {
        self.0.core.single.turn_off();
        self.0.stop();
    }
}

impl Running {
    fn stop(&self) {
        let Some(Started { stop, handles, _turn }) = self.threads.lock().take() else { return };
        drop(stop);
        for handle in handles {
            // A thread that panicked has nothing left to end.
            let _ = handle.join();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Started {
    fn of(core: &Arc<Core>) -> Result<Self, Error> {
        let turn = core.turn()?;
        let (stop, stopped) = bounded(0);
        let stopped = Stopped::told_by(stopped);
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
    /// Takes the turn to do the rotations of the store.
    pub(super) fn turn(&self) -> Result<Turn, Error> {
        self.store.0.turns.take(self.number).ok_or_else(Error::worker_runs)
    }

    /// Rotates secrets whose data the store makes itself; gives how many steps that were. After an error the rest is left.
    pub(super) fn rotate_all(&self, secrets: Vec<Taken>, stopped: &Stopped) -> Result<u64, Error> {
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
    fn sweep_on(&self, stopped: &Stopped) {
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
    fn serve(&self, secrets: &Receiver<Taken>, stopped: &Stopped) {
        for taken in secrets {
            // A store that fails, or is closed, tells whoever else asks.
            let _ = self.work_on(taken.secret, stopped);
        }
    }

    /// Does what is due for a secret; gives how many steps that were. One that could not be done keeps no other from being done.
    pub(super) fn work_on(&self, secret: SecretId, stopped: &Stopped) -> Result<u64, Error> {
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

impl fmt::Debug for RotationWorker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RotationWorker").field("options", &self.0.core.options).finish_non_exhaustive()
    }
}
