//! The least that durability takes: one append and one `fdatasync` per operation.

use std::fs::File;
use std::io::Write;
use std::path::Path;

/// A file that is appended to.
pub(crate) struct Bare(File);

impl Bare {
    /// Makes the file.
    pub(crate) fn create(dir: &Path) -> Self {
        let path = dir.join("bare");
        Self(File::options().create(true).append(true).open(path).expect("a file"))
    }

    /// Appends as many bytes as the record of a lock takes, and waits until they are durable.
    pub(crate) fn append(&mut self) {
        self.0.write_all(&[b'x'; RECORD_BYTES]).expect("an append");
        self.0.sync_data().expect("a sync");
    }
}

/// Bytes of the record of a placed lock, with its frame.
const RECORD_BYTES: usize = 330;
