//! The imperative shell: it asks the pure core what is to happen, and makes it so, durably and in one order.
//!
//! One write: a caller seals its data and queues an order ([`queue`]); the writer ([`writer`]) stamps the time, asks
//! `decide`, places the events in the log, evolves its own snapshot and lets the group grow while the one before it is
//! made durable; the committer ([`committer`]) commits the group as one batch, publishes the snapshot, and answers. One
//! read: the published snapshot ([`snapshot`]) says where the data lies; the rows are read and unsealed in the
//! caller's thread.
//!
//! It must never decide anything itself, and never show what is not durable yet. Read next: [`snapshot`], [`writer`].

pub(crate) mod access;
pub(crate) mod clock;
pub(crate) mod committer;
pub(crate) mod draw;
pub(crate) mod group;
pub(crate) mod log;
pub(crate) mod poison;
pub(crate) mod queue;
pub(crate) mod reader;
pub(crate) mod replay;
pub(crate) mod recovery;
pub(crate) mod reply;
pub(crate) mod saved;
pub(crate) mod scrub;
pub(crate) mod snapshot;
pub(crate) mod threads;
pub(crate) mod writer;

use std::sync::Arc;

use parking_lot::RwLock;

use crate::domain::id::LogId;
use crate::seal::keyring::Keyring;
use crate::storage::Storage;

use access::AccessBuffer;
use clock::Clock;
use poison::Poison;
use snapshot::Published;

/// What the threads of an open store share.
pub(crate) struct Shared {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) log_id: LogId,
    pub(crate) published: Published,
    pub(crate) keyring: RwLock<Arc<Keyring>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) poison: Poison,
    pub(crate) access: AccessBuffer,
}

impl Shared {
    /// Gives the keys in force.
    pub(crate) fn keyring(&self) -> Arc<Keyring> {
        Arc::clone(&self.keyring.read())
    }
}
