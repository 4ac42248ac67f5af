//! Owns writing entries into a sealed stream, and reading them from it.
//!
//! Read next: [`crate::codec::backup`], for their bytes, and [`crate::seal::stream`], for those of the file.

use std::io::{Read, Write};

use crate::codec::backup::{Entry, HEAD_BYTES, decode_head, encode_head};
use crate::error::Error;
use crate::seal::passphrase::PassphraseCost;
use crate::seal::stream::{CHUNK_BYTES, StreamOpener, StreamSealer};
use crate::seal::unlock::Unlock;

/// Bytes that are allocated before they were read.
const READ_AT_ONCE: usize = 256 * 1_024;

/// Writes entries.
pub(in crate::engine) struct EntryWriter<W>(StreamSealer<W>);

impl<W: Write> EntryWriter<W> {
    pub(in crate::engine) fn begin(out: W, key: &Unlock, cost: PassphraseCost) -> Result<Self, Error> {
        Ok(Self(StreamSealer::begin(out, key, cost)?))
    }

    pub(in crate::engine) fn put(&mut self, row_key: &[u8], value: &[u8]) -> Result<(), Error> {
        self.0.write(&encode_head(row_key, value)?)?;
        Ok(self.0.write(value)?)
    }

    pub(in crate::engine) fn finish(self) -> Result<W, Error> {
        Ok(self.0.finish()?)
    }
}

/// Reads entries.
pub(in crate::engine) struct EntryReader<R> {
    stream: StreamOpener<R>,
    head: Vec<u8>,
    row_key: Vec<u8>,
    value: Vec<u8>,
}

impl<R: Read> EntryReader<R> {
    pub(in crate::engine) fn begin(input: R, key: &Unlock) -> Result<Self, Error> {
        let stream = StreamOpener::begin(input, key)?;
        Ok(Self { stream, head: Vec::new(), row_key: Vec::new(), value: Vec::new() })
    }

    /// Returns the header, which identifies the file.
    pub(in crate::engine) const fn header(&self) -> &[u8; 32] {
        self.stream.header()
    }

    /// Returns roughly how many bytes of the file were read.
    pub(in crate::engine) fn bytes(&self) -> u64 {
        self.stream.chunks().saturating_mul(u64::try_from(CHUNK_BYTES).unwrap_or(u64::MAX))
    }

    /// Reads the next entry; `None` at the end of the file.
    pub(in crate::engine) fn next(&mut self) -> Result<Option<(Entry, &[u8])>, Error> {
        if self.stream.is_at_end()? {
            return Ok(None);
        }
        [&mut self.head, &mut self.row_key, &mut self.value].into_iter().for_each(Vec::clear);
        self.stream.read(HEAD_BYTES, &mut self.head)?;
        let (row_key, mut left) = decode_head(&self.head)?;
        self.stream.read(row_key, &mut self.row_key)?;
        while left > 0 {
            let now = left.min(READ_AT_ONCE);
            self.stream.read(now, &mut self.value)?;
            left = left.saturating_sub(now);
        }
        Ok(Some((Entry::parse(&self.row_key)?, &self.value)))
    }
}
