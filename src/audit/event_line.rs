//! Owns the reading of one event's line: the bytes that are the truth, and whether the view for people agrees with them.
//!
//! A line that is byte for byte what this release writes needs no JSON parser: its bytes are taken from its end, the view
//! is written again from them, and the two are compared. Every other line is parsed, and its fields are compared one by
//! one, so that white space and order are free. Read next: [`super::judge`].

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::codec::event::is_known;
use crate::domain::event::Event;
use crate::domain::record::Record;
use crate::ledger::{HEADER_BYTES, HashedRecord, Head, RawRecord, RecordHeader, TreeHash, leaf};

use super::cloud_event::{BODY, CONTEXT, END, HEAD, HEADER, NO_BODY, TYPE, UNKNOWN, write_event, write_view};
use super::content::{Content, Opener};
use super::fault::LineFault;
use super::scribe::{base64_len, decode_base64};

/// An event's line, read: all that could be checked without the lines before it.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) hashed: HashedRecord,
    /// The leaf of the chain value after it, which needs no other record either.
    pub(super) leaf: TreeHash,
    pub(super) head_shown: Head,
    pub(super) view: View,
    pub(super) told: Told,
}

/// How the view for people stands to the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    /// Every field is what the bytes say.
    Fits,
    /// This field is not.
    Differs(&'static str),
    /// It shows an event of a later release in more words than this release can compare.
    Unseen,
}

/// What the record tells a replay.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "nearly all are of the large kind, and there are half a million a second")]
pub(super) enum Told {
    Known(Record),
    Unknown,
    Erased,
    /// Context or body cannot be read, for this reason.
    Unreadable(String),
}

/// Room that one reader uses for line after line.
#[derive(Debug, Default)]
pub(super) struct Room {
    opener: Opener,
    bytes: Vec<u8>,
    view: Vec<u8>,
}

/// The texts of a line that are the truth.
#[derive(Clone, Copy)]
struct Truth<'a> {
    header: &'a str,
    context: &'a str,
    body: Option<&'a str>,
    head: &'a str,
}

/// Reads a line of the log with this source.
pub(super) fn read_event(line: &str, source: &str, room: &mut Room) -> Result<Checked, LineFault> {
    if let Some((view, truth)) = split(line)
        && let Ok(checked) = check(truth, source, room, |expected| view.as_bytes() == expected)
        && let Some(checked) = checked
    {
        return Ok(checked);
    }
    let parsed: Line<'_> = serde_json::from_str(line).map_err(|error| LineFault::json(&error))?;
    let truth = Truth {
        header: &parsed.lkheader,
        context: &parsed.lkcontext,
        body: parsed.lkbody.as_deref(),
        head: &parsed.lkhead,
    };
    let checked = check(truth, source, room, |_| true)?.ok_or(LineFault::Verifier)?;
    let view = compare(&parsed, source, room, &checked)?;
    Ok(Checked { view, ..checked })
}

/// Decodes and checks the truth of a line; `is_so` is shown the view as it has to be.
fn check(
    truth: Truth<'_>,
    source: &str,
    room: &mut Room,
    is_so: impl FnOnce(&[u8]) -> bool,
) -> Result<Option<Checked>, LineFault> {
    let head_shown = Head::parse_base64(truth.head).map_err(|_| LineFault::Base64("lkhead"))?;
    let raw = decode(truth, &mut room.bytes)?;
    let opened = room.opener.open(&raw);
    room.view.clear();
    write_view(&mut room.view, source, raw.header(), &opened);
    if !is_so(&room.view) {
        return Ok(None);
    }
    let told = match (opened.content, opened.context) {
        (Content::Unreadable(error), _) | (_, Err(error)) => Told::Unreadable(error.to_string()),
        (Content::Known(event), Ok(context)) => Told::Known(raw.header().record(context, event)),
        (Content::Unknown, Ok(_)) => Told::Unknown,
        (Content::Erased, Ok(_)) => Told::Erased,
    };
    let hashed = HashedRecord::of(&raw);
    Ok(Some(Checked { leaf: leaf(&hashed.head), hashed, head_shown, view: View::Fits, told }))
}

fn decode<'b>(truth: Truth<'_>, bytes: &'b mut Vec<u8>) -> Result<RawRecord<'b>, LineFault> {
    bytes.clear();
    let header = decode_base64(truth.header, bytes).ok_or(LineFault::Base64("lkheader"))?;
    let context = decode_base64(truth.context, bytes).ok_or(LineFault::Base64("lkcontext"))?;
    if let Some(body) = truth.body {
        decode_base64(body, bytes).ok_or(LineFault::Base64("lkbody"))?;
    }
    let (header, rest) = bytes.split_at_checked(header).unwrap_or_default();
    let (context, body) = rest.split_at_checked(context).unwrap_or_default();
    RawRecord::new(header, context, truth.body.map(|_| body)).map_err(LineFault::Record)
}

/// Reads the record of a line, which was compared with its view before.
#[cfg(feature = "store")]
pub(super) fn read_raw<'b>(line: &str, room: &'b mut Room) -> Result<RawRecord<'b>, LineFault> {
    if let Some((_, truth)) = split(line) {
        return decode(truth, &mut room.bytes);
    }
    let parsed: Line<'_> = serde_json::from_str(line).map_err(|error| LineFault::json(&error))?;
    let (header, context) = (&*parsed.lkheader, &*parsed.lkcontext);
    decode(Truth { header, context, body: parsed.lkbody.as_deref(), head: &parsed.lkhead }, &mut room.bytes)
}

/// Takes a line apart from its end, if it is written as this release writes it.
fn split(line: &str) -> Option<(&str, Truth<'_>)> {
    let rest = strip(line, END)?;
    let (rest, head) = rest.split_at_checked(rest.len().checked_sub(base64_len(32))?)?;
    let rest = strip(rest, HEAD)?;
    let (rest, body) = if let Some(rest) = strip(rest, NO_BODY) {
        (rest, None)
    } else {
        let (rest, body) = last_text(rest.strip_suffix('"')?)?;
        (strip(rest, BODY)?, Some(body))
    };
    let (rest, context) = last_text(rest)?;
    let rest = strip(rest, CONTEXT)?;
    let (rest, header) = rest.split_at_checked(rest.len().checked_sub(base64_len(HEADER_BYTES))?)?;
    Some((strip(rest, HEADER)?, Truth { header, context, body, head }))
}

fn strip<'a>(text: &'a str, end: &[u8]) -> Option<&'a str> {
    let kept = text.as_bytes().strip_suffix(end)?.len();
    text.get(..kept)
}

/// Splits behind the last quote.
fn last_text(text: &str) -> Option<(&str, &str)> {
    text.split_at_checked(text.rfind('"')?.saturating_add(1))
}

/// Compares the fields of the view, one by one, with what the bytes say.
fn compare(found: &Line<'_>, source: &str, room: &mut Room, checked: &Checked) -> Result<View, LineFault> {
    let truth = Truth { header: &found.lkheader, context: &found.lkcontext, body: found.lkbody.as_deref(), head: "" };
    let raw = decode(truth, &mut room.bytes)?;
    room.view.clear();
    write_event(&mut room.view, source, &raw, &checked.hashed.head, &mut room.opener);
    let expected: Line<'_> = serde_json::from_slice(&room.view).map_err(|_| LineFault::Verifier)?;
    let header = &checked.hashed.header;
    let shows_more = !is_known(header.event_type, header.schema)
        && (found.kind != expected.kind || found.data != expected.data)
        && may_be_of_later_release(&found.kind, &expected.kind, header);
    let fits = [
        ("specversion", found.specversion == expected.specversion),
        ("id", found.id == expected.id),
        ("source", found.source == expected.source),
        ("type", shows_more || found.kind == expected.kind),
        ("subject", found.subject == expected.subject),
        ("time", found.time == expected.time),
        ("sequence", found.sequence == expected.sequence),
        ("correlationid", found.correlationid == expected.correlationid),
        ("causationid", found.causationid == expected.causationid),
        ("authid", found.authid == expected.authid),
        ("datacontenttype", found.datacontenttype == expected.datacontenttype),
        ("data", shows_more || found.data == expected.data),
    ];
    Ok(match fits.iter().find(|(_, fits)| !fits) {
        Some((field, _)) => View::Differs(field),
        None if shows_more => View::Unseen,
        None => View::Fits,
    })
}

/// Tells whether a text may be the type that a later release shows of an event which this one does not know. A number with a
/// name keeps it, a name stands for no second number, and only who does not know an event shows it as an unknown one, of
/// which there is nothing to show.
fn may_be_of_later_release(kind: &str, expected: &str, header: &RecordHeader) -> bool {
    let name = kind.strip_prefix(TYPE).and_then(|rest| rest.strip_suffix(&format!(".v{}", header.schema)));
    let is_free = |name: &str| {
        let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
        is_name && !Event::is_label(name) && !name.starts_with(UNKNOWN)
    };
    match Event::label_of(header.event_type) {
        // A later schema of an event that has its name here already.
        Some(_) => kind == expected,
        None => name.is_some_and(is_free),
    }
}

/// A line as any writer of this format may lay it out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    #[serde(borrow)]
    specversion: Cow<'a, str>,
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    source: Cow<'a, str>,
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    subject: Option<Cow<'a, str>>,
    #[serde(borrow)]
    time: Cow<'a, str>,
    #[serde(borrow)]
    sequence: Cow<'a, str>,
    #[serde(borrow)]
    correlationid: Option<Cow<'a, str>>,
    #[serde(borrow)]
    causationid: Option<Cow<'a, str>>,
    #[serde(borrow)]
    authid: Option<Cow<'a, str>>,
    #[serde(borrow)]
    datacontenttype: Cow<'a, str>,
    #[serde(deserialize_with = "super::unique_json::unique")]
    data: Value,
    #[serde(borrow)]
    lkheader: Cow<'a, str>,
    #[serde(borrow)]
    lkcontext: Cow<'a, str>,
    #[serde(borrow, deserialize_with = "present")]
    lkbody: Option<Cow<'a, str>>,
    #[serde(borrow)]
    lkhead: Cow<'a, str>,
}

/// Reads a field that may be null, and may not be left out.
pub(super) fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    Option::deserialize(deserializer)
}
