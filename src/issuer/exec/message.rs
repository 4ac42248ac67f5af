//! Owns the messages to a program and its answers: one JSON object each.
//!
//! It never keeps secret parts in memory that is not wiped. Read next: the [parent](super).

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde_json::error::Category;
use serde_json::value::RawValue;

use crate::domain::id::{LogId, RotationId};
use crate::domain::name::OutsideId;
use crate::domain::rotation::IssuerClass;
use crate::domain::task::TaskKind;
use crate::domain::time::Timestamp;
use crate::issuer::credential::{self, Field};
use crate::issuer::issuer::IssueOrder;
use crate::issuer::job::{Job, JobWork};
use crate::issuer::outcome::Issued;
use crate::seal::secret_bytes::SecretBytes;

/// A call of a program.
#[derive(Clone, Copy)]
pub(super) enum Call<'a> {
    Pick,
    Create(Option<&'a SecretBytes>),
    Find,
    Verify(&'a SecretBytes),
    Retire(Option<&'a OutsideId>),
    Begin(&'a Job<'a>),
}

impl Call<'_> {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Pick => "pick",
            Self::Create(_) => "create",
            Self::Find => "find",
            Self::Verify(_) => "verify",
            Self::Retire(_) => "retire",
            Self::Begin(_) => "begin",
        }
    }

    /// Returns whether a lost answer leaves the outside system in an unknown state.
    pub(super) const fn changes(self) -> bool {
        matches!(self, Self::Create(_) | Self::Retire(_) | Self::Begin(_))
    }

    /// Writes the question. `None` when a secret part is not a JSON object.
    pub(super) fn question(self, class: IssuerClass, order: &IssueOrder<'_>) -> Option<SecretBytes> {
        let (store, secret, rotation) = (order.store.to_string(), order.secret.to_string(), order.rotation.to_string());
        let mut fields = vec![
            ("call", Field::Text(self.word())),
            ("class", Field::Text(class.label())),
            ("store", Field::Text(&store)),
            ("secret", Field::Text(&secret)),
            ("name", Field::Text(order.name.as_str())),
            ("rotation", Field::Text(&rotation)),
        ];
        let job = match self {
            Self::Begin(job) => Some((job.task.to_string(), job.report_by.to_string(), job.work)),
            _ => None,
        };
        fields.extend(order.parameters.map(|parameters| ("parameters", Field::Json(parameters.as_str()))));
        match self {
            Self::Create(Some(value)) => fields.push(("value", Field::Json(object(value)?))),
            Self::Verify(credential) => fields.push(("credential", Field::Json(object(credential)?))),
            Self::Retire(Some(outside)) => fields.push(("outside", Field::Text(outside.as_str()))),
            Self::Pick | Self::Create(None) | Self::Find | Self::Retire(None) | Self::Begin(_) => {}
        }
        if let Some((task, report_by, work)) = &job {
            let (word, outside) = match work {
                JobWork::CreateCredentials => (TaskKind::CreateCredentials.label(), None),
                JobWork::DeleteCredentials(outside) => (TaskKind::DeleteCredentials.label(), *outside),
            };
            fields.extend([
                ("job", Field::Text(word)),
                ("task", Field::Text(task)),
                ("report_by", Field::Text(report_by)),
            ]);
            fields.extend(outside.map(|outside| ("outside", Field::Text(outside.as_str()))));
        }
        credential::write(&fields)
    }
}

/// Writes the question for all credentials of a store.
pub(super) fn list_question(class: IssuerClass, store: LogId) -> Option<SecretBytes> {
    let fields = [
        ("call", Field::Text("list")),
        ("class", Field::Text(class.label())),
        ("store", Field::Text(&store.to_string())),
    ];
    credential::write(&fields)
}

fn object(text: &SecretBytes) -> Option<&str> {
    credential::is_kept(text).then(|| text.expose_text().ok())?
}

/// A fault of form in an answer: the field and the rule, and never a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault(Cow<'static, str>);

impl Fault {
    const fn of(rule: &'static str) -> Self {
        Self(Cow::Borrowed(rule))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

const CREDENTIAL: Fault = Fault::of("the field credential takes a JSON object with at least one field, and none twice");
const OUTSIDE: Fault = Fault::of("the field outside takes text of 1 to 256 characters, none a control character");
const EXPIRES_AT: Fault =
    Fault::of("the field expires_at takes a time of RFC 3339 with its zone, such as 2027-01-01T00:00:00Z");
const VALUE: Fault = Fault::of("the field value takes a JSON object with at least one field, and none twice");
const FOUND: Fault = Fault::of("the field found takes a list of names outside, each 1 to 256 characters");
const LISTED: Fault = Fault::of("the field listed takes a list of objects, each with a rotation and a name outside");

/// The answer of a program. The call decides which fields are read; others are ignored, since the call is already done.
#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    value: Option<&'a RawValue>,
    #[serde(borrow)]
    credential: Option<&'a RawValue>,
    #[serde(borrow)]
    outside: Option<&'a RawValue>,
    #[serde(borrow)]
    expires_at: Option<&'a RawValue>,
    #[serde(borrow)]
    found: Option<&'a RawValue>,
    #[serde(borrow)]
    listed: Option<&'a RawValue>,
    #[serde(borrow)]
    reason: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Listed {
    rotation: String,
    outside: String,
}

/// Reads an answer: one JSON object, optionally after a byte order mark.
fn answer(output: &SecretBytes) -> Result<Answer<'_>, Fault> {
    let text = output.expose();
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    if text.trim_ascii().is_empty() {
        return Err(Fault::of("it is empty, and takes one JSON object"));
    }
    serde_json::from_slice(text).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        // Of the parser's message, only the name of a field of ours is repeated.
        let twice = ["value", "credential", "outside", "expires_at", "found", "listed", "reason"]
            .into_iter()
            .find(|field| error.to_string().starts_with(&format!("duplicate field `{field}`")));
        Fault(Cow::Owned(match (twice, error.classify()) {
            (Some(field), _) => format!("the field {field} stands there twice ({place})"),
            (None, Category::Eof) => format!("it is JSON that is cut off ({place})"),
            (None, Category::Data) => format!("it takes one JSON object ({place})"),
            (None, Category::Syntax | Category::Io) => {
                format!("it takes one JSON object, and nothing before or behind it ({place})")
            }
        }))
    })
}

fn secret_object(raw: Option<&RawValue>, fault: Fault) -> Result<SecretBytes, Fault> {
    let text = raw.map(|raw| SecretBytes::copy_from(raw.get().as_bytes()));
    text.filter(credential::is_kept).ok_or(fault)
}

fn read<T: serde::de::DeserializeOwned>(raw: &RawValue) -> Option<T> {
    serde_json::from_str(raw.get()).ok()
}

/// Reads `{"value": {..}}`.
pub(super) fn value(output: &SecretBytes) -> Result<SecretBytes, Fault> {
    secret_object(answer(output)?.value, VALUE)
}

/// Reads `{"credential": {..}, "outside": "..", "expires_at": ".."}`, the last two are optional.
pub(super) fn issued(output: &SecretBytes) -> Result<Issued, Fault> {
    let answer = answer(output)?;
    let mut issued = Issued::new(secret_object(answer.credential, CREDENTIAL)?);
    if let Some(outside) = answer.outside {
        let outside = read::<String>(outside).and_then(|outside| OutsideId::parse(&outside).ok());
        issued = issued.known_as(outside.ok_or(OUTSIDE)?);
    }
    if let Some(at) = answer.expires_at {
        let at = read::<String>(at).and_then(|text| end(&text)).ok_or(EXPIRES_AT)?;
        issued = match at {
            End::At(at) => issued.expiring_at(at),
            End::Never => issued,
        };
    }
    Ok(issued)
}

/// When a credential ends.
enum End {
    At(Timestamp),
    /// Beyond the times that the store can represent, as with `9999-12-31T23:59:59Z`.
    Never,
}

fn end(text: &str) -> Option<End> {
    if let Ok(at) = Timestamp::parse(text) {
        return Some(End::At(at));
    }
    // The same time of a year that the store knows tells whether it is a time at all; 2204 is a leap year.
    let (year, rest) = text.split_at_checked(4)?;
    let is_beyond = year.bytes().all(|digit| digit.is_ascii_digit()) && year.parse::<u16>().ok()? >= YEAR_BEYOND;
    (is_beyond && Timestamp::parse(&format!("2204{rest}")).is_ok()).then_some(End::Never)
}

/// The last year of which the store can represent a part.
const YEAR_BEYOND: u16 = 2262;

/// Reads `{"found": [".."]}`.
pub(super) fn found(output: &SecretBytes) -> Result<Vec<OutsideId>, Fault> {
    let found = answer(output)?.found.and_then(read::<Vec<String>>).ok_or(FOUND)?;
    found.iter().map(|outside| OutsideId::parse(outside).map_err(|_| FOUND)).collect()
}

/// Reads `{"listed": [{"rotation": "..", "outside": ".."}]}`.
pub(super) fn listed(output: &SecretBytes) -> Result<Vec<(RotationId, OutsideId)>, Fault> {
    let read_one = |one: &Listed| Some((RotationId::parse(&one.rotation).ok()?, OutsideId::parse(&one.outside).ok()?));
    let listed = answer(output)?.listed.and_then(read::<Vec<Listed>>).ok_or(LISTED)?;
    listed.iter().map(|one| read_one(one).ok_or(LISTED)).collect()
}

/// Reads `{"reason": ".."}`.
pub(super) fn reason(output: &SecretBytes) -> Option<String> {
    answer(output).ok()?.reason.and_then(read)
}
