//! Owns locks and conditions with the interface of `parking_lot`, plain or scheduled by shuttle.
//!
//! Read next: [`super::channel`].

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::PoisonError;
use std::time::Instant;

use super::is_scheduled;

/// Like that of `parking_lot`: a panic while it is locked does not poison it.
pub(crate) enum Mutex<T> {
    Plain(parking_lot::Mutex<T>),
    Scheduled(shuttle::sync::Mutex<T>),
}

pub(crate) enum MutexGuard<'a, T> {
    Plain(parking_lot::MutexGuard<'a, T>),
    /// `None` only while it waits on a condition.
    Scheduled(Option<shuttle::sync::MutexGuard<'a, T>>),
}

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        if is_scheduled() {
            Self::Scheduled(shuttle::sync::Mutex::new(value))
        } else {
            Self::Plain(parking_lot::Mutex::new(value))
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        match self {
            Self::Plain(mutex) => MutexGuard::Plain(mutex.lock()),
            Self::Scheduled(mutex) => MutexGuard::Scheduled(Some(mutex.lock().unwrap_or_else(PoisonError::into_inner))),
        }
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T: fmt::Debug> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(mutex) => mutex.fmt(f),
            Self::Scheduled(mutex) => mutex.fmt(f),
        }
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        match self {
            Self::Plain(guard) => guard,
            Self::Scheduled(guard) => guard.as_ref().expect("it is held"),
        }
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        match self {
            Self::Plain(guard) => guard,
            Self::Scheduled(guard) => guard.as_mut().expect("it is held"),
        }
    }
}

#[derive(Debug)]
pub(crate) enum Condvar {
    Plain(parking_lot::Condvar),
    Scheduled(shuttle::sync::Condvar),
}

impl Condvar {
    pub(crate) fn new() -> Self {
        if is_scheduled() {
            Self::Scheduled(shuttle::sync::Condvar::new())
        } else {
            Self::Plain(parking_lot::Condvar::new())
        }
    }

    pub(crate) fn notify_all(&self) {
        match self {
            Self::Plain(condvar) => drop(condvar.notify_all()),
            Self::Scheduled(condvar) => condvar.notify_all(),
        }
    }

    pub(crate) fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
        match (self, guard) {
            (Self::Plain(condvar), MutexGuard::Plain(guard)) => condvar.wait(guard),
            (Self::Scheduled(condvar), MutexGuard::Scheduled(guard)) => {
                let held = guard.take().expect("it is held");
                *guard = Some(condvar.wait(held).unwrap_or_else(PoisonError::into_inner));
            }
            _ => panic!("a lock and a condition of two worlds"),
        }
    }

    /// In a schedule the moment never comes, so a signal that a thread misses shows as a deadlock.
    pub(crate) fn wait_until<T>(&self, guard: &mut MutexGuard<'_, T>, until: Instant) -> WaitedUntil {
        match (self, guard) {
            (Self::Plain(condvar), MutexGuard::Plain(guard)) => drop(condvar.wait_until(guard, until)),
            (condvar, guard) => condvar.wait(guard),
        }
        WaitedUntil
    }
}

/// Whether the moment came; no caller needs it.
pub(crate) struct WaitedUntil;

pub(crate) enum RwLock<T> {
    Plain(parking_lot::RwLock<T>),
    Scheduled(shuttle::sync::RwLock<T>),
}

pub(crate) enum ReadGuard<'a, T> {
    Plain(parking_lot::RwLockReadGuard<'a, T>),
    Scheduled(shuttle::sync::RwLockReadGuard<'a, T>),
}

pub(crate) enum WriteGuard<'a, T> {
    Plain(parking_lot::RwLockWriteGuard<'a, T>),
    Scheduled(shuttle::sync::RwLockWriteGuard<'a, T>),
}

impl<T> RwLock<T> {
    pub(crate) fn new(value: T) -> Self {
        if is_scheduled() {
            Self::Scheduled(shuttle::sync::RwLock::new(value))
        } else {
            Self::Plain(parking_lot::RwLock::new(value))
        }
    }

    pub(crate) fn read(&self) -> ReadGuard<'_, T> {
        match self {
            Self::Plain(lock) => ReadGuard::Plain(lock.read()),
            Self::Scheduled(lock) => ReadGuard::Scheduled(lock.read().unwrap_or_else(PoisonError::into_inner)),
        }
    }

    pub(crate) fn write(&self) -> WriteGuard<'_, T> {
        match self {
            Self::Plain(lock) => WriteGuard::Plain(lock.write()),
            Self::Scheduled(lock) => WriteGuard::Scheduled(lock.write().unwrap_or_else(PoisonError::into_inner)),
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(lock) => lock.fmt(f),
            Self::Scheduled(lock) => lock.fmt(f),
        }
    }
}

impl<T> Deref for ReadGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        match self {
            Self::Plain(guard) => guard,
            Self::Scheduled(guard) => guard,
        }
    }
}

impl<T> Deref for WriteGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        match self {
            Self::Plain(guard) => guard,
            Self::Scheduled(guard) => guard,
        }
    }
}

impl<T> DerefMut for WriteGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        match self {
            Self::Plain(guard) => guard,
            Self::Scheduled(guard) => guard,
        }
    }
}
