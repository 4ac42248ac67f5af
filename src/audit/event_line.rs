//! Owns the reading of one event's line: the bytes that are the truth, and whether the view for people agrees with them.
//!
//! A line that is byte for byte what this release writes needs no JSON parser: its bytes are taken from its end, the view
//! is written again from them, and the two are compared. Every other line is parsed, and its fields are compared one by
//! one, so that white space and order are free. Read next: [`super::judge`].

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::domain::record::Record;
use crate::ledger::{HEADER_BYTES, HashedRecord, Head, RawRecord, RecordHeader};

use super::cloud_event::{BODY, CONTEXT, END, HEAD, HEADER, NO_BODY, TYPE, write_event, write_view};
use super::content::{Content, Opener};
use super::fault::LineFault;
use super::scribe::{base64_len, decode_base64};

/// An event's line, read: all that could be checked without the lines before it.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) hashed: HashedRecord,
    pub(super) head_shown: Head,
    /// The field of the view that differs from the bytes.
    pub(super) differs: Option<&'static str>,
    pub(super) told: Told,
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
        && let Ok(checked) = check(truth, source, room, |expected| (view.as_bytes() == expected).then_some(None))
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
    let checked = check(truth, source, room, |_| Some(None))?.ok_or(LineFault::Verifier)?;
    let differs = difference(&parsed, source, room, &checked)?;
    Ok(Checked { differs, ..checked })
}

/// Decodes and checks the truth of a line; `compare` is shown the view as it has to be, and gives up with `None`.
fn check(
    truth: Truth<'_>,
    source: &str,
    room: &mut Room,
    compare: impl FnOnce(&[u8]) -> Option<Option<&'static str>>,
) -> Result<Option<Checked>, LineFault> {
    let head_shown = Head::parse_base64(truth.head).map_err(|_| LineFault::Base64("lkhead"))?;
    let raw = decode(truth, &mut room.bytes)?;
    let opened = room.opener.open(&raw);
    room.view.clear();
    write_view(&mut room.view, source, raw.header(), &opened);
    let Some(differs) = compare(&room.view) else { return Ok(None) };
    let told = match (opened.content, opened.context) {
        (Content::Unreadable(error), _) | (_, Err(error)) => Told::Unreadable(error.to_string()),
        (Content::Known(event), Ok(context)) => Told::Known(raw.header().record(context, event)),
        (Content::Unknown, Ok(_)) => Told::Unknown,
        (Content::Erased, Ok(_)) => Told::Erased,
    };
    Ok(Some(Checked { hashed: HashedRecord::of(&raw), head_shown, differs, told }))
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

/// Gives the first field of the view that is not what the bytes say.
fn difference(
    found: &Line<'_>,
    source: &str,
    room: &mut Room,
    checked: &Checked,
) -> Result<Option<&'static str>, LineFault> {
    let truth = Truth { header: &found.lkheader, context: &found.lkcontext, body: found.lkbody.as_deref(), head: "" };
    let raw = decode(truth, &mut room.bytes)?;
    room.view.clear();
    write_event(&mut room.view, source, &raw, &checked.hashed.head, &mut room.opener);
    let expected: Line<'_> = serde_json::from_slice(&room.view).map_err(|_| LineFault::Verifier)?;
    // What a later release calls an event, and shows of it, is for that release to compare.
    let is_known = !matches!(checked.told, Told::Unknown);
    let type_fits =
        if is_known { found.kind == expected.kind } else { is_type_of(&found.kind, &checked.hashed.header) };
    let fits = [
        ("specversion", found.specversion == expected.specversion),
        ("id", found.id == expected.id),
        ("source", found.source == expected.source),
        ("type", type_fits),
        ("subject", found.subject == expected.subject),
        ("time", found.time == expected.time),
        ("sequence", found.sequence == expected.sequence),
        ("correlationid", found.correlationid == expected.correlationid),
        ("causationid", found.causationid == expected.causationid),
        ("authid", found.authid == expected.authid),
        ("datacontenttype", found.datacontenttype == expected.datacontenttype),
        ("data", !is_known || found.data == expected.data),
    ];
    Ok(fits.iter().find(|(_, fits)| !fits).map(|(field, _)| *field))
}

/// Tells whether a text may be the type of an event that this release does not know.
fn is_type_of(kind: &str, header: &RecordHeader) -> bool {
    let name = kind.strip_prefix(TYPE).and_then(|rest| rest.strip_suffix(&format!(".v{}", header.schema)));
    name.is_some_and(|name| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric()))
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
