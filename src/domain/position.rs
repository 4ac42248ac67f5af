//! Owns the counts that order things: places in the log, revisions of a secret, numbers of versions.
//!
//! Each is a type of its own, so that none is taken for another. Read next: [`super::record`].

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! count {
    ($(#[$meta:meta])* $name:ident, $first:literal) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(u64);

        impl $name {
            /// The first one.
            pub const FIRST: Self = Self($first);

            /// Wraps a number.
            #[must_use]
            pub const fn new(number: u64) -> Self {
                Self(number)
            }

            /// Gives the number.
            #[must_use]
            pub const fn get(self) -> u64 {
                self.0
            }

            /// Gives the one after this.
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0.saturating_add(1))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

count!(
    /// A place in the log: 0 for the first record, without gaps. Also used for the size of a log, which is the position
    /// of the next record.
    Position, 0
);
count!(
    /// How many events a secret has had: 1 after its creation. What optimistic concurrency compares.
    Revision, 1
);
count!(
    /// The number of a version within its secret, from 1.
    VersionNumber, 1
);
count!(
    /// How often the store was opened for writing; each record names the opening that wrote it.
    WriterEpoch, 1
);
