//! Owns the clock: the one place that asks the system for the time.
//!
//! Read next: [`super::writer`], which never lets recorded time run back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::domain::time::Timestamp;

/// Tells the time. A host may bring its own; tests do.
pub trait Clock: Send + Sync + 'static {
    /// Gives the time now.
    fn now(&self) -> Timestamp;
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
}

/// A clock that stands still until it is moved, or moves on at every look; clones show the same time.
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
    /// Nanoseconds by which each look moves it.
    per_look: u64,
}

impl ManualClock {
    /// Makes a clock that shows a time.
    #[must_use]
    pub fn at(time: Timestamp) -> Self {
        Self { nanos: Arc::new(AtomicU64::new(time.as_nanos())), per_look: 0 }
    }

    /// Moves it on by `step` after each look, as a real clock is never seen twice at the same time. A test that stands still
    /// between two looks misses what a host meets.
    #[must_use]
    pub fn moving(mut self, step: Duration) -> Self {
        self.per_look = u64::try_from(step.as_nanos()).unwrap_or(u64::MAX);
        self
    }

    /// Moves it on.
    pub fn advance(&self, length: Duration) {
        self.set(self.now().plus(length));
    }

    /// Sets it, also back.
    pub fn set(&self, time: Timestamp) {
        self.nanos.store(time.as_nanos(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_nanos(self.nanos.fetch_add(self.per_look, Ordering::SeqCst))
    }
}

/// Gives a moment that only measures how much later another one is.
#[expect(clippy::disallowed_methods, reason = "this is the home of the clock")]
pub(crate) fn monotonic() -> std::time::Instant {
    std::time::Instant::now()
}
