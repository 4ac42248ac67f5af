//! Owns what can go wrong with keys and envelopes, told apart by what people have to do about it.
//!
//! It never holds secret bytes or what a person typed. Read next: [`super::keyring`], [`super::slots`].

use std::path::PathBuf;

use super::key_epoch::KeyEpoch;
use super::unlock::CallbackError;

use crate::domain::invalid::Invalid;
use crate::domain::settings::KeySlotKind;

/// Why something was not sealed, or did not open.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SealError {
    /// The system's source of randomness failed.
    #[error("the system gave no random bytes ({0}); nothing was sealed, try again")]
    Random(getrandom::Error),

    /// The system's source of randomness gives what cannot be random.
    #[error("what the system gave for random bytes is not random; nothing was made, look after the system's source")]
    NotRandom,

    /// Input of the caller breaks a rule.
    #[error(transparent)]
    Invalid(#[from] Invalid),

    /// Sealed data is no longer what was sealed, or lies where something else was sealed.
    #[error("sealed data is damaged or lies in another version's place; restore the store from a backup")]
    DataDamaged,

    /// Sealed data belongs to another data key.
    #[error("sealed data was sealed under another data key; restore the store from a backup")]
    OtherDataKey,

    /// Sealed data has a format that this release does not know.
    #[error("sealed data has format {0}, which this release does not know; open the store with a later release")]
    DataFormat(u8),

    /// What was sealed opened, but is not secret data.
    #[error("sealed data opened, but holds nothing that this release can read; open the store with a later release")]
    DataUnreadable,

    /// A wrapped key is no longer what was stored, or stands for another key.
    #[error("a wrapped {0} is damaged or stands in another's place; restore the store from a backup")]
    WrappedDamaged(&'static str),

    /// A wrapped key belongs to another wrapping key.
    #[error("a wrapped {0} was wrapped under another key than this store's; restore the store from a backup")]
    WrappedByOther(&'static str),

    /// A wrapped data key names an epoch that the keyring does not hold.
    #[error("key epoch {0} is not held by this store: it was retired too early, or its key is lost")]
    UnknownEpoch(KeyEpoch),

    /// The epoch in force cannot be retired.
    #[error("key epoch {0} is in force; roll to a new epoch before retiring it")]
    EpochInForce(KeyEpoch),

    /// The number of an epoch stands twice, or no number is left.
    #[error("key epoch {0} stands twice or is the last number; the keys of this store are inconsistent")]
    EpochNumber(KeyEpoch),

    /// A keyring needs an epoch key.
    #[error("the store holds no epoch key; restore it from a backup")]
    NoEpoch,

    /// A key slot is no longer what was stored.
    #[error(
        "key slot {slot} is damaged, and no other opens with this {}; use another key or a backup of the slots",
        kind.words()
    )]
    SlotDamaged {
        /// The slot.
        slot: u8,
        /// What was tried.
        kind: KeySlotKind,
    },

    /// No slot opens with what was given.
    #[error("no key slot opens with this {}; check that it is the right one for this store", .0.words())]
    WrongKey(KeySlotKind),

    /// There is no slot of the kind that was given.
    #[error("no key slot of this store takes a {}; open it with another kind of key", .0.words())]
    NoSlotOfKind(KeySlotKind),

    /// The kinds of slots that are left are of a later release.
    #[error("key slot {slot} is of kind {kind}, which this release does not know, and no other opens")]
    UnknownSlotKind {
        /// The slot.
        slot: u8,
        /// Its kind, as stored.
        kind: u8,
    },

    /// All slots are taken.
    #[error("all 8 key slots are taken; remove one before adding another")]
    SlotsFull,

    /// There is no such slot to remove.
    #[error("key slot {0} is empty")]
    SlotEmpty(u8),

    /// Removing the last slot that can be opened would lock everybody out for ever.
    #[error("key slot {0} is the last one that can be opened; add another before removing it")]
    LastSlot(u8),

    /// A key file cannot be used.
    #[error("key file {}: {problem}", path.display())]
    KeyFile {
        /// Where.
        path: PathBuf,
        /// What is wrong.
        #[source]
        problem: KeyFileProblem,
    },

    /// There was not enough memory to try a passphrase.
    #[error("a passphrase takes {kib} KiB of memory to try, which the system did not give")]
    PassphraseMemory {
        /// What it takes.
        kib: u32,
    },

    /// The host's key service failed.
    #[error("the key service of the host failed: {0}")]
    Callback(#[source] CallbackError),
}

/// What is wrong with a key file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyFileProblem {
    /// The system refused.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// It is a directory, a pipe or a device.
    #[error("is no regular file")]
    NotAFile,
    /// Others than its owner may read or write it.
    #[error("may be read or written by others than its owner (mode {0:03o}); run chmod 600 on it")]
    TooOpen(u32),
    /// It is something else.
    #[error("is no key file of Latchkeep: its first line is another")]
    NotAKeyFile,
    /// It was a key file.
    #[error("is a key file of Latchkeep, but damaged: its checksum does not fit; use a copy of it")]
    Damaged,
}
