//! Owns the sealed stream: a backup as one file of chunks, each sealed and bound to its place and to the end.
//!
//! *Construction.* After STREAM (Hoang, Reyhanitabar, Rogaway and Vizár, "Online Authenticated-Encryption and its
//! Nonce-Reuse Misuse-Resistance", CRYPTO 2015). [`super::cipher`] seals each chunk under one file key, bound to the
//! header, to the number of the chunk and to whether it is the last. So a chunk that was changed, left out, repeated,
//! moved, or taken from another file is detected. So is a file that ends too early or continues too long. *Keys.* The
//! file key is random and fresh for each file. It is wrapped in a key slot ([`super::slot`]) that is bound to the
//! file's id, never to a store's. So a slot copied from a backup cannot open a store, even if both use the same key
//! file.
//!
//! A file, byte by byte, numbers big-endian:
//!
//! | Offset | Size | Field |
//! |---|---|---|
//! | 0 | 4 | magic `LKBK` |
//! | 4 | 2 | version, 1 |
//! | 6 | 2 | length n of the key slot |
//! | 8 | 16 | id of the file, random |
//! | 24 | n | key slot, number 0; it holds the file key, and is bound to the id of the file in place of a store's |
//! | 24 + n | 32 | checksum: BLAKE3 (`derive_key`, context below) of all bytes before it |
//! | 56 + n | | chunks of 65,608 bytes: nonce 24, commitment 32, 65,536 bytes encrypted, tag 16; the last one may be shorter |
//!
//! Associated data of a chunk, 41 bytes: the checksum, the number of the chunk from 0 (8), whether it is the last (1, 0
//! or 1). The salt of the cipher is the id of the file. `codec` defines what the chunks contain together.

use std::io::{self, Read, Write};

use super::cipher::{Cipher, OVERHEAD_BYTES};
use super::error::SealError;
use super::passphrase::PassphraseCost;
use super::random;
use super::sealing_key::RootKey;
use super::slots::Slots;
use super::unlock::Unlock;
use crate::domain::id::LogId;
use crate::domain::settings::KeySlotKind;

/// Bytes of content in a chunk.
pub(crate) const CHUNK_BYTES: usize = 64 * 1_024;

const SEALED_CHUNK_BYTES: usize = CHUNK_BYTES + OVERHEAD_BYTES;
const MAGIC: [u8; 4] = *b"LKBK";
const VERSION: u16 = 1;
const HEAD_BYTES: usize = 24;
const SLOT_BYTES_MAX: usize = 8 * 1_024;
const CHECKSUM_CONTEXT: &str = "latchkeep 2026-11-23 seal v1 backup header checksum";
const CHUNK_CONTEXT: &str = "latchkeep 2026-11-23 seal v1 backup chunk under file key";

/// The reason why a sealed stream cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StreamError {
    /// The input or the output failed.
    #[error("the file cannot be read or written: {0}")]
    Io(#[from] io::Error),
    /// It is not a backup.
    #[error("this is no backup of Latchkeep: it does not begin as one")]
    NotABackup,
    /// A later release made it.
    #[error("the backup has version {0}, which this release does not know; use the release that made it")]
    Version(u16),
    /// Its header is damaged.
    #[error("the header of the backup is damaged or cut off; use another copy")]
    Header,
    /// It was made with another key.
    #[error("the backup does not open with this {}; bring the one that it was made with", .0.words())]
    OtherKey(KeySlotKind),
    /// The key cannot be used at all.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// A chunk is damaged, or not in its place.
    #[error("chunk {0} of the backup is damaged, cut short or out of place; use another copy")]
    Chunk(u64),
    /// The file ends between two chunks.
    #[error("the backup is cut off after chunk {0}; use another copy")]
    Cut(u64),
    /// The file continues after its last chunk.
    #[error("something follows the last chunk of the backup, number {0}; use another copy")]
    Surplus(u64),
}

/// Seals the bytes that are written to it.
pub(crate) struct StreamSealer<W> {
    out: W,
    cipher: Cipher,
    header: [u8; 32],
    number: u64,
    held: Vec<u8>,
    sealed: Vec<u8>,
}

impl<W: Write> StreamSealer<W> {
    /// Makes a file key, and writes the header. `cost` is used for passphrases only.
    ///
    /// # Errors
    ///
    /// [`StreamError::Io`], [`StreamError::Seal`].
    pub(crate) fn begin(mut out: W, unlock: &Unlock, cost: PassphraseCost) -> Result<Self, StreamError> {
        let (id, file_key) = (random::array()?, RootKey::random()?);
        let (_, slot) = Slots::new(LogId::from_bytes(id)).add(&file_key, unlock, cost)?;
        let length = u16::try_from(slot.len()).map_err(|_| StreamError::Header)?;
        let mut start = [&MAGIC, &VERSION.to_be_bytes()[..], &length.to_be_bytes(), &id, &slot].concat();
        let header = checksum(&start);
        start.extend_from_slice(&header);
        out.write_all(&start)?;
        let held = Vec::with_capacity(CHUNK_BYTES);
        Ok(Self { out, cipher: cipher(&file_key, &id), header, number: 0, held, sealed: Vec::new() })
    }

    /// Adds bytes.
    ///
    /// # Errors
    ///
    /// [`StreamError::Io`], [`StreamError::Seal`].
    pub(crate) fn write(&mut self, mut bytes: &[u8]) -> Result<(), StreamError> {
        while !bytes.is_empty() {
            if self.held.len() >= CHUNK_BYTES {
                self.seal(Last::No)?;
            }
            let room = CHUNK_BYTES.saturating_sub(self.held.len()).min(bytes.len());
            let (now, later) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
            self.held.extend_from_slice(now);
            bytes = later;
        }
        Ok(())
    }

    /// Writes the last chunk, and flushes.
    ///
    /// # Errors
    ///
    /// [`StreamError::Io`], [`StreamError::Seal`].
    pub(crate) fn finish(mut self) -> Result<W, StreamError> {
        self.seal(Last::Yes)?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn seal(&mut self, last: Last) -> Result<(), StreamError> {
        self.sealed.clear();
        let bound_to = bound_to(&self.header, self.number, last);
        let sealed = self.cipher.seal(&random::array()?, &bound_to, &self.held, &mut self.sealed);
        sealed.ok_or(StreamError::Chunk(self.number))?;
        self.out.write_all(&self.sealed)?;
        self.held.clear();
        self.number = self.number.saturating_add(1);
        Ok(())
    }
}

/// Opens a sealed stream chunk by chunk.
pub(crate) struct StreamOpener<R> {
    input: R,
    cipher: Cipher,
    header: [u8; 32],
    number: u64,
    /// Sealed bytes that were read already: the first one of the next chunk.
    begun: Vec<u8>,
    opened: Vec<u8>,
    /// How much of the opened chunk was handed out.
    taken: usize,
    is_over: bool,
}

impl<R: Read> StreamOpener<R> {
    /// Reads the header, and opens the file key.
    ///
    /// # Errors
    ///
    /// [`StreamError`], except those about chunks.
    pub(crate) fn begin(mut input: R, unlock: &Unlock) -> Result<Self, StreamError> {
        let mut head = read_up_to(&mut input, HEAD_BYTES)?;
        let ([magic, [v0, v1, n0, n1]], id) = head
            .first_chunk::<HEAD_BYTES>()
            .and_then(|head| head.split_first_chunk::<8>())
            .and_then(|(words, id)| Some((<[[u8; 4]; 2]>::try_from(words.as_chunks::<4>().0).ok()?, id)))
            .ok_or(StreamError::NotABackup)?;
        if magic != MAGIC {
            return Err(StreamError::NotABackup);
        }
        match u16::from_be_bytes([v0, v1]) {
            VERSION => {}
            version => return Err(StreamError::Version(version)),
        }
        let id = <[u8; 16]>::try_from(id).map_err(|_| StreamError::Header)?;
        let length = usize::from(u16::from_be_bytes([n0, n1])).min(SLOT_BYTES_MAX);
        let slot = read_up_to(&mut input, length)?;
        head.extend_from_slice(&slot);
        let header = checksum(&head);
        if read_up_to(&mut input, header.len())? != header {
            return Err(StreamError::Header);
        }
        let store = LogId::from_bytes(id);
        let (file_key, _) = Slots::decode(store, [(0, slot.as_slice())]).open(unlock).map_err(|error| match error {
            SealError::WrongKey(kind) | SealError::NoSlotOfKind(kind) => StreamError::OtherKey(kind),
            SealError::SlotDamaged { .. } => StreamError::Header,
            error => StreamError::Seal(error),
        })?;
        let (begun, opened) = (Vec::with_capacity(SEALED_CHUNK_BYTES.saturating_add(1)), Vec::new());
        Ok(Self { input, cipher: cipher(&file_key, &id), header, number: 0, begun, opened, taken: 0, is_over: false })
    }

    /// Returns the header's checksum, which identifies the file.
    pub(crate) const fn header(&self) -> &[u8; 32] {
        &self.header
    }

    /// Appends exactly `count` bytes to `into`.
    ///
    /// # Errors
    ///
    /// [`StreamError`] about a chunk; [`StreamError::Cut`] when the stream ends before.
    pub(crate) fn read(&mut self, mut count: usize, into: &mut Vec<u8>) -> Result<(), StreamError> {
        while count > 0 {
            if self.taken >= self.opened.len() && !self.next_chunk()? {
                return Err(StreamError::Cut(self.number.saturating_sub(1)));
            }
            let left = self.opened.get(self.taken..).unwrap_or_default();
            let now = left.get(..count.min(left.len())).unwrap_or_default();
            into.extend_from_slice(now);
            count = count.saturating_sub(now.len());
            self.taken = self.taken.saturating_add(now.len());
        }
        Ok(())
    }

    /// Returns whether everything was read, and nothing follows.
    ///
    /// # Errors
    ///
    /// [`StreamError`] about a chunk.
    pub(crate) fn is_at_end(&mut self) -> Result<bool, StreamError> {
        while self.taken >= self.opened.len() {
            if !self.next_chunk()? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Returns the number of chunks opened so far.
    pub(crate) const fn chunks(&self) -> u64 {
        self.number
    }

    /// Opens the next chunk; returns false when the last one was already open.
    fn next_chunk(&mut self) -> Result<bool, StreamError> {
        if self.is_over {
            return Ok(false);
        }
        // One byte more shows whether another chunk follows.
        let missing = SEALED_CHUNK_BYTES.saturating_add(1).saturating_sub(self.begun.len());
        let limit = u64::try_from(missing).unwrap_or(u64::MAX);
        self.input.by_ref().take(limit).read_to_end(&mut self.begun)?;
        let next = self.begun.split_off(SEALED_CHUNK_BYTES.min(self.begun.len()));
        let last = if next.is_empty() { Last::Yes } else { Last::No };
        let sealed = std::mem::replace(&mut self.begun, next);
        if !self.open(&sealed, last) {
            return Err(match (last, self.open(&sealed, last.other())) {
                (Last::Yes, true) => StreamError::Cut(self.number),
                (Last::No, true) => StreamError::Surplus(self.number),
                (_, false) => StreamError::Chunk(self.number),
            });
        }
        (self.taken, self.is_over) = (0, last == Last::Yes);
        self.number = self.number.saturating_add(1);
        Ok(true)
    }

    fn open(&mut self, sealed: &[u8], last: Last) -> bool {
        self.opened.clear();
        self.opened.resize(Cipher::opened_len(sealed).unwrap_or(0), 0);
        self.cipher.open(&bound_to(&self.header, self.number, last), sealed, &mut self.opened).is_ok()
    }
}

/// Whether a chunk is the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    No,
    Yes,
}

impl Last {
    const fn other(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Yes => Self::No,
        }
    }
}

fn cipher(file_key: &RootKey, id: &[u8; 16]) -> Cipher {
    Cipher::derive(CHUNK_CONTEXT, file_key.expose(), id)
}

fn checksum(head: &[u8]) -> [u8; 32] {
    blake3::derive_key(CHECKSUM_CONTEXT, head)
}

fn bound_to(header: &[u8; 32], number: u64, last: Last) -> Vec<u8> {
    [header.as_slice(), &number.to_be_bytes(), &[u8::from(last == Last::Yes)]].concat()
}

fn read_up_to(input: &mut impl Read, bytes: usize) -> Result<Vec<u8>, StreamError> {
    let mut read = Vec::with_capacity(bytes);
    input.by_ref().take(u64::try_from(bytes).unwrap_or(u64::MAX)).read_to_end(&mut read)?;
    Ok(read)
}

#[cfg(test)]
mod tests;
