//! Owns what a record turns out to hold once its context and body are decoded.
//!
//! A record whose body is gone, or of a later release, is no fault here. Read next: [`super::cloud_event`].

use crate::codec::context::decode_context;
use crate::codec::error::CodecError;
use crate::codec::event::{Decoded, decode_event};
use crate::domain::event::Event;
use crate::domain::record::Context;
use crate::ledger::RawRecord;

/// The context and the event of a record, as far as they can be read.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) context: Result<Context, CodecError>,
    pub(super) content: Content,
}

/// What became of a body.
#[derive(Debug)]
pub(super) enum Content {
    /// An event.
    Known(Event),
    /// An event of a later release.
    Unknown,
    /// The body was erased, and may be.
    Erased,
    /// The body is not what its type says.
    Unreadable(CodecError),
}

/// Decodes what records hold, one after another. Most share their context with the one before: it is decoded once.
#[derive(Debug, Default)]
pub(super) struct Opener {
    last: Option<(Vec<u8>, Context)>,
}

impl Opener {
    /// Decodes what a record holds.
    pub(super) fn open(&mut self, raw: &RawRecord<'_>) -> Opened {
        let header = raw.header();
        let content = match raw.body().map(|body| decode_event(header.event_type, header.schema, body)) {
            None => Content::Erased,
            Some(Ok(Decoded::Known(event))) => Content::Known(event),
            Some(Ok(Decoded::Unknown)) => Content::Unknown,
            Some(Err(error)) => Content::Unreadable(error),
        };
        Opened { context: self.context(raw.context()), content }
    }

    fn context(&mut self, bytes: &[u8]) -> Result<Context, CodecError> {
        match &self.last {
            Some((last, context)) if last == bytes => Ok(context.clone()),
            _ => {
                let context = decode_context(bytes)?;
                self.last = Some((bytes.to_vec(), context.clone()));
                Ok(context)
            }
        }
    }
}
