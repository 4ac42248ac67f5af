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
use crate::error::Error;
use crate::seal::random;
use crate::store::Store;
use crate::store::session::Session;

use super::calls::Calls;
use super::here::Flight;
use super::later::Later;
use super::options::WorkerOptions;
use super::steps::{Halt, Progress};
use super::stopped::Stopped;
use super::sweep::SweepReport;
use super::swept::Swept;
use super::taken::{Busy, Taken};

/// How often the thread that sweeps looks whether it is time to.
const SWEEP_LOOK: Duration = Duration::from_secs(1);

/// Steps for one secret in a row, before others get their turn.
pub(super) const STEPS_IN_A_ROW: usize = 32;

/// Does what is due for rotations: of data that the store makes itself, and, with the issuers that the host registers, of
/// credentials in systems outside.
///
/// It holds a handle of the store, and ends with [`RotationWorker::stop`], when it is dropped, or when the store is closed. One
/// worker for a store is enough; two do no harm, since the writer decides, but call outside twice.
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
    pub(super) busy: Busy,
    pub(super) swept: Swept,
}

impl RotationWorker {
    /// Makes a worker that does something only when it is asked to: for programs that run now and then, and for tests.
    #[must_use]
    pub fn new(store: &Store, options: WorkerOptions) -> Self {
        let calls = Calls::new(options.call_limit, options.threads);
        let core = Core {
            store: store.clone(),
            options,
            calls,
            system: Terms::by(Actor::system()),
            later: Later::default(),
            busy: Busy::default(),
            swept: Swept::default(),
        };
        Self(Arc::new(Running { core: Arc::new(core), threads: Mutex::default() }))
    }

    /// Makes a worker that goes on by itself, on threads of its own, until it is stopped or the store is closed.
    ///
    /// # Errors
    ///
    /// Kind `Unavailable`, code `read_only`, when the store is open for reading only; kind `Internal` when the system gives no
    /// thread.
    pub fn start(store: &Store, options: WorkerOptions) -> Result<Self, Error> {
        if store.0.engine.is_read_only() {
            return Err(Error::read_only());
        }
        let worker = Self::new(store, options);
        let started = Started::of(&worker.0.core)?;
        *worker.0.threads.lock() = Some(started);
        Ok(worker)
    }

    /// Does all that is due, in the caller's thread, until nothing is; gives how many steps that were. One secret after
    /// another, but for those whose data the store makes itself: of them it asks for as many at a time as it has threads.
    /// What has to wait, because it failed or an issuer is busy, is left.
    ///
    /// # Errors
    ///
    /// Kind `Closed` or `Unavailable` when the store takes no commands any more. What was asked for before is answered then,
    /// and what was not can be taken up again.
    pub fn run_due(&self) -> Result<u64, Error> {
        let core = &self.0.core;
        let mut steps = 0_u64;
        loop {
            let due = core.due();
            if due.is_empty() {
                return Ok(steps);
            }
            steps = steps.saturating_add(core.rotate_all(due.here)?);
            for taken in due.elsewhere {
                steps = steps.saturating_add(core.work_on(taken.secret, &Stopped::never())?);
            }
        }
    }

    /// Begins a rotation that somebody asks for by hand; the worker takes it from there. For secrets whose credentials an
    /// issuer makes; others are rotated by [`Session::rotate`].
    ///
    /// # Errors
    ///
    /// Kind `Refused`: [`crate::Refusal::Locked`] when a lock stands on a version that it would touch,
    /// [`crate::Refusal::RotationOpen`] when one is under way, [`crate::Refusal::RotationNotSupported`]. Kind `Invalid` when no issuer of
    /// that name is registered; kind `Unavailable` when it is busy.
    pub fn rotate(&self, session: &Session, secret: SecretId) -> Result<Receipt, Error> {
        let core = &self.0.core;
        let found = core.store.0.find(secret)?;
        match core.plan(&Terms::by(session.actor().clone()), &found, RotationTrigger::ByHand) {
            Ok(answer) => Ok(answer.map_err(Error::refused)?.receipt),
            Err(Halt::Store(error)) => Err(error),
            Err(Halt::Later(reason)) => Err(crate::Invalid::new("issuer", reason.to_string()).into()),
            Err(_) => Err(Error::busy()),
        }
    }

    /// Retires what carries a tag of this store outside and no rotation knows of. A started worker does so by itself, now and
    /// then.
    ///
    /// # Errors
    ///
    /// Kind `Closed` or `Unavailable` when the store does not answer. What an issuer fails with stands in the report.
    pub fn sweep(&self) -> Result<SweepReport, Error> {
        self.0.core.sweep(&Stopped::never())
    }

    /// Gives the secrets whose next step has to wait without anything to record about it, and why.
    #[must_use]
    pub fn waiting(&self) -> Vec<(SecretId, Reason)> {
        self.0.core.later.all()
    }

    /// Tells whether somebody has said that it is to stop.
    #[cfg(test)]
    pub(super) fn is_stopping(&self) -> bool {
        self.0.threads.lock().is_none()
    }

    /// Looks once what is due, and gives it back: those that need nobody outside, and how many others.
    #[cfg(test)]
    pub(super) fn look(&self) -> (Vec<SecretId>, usize) {
        let due = self.0.core.due();
        (due.here.iter().map(|taken| taken.secret).collect(), due.elsewhere.len())
    }

    /// Ends the worker's threads: waits until each has done the step that it is at, and rotations that are asked for are
    /// answered; what else is due is left. Calls that were given up are left behind.
    pub fn stop(&self) {
        self.0.stop();
    }
}

impl Running {
    fn stop(&self) {
        let Some(Started { stop, handles }) = self.threads.lock().take() else { return };
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
        Ok(Self { stop, handles })
    }
}

impl Core {
    /// Rotates secrets whose data the store makes itself; gives how many steps that were. After an error the rest is left.
    fn rotate_all(&self, secrets: Vec<Taken>) -> Result<u64, Error> {
        let never = Stopped::never();
        let mut flight = Flight::of(self, &never);
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

    /// Does what is due for a secret, a few steps in a row; gives how many.
    fn work_on(&self, secret: SecretId, stopped: &Stopped) -> Result<u64, Error> {
        let mut steps = 0;
        for _ in 0..STEPS_IN_A_ROW {
            if stopped.is_told() {
                return Ok(steps);
            }
            match self.step(secret) {
                Ok(Progress::Moved) => {
                    self.later.forget(secret);
                    steps += 1;
                }
                Ok(Progress::Nothing) => return Ok(steps),
                Err(halt) => return self.halt(secret, halt).map(|()| steps),
            }
        }
        self.tire(secret)?;
        Ok(steps)
    }

    /// Puts a secret off that has had all its steps in a row: whatever goes round in a circle does not do so at full speed.
    pub(super) fn tire(&self, secret: SecretId) -> Result<(), Error> {
        let reason = Reason::of("it takes more steps than it should; going on later");
        self.later.put_off(secret, self.store.0.now(), Self::chance()?, reason);
        Ok(())
    }

    /// Sees to it that a secret whose step could not be done waits; gives the error of a store that fails.
    pub(super) fn halt(&self, secret: SecretId, halt: Halt) -> Result<(), Error> {
        let now = self.store.0.now();
        match halt {
            Halt::Store(error) if error.refusal().is_some() => {
                let reason = super::steps::worded(&error);
                self.later.put_off(secret, now, Self::chance()?, reason);
                Ok(())
            }
            Halt::Store(error) => {
                self.later.put_off(secret, now, Self::chance()?, super::steps::worded(&error));
                Err(error)
            }
            Halt::Later(reason) => {
                self.later.put_off(secret, now, Self::chance()?, reason);
                Ok(())
            }
            Halt::Busy => {
                let reason = Reason::of("the issuer has as many calls out as it may; waiting for its turn");
                self.later.pause(secret, now, Duration::from_secs(1), reason);
                Ok(())
            }
            #[cfg(test)]
            Halt::Interrupted => Err(Error::internal("interrupted")),
        }
    }

    /// Draws what spreads pauses.
    pub(super) fn chance() -> Result<u16, Error> {
        Ok(u16::from_be_bytes(random::array()?))
    }
}

impl fmt::Debug for RotationWorker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RotationWorker").field("options", &self.0.core.options).finish_non_exhaustive()
    }
}
