//! Owns the errors of keys and envelopes, one for each action that a person has to take.
//!
//! It never contains secret bytes or text that a person typed. Read next: [`super::keyring`], [`super::slots`].

use std::path::PathBuf;

use super::key_epoch::KeyEpoch;
use super::unlock::CallbackError;

use crate::domain::invalid::Invalid;
use crate::domain::settings::KeySlotKind;

/// The reason why something was not sealed, or did not open.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SealError {
    /// The system's source of randomness failed.
    #[error("the system gave no random bytes ({0}); nothing was sealed, try again")]
    Random(getrandom::Error),

    /// The system's source of randomness returned bytes that cannot be random.
    #[error("what the system gave for random bytes is not random; nothing was made, look after the system's source")]
    NotRandom,

    /// An input of the caller breaks a rule.
    #[error(transparent)]
    Invalid(#[from] Invalid),

    /// Sealed data is damaged, or is in the place of other data.
    #[error("sealed data is damaged or lies in another version's place; restore the store from a backup")]
    DataDamaged,

    /// Sealed data belongs to another data key.
    #[error("sealed data was sealed under another data key; restore the store from a backup")]
    OtherDataKey,

    /// Sealed data has a format that this release does not know.
    #[error("sealed data has format {0}, which this release does not know; open the store with a later release")]
    DataFormat(u8),

    /// The opened bytes are not secret data.
    #[error("sealed data opened, but holds nothing that this release can read; open the store with a later release")]
    DataUnreadable,

    /// A wrapped key is damaged, or is in the place of another key.
    #[error("a wrapped {0} is damaged or stands in another's place; restore the store from a backup")]
    WrappedDamaged(&'static str),

    /// A wrapped key was wrapped by another key.
    #[error("a wrapped {0} was wrapped under another key than this store's; restore the store from a backup")]
    WrappedByOther(&'static str),

    /// A wrapped data key names an epoch that the keyring does not have.
    #[error("key epoch {0} is not held by this store: it was retired too early, or its key is lost")]
    UnknownEpoch(KeyEpoch),

    /// The epoch in force cannot be retired.
    #[error("key epoch {0} is in force; roll to a new epoch before retiring it")]
    EpochInForce(KeyEpoch),

    /// The number of an epoch occurs twice, or no number is left.
    #[error("key epoch {0} stands twice or is the last number; the keys of this store are inconsistent")]
    EpochNumber(KeyEpoch),

    /// A keyring needs an epoch key.
    #[error("the store holds no epoch key; restore it from a backup")]
    NoEpoch,

    /// A key slot is damaged.
    #[error(
        "key slot {slot} is damaged, and no other opens with this {}; use another key or a backup of the slots",
        kind.words()
    )]
    SlotDamaged {
        /// The slot.
        slot: u8,
        /// The kind of the given key.
        kind: KeySlotKind,
    },

    /// No slot opens with the given key.
    #[error("no key slot opens with this {}; check that it is the right one for this store", .0.words())]
    WrongKey(KeySlotKind),

    /// No slot has the kind of the given key.
    #[error("no key slot of this store takes a {}; open it with another kind of key", .0.words())]
    NoSlotOfKind(KeySlotKind),

    /// The remaining slots are of kinds that a later release brought.
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

    /// Removing the last usable slot would lock every user out forever.
    #[error("key slot {0} is the last one that can be opened; add another before removing it")]
    LastSlot(u8),

    /// A key file cannot be used.
    #[error("key file {}: {problem}", path.display())]
    KeyFile {
        /// The path.
        path: PathBuf,
        /// The problem.
        #[source]
        problem: KeyFileProblem,
    },

    /// There was not enough memory to try a passphrase.
    #[error("a passphrase takes {kib} KiB of memory to try, which the system did not give")]
    PassphraseMemory {
        /// The needed memory.
        kib: u32,
    },

    /// The host's key service failed.
    #[error("the key service of the host failed: {0}")]
    Callback(#[source] CallbackError),
}

/// The problem of a key file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyFileProblem {
    /// The system refused access.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// It is a directory, a pipe or a device.
    #[error("is no regular file")]
    NotAFile,
    /// Users other than its owner may read or write it.
    #[error("may be read or written by others than its owner (mode {0:03o}); run chmod 600 on it")]
    TooOpen(u32),
    /// It is not a key file.
    #[error("is no key file of Latchkeep: its first line is another")]
    NotAKeyFile,
    /// It was a key file, and is damaged.
    #[error("is a key file of Latchkeep, but damaged: its checksum does not fit; use a copy of it")]
    Damaged,
}
