//! Owns the storage that fails on demand, for tests of the modules above.
//!
//! It wraps another storage and keeps the contract: after a fault that may have written, it is poisoned. Read next:
//! [`super::rows`].

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Condvar, Mutex};

use super::batch::Batch;
use super::error::StorageError;
use super::rows::{AnchorMark, Direction, KeyRange, Room, Storage, Visit};

/// How a commit fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It fails and nothing was written. Poisons.
    Before,
    /// It fails although everything was written. Poisons.
    After,
    /// It returns only after [`Faulty::release`], and then as if nothing had happened.
    Hang,
    /// It panics, and nothing was written.
    Panic,
    /// The disk is full, and nothing was written. Does not poison.
    NoSpace,
    /// The batch is larger than it may be, and nothing was written. Does not poison.
    TooLarge,
    /// An expectation of the batch does not hold, and nothing was written. Does not poison.
    Condition,
}

/// A storage that fails as planned.
pub(crate) struct Faulty {
    inner: Arc<dyn Storage>,
    /// The commits that fail, by number from 0, and how.
    faults: Mutex<Vec<(u64, Fault)>>,
    commits: AtomicU64,
    poison: OnceLock<String>,
    gate: Gate,
}

impl Faulty {
    /// Wraps a storage; without a planned fault, it behaves like the wrapped one.
    pub(crate) fn new(inner: Arc<dyn Storage>) -> Self {
        let (faults, commits) = (Mutex::default(), AtomicU64::new(0));
        Self { inner, faults, commits, poison: OnceLock::new(), gate: Gate::default() }
    }

    /// Plans a fault for the commit after the next `commits` commits. Batches without rows and anchors count too.
    pub(crate) fn plan(&self, commits: u64, fault: Fault) {
        let number = self.commits.load(Ordering::SeqCst) + commits;
        self.faults.lock().push((number, fault));
    }

    /// Waits until a commit hangs.
    pub(crate) fn wait_for_hang(&self) {
        self.gate.wait_for_hang();
    }

    /// Lets the commit that hangs, or the next one that would, continue.
    pub(crate) fn release(&self) {
        self.gate.release();
    }

    fn run(&self, write: impl FnOnce() -> Result<(), StorageError>) -> Result<(), StorageError> {
        let number = self.commits.fetch_add(1, Ordering::SeqCst);
        let planned = self.faults.lock().iter().find(|(at, _)| *at == number).map(|(_, fault)| *fault);
        if let Some(why) = self.poison.get() {
            return Err(StorageError::Poisoned { why: why.clone() });
        }
        match planned {
            None => write(),
            Some(Fault::Before) => Err(self.poisoned()),
            Some(Fault::After) => write().and_then(|()| Err(self.poisoned())),
            Some(Fault::Hang) => {
                self.gate.hang();
                write()
            }
            Some(Fault::Panic) => panic!("a planned panic in commit {number}"),
            Some(Fault::NoSpace) => Err(StorageError::NoSpace { free_bytes: 0, wanted_bytes: 1 }),
            Some(Fault::TooLarge) => Err(StorageError::TooLarge { what: "a batch", bytes: 2, bytes_max: 1 }),
            Some(Fault::Condition) => Err(StorageError::Condition { number: 0 }),
        }
    }

    fn poisoned(&self) -> StorageError {
        let source = std::io::Error::other("a planned fault");
        let err = StorageError::io("sync", std::path::Path::new("rows"), source);
        drop(self.poison.set(err.to_string()));
        err
    }
}

impl Storage for Faulty {
    fn get(&self, row_key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        self.inner.get(row_key)
    }

    fn scan(&self, range: &KeyRange, direction: Direction, visit: &mut Visit<'_>) -> Result<(), StorageError> {
        self.inner.scan(range, direction, visit)
    }

    fn commit(&self, batch: &Batch) -> Result<(), StorageError> {
        self.run(|| self.inner.commit(batch))
    }

    fn anchor(&self) -> Option<AnchorMark> {
        self.inner.anchor()
    }

    fn write_anchor(&self, mark: AnchorMark) -> Result<(), StorageError> {
        self.run(|| self.inner.write_anchor(mark))
    }

    fn room(&self) -> Result<Room, StorageError> {
        self.inner.room()
    }

    fn size_bytes(&self) -> Result<u64, StorageError> {
        self.inner.size_bytes()
    }

    fn close(&self) -> Result<(), StorageError> {
        self.inner.close()
    }
}

/// Where a commit waits, and where a test waits for it.
#[derive(Default)]
struct Gate {
    state: Mutex<GateState>,
    changed: Condvar,
}

#[derive(Default)]
struct GateState {
    hanging: bool,
    released: bool,
}

impl Gate {
    fn hang(&self) {
        let mut state = self.state.lock();
        state.hanging = true;
        self.changed.notify_all();
        self.changed.wait_while(&mut state, |state| !state.released);
        *state = GateState::default();
    }

    fn wait_for_hang(&self) {
        self.changed.wait_while(&mut self.state.lock(), |state| !state.hanging);
    }

    fn release(&self) {
        self.state.lock().released = true;
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::super::memory::Memory;
    use super::*;

    fn faulty(fault: Fault) -> Faulty {
        let faulty = Faulty::new(Arc::new(Memory::new()));
        faulty.plan(1, fault);
        commit(&faulty, b"first").unwrap();
        faulty
    }

    fn commit(storage: &dyn Storage, row_key: &[u8]) -> Result<(), StorageError> {
        let mut batch = Batch::new();
        batch.put(row_key, b"v")?;
        storage.commit(&batch)
    }

    #[test]
    fn a_fault_before_or_after_poisons_and_only_the_latter_writes() {
        for (fault, is_written) in [(Fault::Before, false), (Fault::After, true)] {
            let storage = faulty(fault);
            assert!(matches!(commit(&storage, b"second"), Err(StorageError::Io { .. })));
            assert!(matches!(commit(&storage, b"third"), Err(StorageError::Poisoned { .. })));
            assert_eq!(storage.get(b"second").unwrap().is_some(), is_written, "{fault:?}");
            assert!(storage.get(b"third").unwrap().is_none());
        }
    }

    #[test]
    fn a_full_disk_does_not_poison() {
        let storage = faulty(Fault::NoSpace);
        assert!(matches!(commit(&storage, b"second"), Err(StorageError::NoSpace { .. })));
        assert!(storage.get(b"second").unwrap().is_none());
        commit(&storage, b"second").unwrap();
    }

    #[test]
    fn a_hang_lasts_until_it_is_released() {
        let storage = faulty(Fault::Hang);
        std::thread::scope(|scope| {
            let hung = scope.spawn(|| commit(&storage, b"second"));
            storage.wait_for_hang();
            assert!(storage.get(b"second").unwrap().is_none());
            storage.release();
            hung.join().unwrap().unwrap();
        });
        assert!(storage.get(b"second").unwrap().is_some());
    }

    #[test]
    fn a_panic_writes_nothing() {
        let storage = faulty(Fault::Panic);
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| commit(&storage, b"second")));
        assert!(panicked.is_err());
        assert!(storage.get(b"second").unwrap().is_none());
    }
}
