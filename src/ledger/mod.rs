//! The bytes of the log and the proofs over them: pure functions that an auditor can run without a store.
//!
//! They know no disk, clock or thread, and do not read bodies. Read in this order: [`RecordHeader`] and [`RawRecord`]
//! (what a record is), [`ChainEnd`] and [`ChainVerifier`] (each record binds those before it), [`Frontier`] (the tree
//! over all of them), [`InclusionProof`] and [`ConsistencyProof`] (short proofs from the tree), [`Note`] and
//! [`SignedCheckpoint`] (what the log signs), [`WitnessKey`] and [`WitnessPolicy`] (who signs it too), [`EventProof`]
//! (all of it for one event, as text).

#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects, clippy::as_conversions))]

pub(crate) mod accepted_restore;
mod chain;
mod chain_verifier;
mod checkpoint;
mod consistency;
mod cursor;
mod event_proof;
mod fault;
#[cfg(test)]
mod golden;
mod hash;
mod header;
mod inclusion;
mod note;
mod proof;
mod record;
mod signer;
mod tree;
mod witness;
mod witness_policy;

pub(crate) use chain::CLOCK_REBASED;
pub use chain::{ChainEnd, NewRecord};
pub use chain_verifier::ChainVerifier;
pub(crate) use chain_verifier::HashedRecord;
pub use checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint, origin};
pub use consistency::ConsistencyProof;
pub use event_proof::{EVENT_PROOF_BYTES_MAX, EXTRA_BYTES_MAX, EventProof, EventProofError};
pub use fault::{ChainFault, ChainFaultKind, FrameError, HeaderError, RecordError};
pub use hash::{BodyHash, ContextHash, Head, TreeHash, body_hash, context_hash, genesis, head};
pub use header::{BODY_BYTES_MAX, CONTEXT_BYTES_MAX, Erasure, HEADER_BYTES, RecordHeader, SALT_BYTES, Subject};
pub use inclusion::InclusionProof;
pub use note::{NOTE_BYTES_MAX, NOTE_SIGNATURES_MAX, Note, NoteError, NoteSignature};
pub use proof::{PROOF_HASHES_MAX, ProofError, TreeHashes};
pub use record::{Frames, RawRecord, frames};
pub use signer::{KeyId, NoteSigner, SIGNER_NAME_BYTES_MAX, VerifierKey};
pub use tree::{FRONTIER_HASHES_MAX, Frontier, Subtree, TreeError, TreeHead, leaf, node};
pub use witness::{Cosignature, WitnessKey};
pub use witness_policy::{POLICY_BYTES_MAX, WitnessPolicy};
