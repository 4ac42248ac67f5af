//! Owns the number of the epoch key that wraps a data key.
//!
//! Numbers never decrease and are never reused: a retired epoch stays retired. Read next: [`super::wrapped_key`].

use std::fmt;

/// The number of an epoch key, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct KeyEpoch(u32);

impl KeyEpoch {
    /// The first one.
    pub(crate) const FIRST: Self = Self(1);

    /// Wraps a number.
    pub(crate) const fn new(number: u32) -> Self {
        Self(number)
    }

    /// Returns the number.
    pub(crate) const fn get(self) -> u32 {
        self.0
    }

    /// Returns the next number; `None` after the last.
    pub(crate) const fn next(self) -> Option<Self> {
        match self.0.checked_add(1) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }
}

impl fmt::Display for KeyEpoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
