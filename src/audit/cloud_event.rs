//! Owns the view of a record for people and their tools: one CloudEvents 1.0 object, on one line.
//!
//! | Attribute | What it shows |
//! |---|---|
//! | `id` | the event's id |
//! | `source` | `urn:latchkeep:` and the log id in hex |
//! | `type` | `latchkeep.`, the event's name as in [`Event::label`], `.v` and the schema of its body |
//! | `subject` | `secrets/` and the secret's id; absent for events of the whole store and of the audit trail |
//! | `time` | when it was recorded, RFC 3339 |
//! | `sequence` | its position, 20 digits, so that texts sort as positions do |
//! | `correlationid`, `causationid` | those of its context; absent when it has none |
//! | `authid` | the actor |
//! | `datacontenttype`, `data` | `application/json`, and the event with the fields of its schema; null when the body was erased or is of a later release |
//!
//! Names of events are written as the log's own documents write them, `latchkeep.LockPlaced.v1`, so that one search finds
//! them in code, manual and export. An event whose number has no name here is `latchkeep.Unknown<number>.v<schema>`.
//! Secret data is in no event, hence in no view. Read next: [`super::export`].

use crate::codec::event::write_event_json;
use crate::domain::event::Event;
use crate::domain::id::LogId;
use crate::ledger::{Head, RawRecord, RecordHeader, Subject, head};

use super::content::{Content, Opened, Opener};
use super::scribe::{push_base64, push_decimal, push_json_text, push_time, push_uuid};

/// Gives a record of a log as a CloudEvents 1.0 object on one line, without line feed: the line that an export has for
/// it, with the bytes that are the truth in `lkheader`, `lkcontext`, `lkbody` and `lkhead`.
///
/// ```
/// use latchkeep::LogId;
/// use latchkeep::audit::cloud_event;
/// use latchkeep::ledger::frames;
///
/// let (log_id, buffer) = (LogId::from_bytes([7; 16]), Vec::new());
/// for record in frames(&buffer) {
///     println!("{}", cloud_event(&log_id, &record?));
/// }
/// # Ok::<(), latchkeep::ledger::FrameError>(())
/// ```
#[must_use]
pub fn cloud_event(log_id: &LogId, record: &RawRecord<'_>) -> String {
    let mut line = Vec::with_capacity(1_024);
    write_event(&mut line, &source(log_id), record, &head(record.header_bytes()), &mut Opener::default());
    // All that is written is ASCII, or JSON made of texts.
    String::from_utf8(line).unwrap_or_default()
}

/// Gives the source that all events of a log have.
pub(super) fn source(log_id: &LogId) -> String {
    format!("urn:latchkeep:{}", log_id.to_hex())
}

/// Writes the whole object.
pub(super) fn write_event(out: &mut Vec<u8>, source: &str, raw: &RawRecord<'_>, head: &Head, opener: &mut Opener) {
    write_view(out, source, raw.header(), &opener.open(raw));
    out.extend_from_slice(HEADER);
    push_base64(out, raw.header_bytes());
    out.extend_from_slice(CONTEXT);
    push_base64(out, raw.context());
    match raw.body() {
        Some(body) => {
            out.extend_from_slice(BODY);
            push_base64(out, body);
            out.push(b'"');
        }
        None => out.extend_from_slice(NO_BODY),
    }
    out.extend_from_slice(HEAD);
    push_base64(out, head.as_bytes());
    out.extend_from_slice(END);
}

/// Writes the part for people, up to and with `data`.
pub(super) fn write_view(out: &mut Vec<u8>, source: &str, header: &RecordHeader, opened: &Opened) {
    out.extend_from_slice(br#"{"specversion":"1.0","id":""#);
    push_uuid(out, header.event_id.as_bytes());
    out.extend_from_slice(br#"","source":""#);
    out.extend_from_slice(source.as_bytes());
    out.extend_from_slice(br#"","type":""#);
    write_type(out, header);
    if let Subject::Secret { id, .. } = header.subject {
        out.extend_from_slice(br#"","subject":"secrets/"#);
        push_uuid(out, id.as_bytes());
    }
    out.extend_from_slice(br#"","time":""#);
    push_time(out, header.time);
    out.extend_from_slice(br#"","sequence":""#);
    push_decimal(out, header.position.get(), 20);
    if let Ok(context) = &opened.context {
        if let Some(correlation) = &context.correlation {
            out.extend_from_slice(br#"","correlationid":"#);
            push_json_text(out, correlation.as_str());
            out.pop();
        }
        if let Some(causation) = &context.causation {
            out.extend_from_slice(br#"","causationid":""#);
            push_uuid(out, causation.as_bytes());
        }
        out.extend_from_slice(br#"","authid":"#);
        push_json_text(out, context.actor.as_str());
        out.pop();
    }
    out.extend_from_slice(br#"","datacontenttype":"application/json","data":"#);
    match &opened.content {
        Content::Known(event) => write_event_json(event, header.schema, out),
        Content::Unknown | Content::Erased | Content::Unreadable(_) => out.extend_from_slice(b"null"),
    }
}

fn write_type(out: &mut Vec<u8>, header: &RecordHeader) {
    out.extend_from_slice(TYPE.as_bytes());
    if let Some(label) = Event::label_of(header.event_type) {
        out.extend_from_slice(label.as_bytes());
    } else {
        out.extend_from_slice(UNKNOWN.as_bytes());
        push_decimal(out, u64::from(header.event_type), 1);
    }
    out.extend_from_slice(b".v");
    push_decimal(out, u64::from(header.schema), 1);
}

/// What every type begins with.
pub(super) const TYPE: &str = "latchkeep.";

/// What stands in front of the number of an event that has no name here.
pub(super) const UNKNOWN: &str = "Unknown";

pub(super) const HEADER: &[u8] = br#","lkheader":""#;
pub(super) const CONTEXT: &[u8] = br#"","lkcontext":""#;
pub(super) const BODY: &[u8] = br#"","lkbody":""#;
pub(super) const NO_BODY: &[u8] = br#"","lkbody":null"#;
pub(super) const HEAD: &[u8] = br#","lkhead":""#;
pub(super) const END: &[u8] = br#""}"#;
