//! Owns the clock: the only place that asks the system for the time, and the time that an open store goes by.
//!
//! [`crate::domain::clock`] decides whether a clock is believed. Read next: [`super::writer`], which never lets
//! recorded time go back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::domain::clock::{BELIEVED_FOR, BootTime, ClockBounds, ClockStanding, Judged, Seen, Told, judge};
use crate::domain::id::BootId;
use crate::domain::time::Timestamp;
use crate::storage::boot;

use super::sync::RwLock;

/// Tells the time. A host may supply its own; tests do.
pub trait Clock: Send + Sync + 'static {
    /// Returns the time now.
    fn now(&self) -> Timestamp;

    /// Returns how long the machine has run since its start, including sleep. The default is `None`: not known.
    ///
    /// This distinguishes a machine that slept from a clock that was set. Without it, every step ahead of the clock is
    /// believed while a store is open. It must advance like [`now`](Self::now) while no one sets that clock.
    fn since_boot(&self) -> Option<BootTime> {
        None
    }
}

/// The clock of the system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the home of the clock")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Timestamp::from_nanos(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
    }

    fn since_boot(&self) -> Option<BootTime> {
        let (boot_id, nanos) = boot::since_boot()?;
        Some(BootTime { boot_id: BootId::from_bytes(boot_id), nanos })
    }
}

/// A clock that shows the same time until it is moved, or that moves after every look. Clones share one time. It also
/// tells the time since the start of its machine: [`advance`](Self::advance) lets time pass, [`set`](Self::set) sets
/// the clock.
///
/// ```
/// use latchkeep::{Clock, ManualClock, Timestamp};
/// use std::time::Duration;
///
/// let clock = ManualClock::at(Timestamp::parse("2026-11-23T12:00:00Z")?);
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(clock.now().to_string(), "2026-11-23T12:01:00Z");
/// # Ok::<(), latchkeep::Invalid>(())
/// ```
#[derive(Clone, Debug)]
pub struct ManualClock {
    nanos: Arc<AtomicU64>,
    /// Nanoseconds since the start of its machine, which was in 1970 for every such clock, so that two clocks agree.
    since_boot: Arc<AtomicU64>,
    /// Nanoseconds that each look adds.
    per_look: u64,
}

impl ManualClock {
    /// Makes a clock that shows a time.
    #[must_use]
    pub fn at(time: Timestamp) -> Self {
        let [nanos, since_boot] = [(); 2].map(|()| Arc::new(AtomicU64::new(time.as_nanos())));
        Self { nanos, since_boot, per_look: 0 }
    }

    /// Moves the clock by `step` after each look, as a real clock never shows the same time twice. A test whose time is
    /// the same at two looks misses what happens in a host.
    #[must_use]
    pub fn moving(mut self, step: Duration) -> Self {
        self.per_look = u64::try_from(step.as_nanos()).unwrap_or(u64::MAX);
        self
    }

    /// Lets time pass.
    pub fn advance(&self, length: Duration) {
        let nanos = u64::try_from(length.as_nanos()).unwrap_or(u64::MAX);
        for passing in [&self.since_boot, &self.nanos] {
            passing.store(passing.load(Ordering::SeqCst).saturating_add(nanos), Ordering::SeqCst);
        }
    }

    /// Sets the clock, ahead or back, while no time passes. An open store believes no step ahead of more than
    /// [`ClockBounds::ahead_while_open`].
    pub fn set(&self, time: Timestamp) {
        self.nanos.store(time.as_nanos(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.since_boot.fetch_add(self.per_look, Ordering::SeqCst);
        Timestamp::from_nanos(self.nanos.fetch_add(self.per_look, Ordering::SeqCst))
    }

    fn since_boot(&self) -> Option<BootTime> {
        Some(BootTime { boot_id: BootId::from_bytes([0; 16]), nanos: self.since_boot.load(Ordering::SeqCst) })
    }
}

/// The clock of an open store, and whether it is believed.
pub(crate) struct StoreClock {
    clock: Arc<dyn Clock>,
    bounds: ClockBounds,
    /// What the clock showed when it was last believed.
    believed: RwLock<Option<Seen>>,
}

impl StoreClock {
    pub(crate) fn new(clock: Arc<dyn Clock>, bounds: ClockBounds) -> Self {
        Self { clock, bounds, believed: RwLock::new(None) }
    }

    /// Looks at the clock, and judges it by what the log says about time.
    pub(crate) fn look(&self, told: Told) -> Judged {
        let believed = *self.believed.read();
        let seen = Seen { wall: self.clock.now(), boot: self.clock.since_boot() };
        let judged = judge(seen, believed, told, self.bounds);
        let is_old = |then: Seen| seen.wall < then.wall || seen.wall.since(then.wall) >= BELIEVED_FOR;
        // Later looks are judged against a clock that is behind too: next it may show the right time, or years ahead.
        let is_ahead = matches!(judged.standing, ClockStanding::Ahead(_));
        if !is_ahead && believed.is_none_or(is_old) {
            self.believe(seen);
        }
        judged
    }

    /// Returns how long the machine has run since its start, if that is known.
    pub(crate) fn since_boot(&self) -> Option<BootTime> {
        self.clock.since_boot()
    }

    /// Believes the time that the clock shows.
    pub(crate) fn believe(&self, seen: Seen) {
        *self.believed.write() = Some(seen);
    }
}

/// Returns a moment that is only good to measure the distance to another one.
#[expect(clippy::disallowed_methods, reason = "this is the home of the clock")]
pub(crate) fn monotonic() -> std::time::Instant {
    std::time::Instant::now()
}
