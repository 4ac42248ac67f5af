//! Owns the requests of callers to the writer, and their bounded queue.
//!
//! Read next: [`super::writer`].

use std::sync::Arc;

use crate::domain::command::{Command, Terms};
use crate::domain::id::{DataKeyId, SecretId, VersionId};
use crate::error::Error;
use crate::seal::keyring::Keyring;

use super::reply::Reply;

/// A request to the writer.
#[derive(Debug)]
pub(crate) enum Request {
    /// A command to decide.
    Order(Box<Order>),
    /// Data keys that were wrapped anew. Changes no state and makes no record.
    Rewrap(Vec<Rewrapped>, Reply),
    /// No work. Answered once everything requested before is durable, and what time has made due is done.
    Settle(Reply),
    /// Write what makes the next open fast, and end.
    Stop(Reply),
}

impl Request {
    /// Answers with an error. Returns the reply of a request to end, which is accepted anyway.
    pub(super) fn refuse(self, error: Error) -> Option<Reply> {
        match self {
            Self::Order(order) => order.reply.give(Err(error)),
            Self::Rewrap(_, reply) | Self::Settle(reply) => reply.give(Err(error)),
            Self::Stop(reply) => return Some(reply),
        }
        None
    }
}

/// A command, with the rows that belong to it.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) command: Command,
    pub(crate) terms: Terms,
    pub(crate) payload: Payload,
    pub(crate) reply: Reply,
}

/// Rows that belong to a command, written only if it is accepted.
#[derive(Debug)]
pub(crate) enum Payload {
    None,
    /// The sealed data of a new version and its wrapped key.
    Sealed {
        data_key: DataKeyId,
        wrapped: Vec<u8>,
        sealed: Vec<u8>,
    },
    /// The bytes of a key slot.
    KeySlot {
        slot: u8,
        bytes: Vec<u8>,
    },
    /// The removal of a key slot, whose bytes are in so many chunks.
    NoKeySlot {
        slot: u8,
        chunks: u32,
    },
    /// A new epoch key, and the keyring that has it.
    Epoch {
        epoch: u32,
        wrapped: Vec<u8>,
        keyring: Arc<Keyring>,
    },
    /// The wrapped seed of a signing key.
    SigningSeed {
        number: u32,
        wrapped: Vec<u8>,
    },
    /// The removal of an epoch key, and the keyring without it.
    NoEpoch {
        epoch: u32,
        keyring: Arc<Keyring>,
    },
}

/// A data key that was wrapped anew.
#[derive(Debug)]
pub(crate) struct Rewrapped {
    pub(crate) secret: SecretId,
    pub(crate) version: VersionId,
    pub(crate) data_key: DataKeyId,
    pub(crate) wrapped: Vec<u8>,
}
