//! Owns what is said to a program and what it says back: one JSON object each way.
//!
//! It never keeps secret parts in a form that is not wiped. Read next: the [parent](super).

use serde::Deserialize;
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

/// What a program is asked.
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

    /// Tells whether something outside may be another than before when the answer is lost.
    pub(super) const fn changes(self) -> bool {
        matches!(self, Self::Create(_) | Self::Retire(_) | Self::Begin(_))
    }

    /// Writes the question. Nothing when a secret part is no JSON object.
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

/// Writes the question for everything that belongs to a store.
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

/// What a program may answer; which fields are taken depends on what it was asked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer<'a> {
    #[serde(borrow)]
    value: Option<&'a RawValue>,
    #[serde(borrow)]
    credential: Option<&'a RawValue>,
    outside: Option<String>,
    expires_at: Option<String>,
    found: Option<Vec<String>>,
    listed: Option<Vec<Listed>>,
    reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    rotation: String,
    outside: String,
}

fn answer(output: &SecretBytes) -> Option<Answer<'_>> {
    serde_json::from_slice(output.expose()).ok()
}

fn secret_object(raw: &RawValue) -> Option<SecretBytes> {
    let text = SecretBytes::copy_from(raw.get().as_bytes());
    credential::is_kept(&text).then_some(text)
}

/// Reads `{"value": {..}}`.
pub(super) fn value(output: &SecretBytes) -> Option<SecretBytes> {
    secret_object(answer(output)?.value?)
}

/// Reads `{"credential": {..}, "outside": "..", "expires_at": ".."}`, the last two if they are there.
pub(super) fn issued(output: &SecretBytes) -> Option<Issued> {
    let answer = answer(output)?;
    let mut issued = Issued::new(secret_object(answer.credential?)?);
    if let Some(outside) = answer.outside {
        issued = issued.known_as(OutsideId::parse(&outside).ok()?);
    }
    if let Some(at) = answer.expires_at {
        issued = issued.expiring_at(Timestamp::parse(&at).ok()?);
    }
    Some(issued)
}

/// Reads `{"found": [".."]}`.
pub(super) fn found(output: &SecretBytes) -> Option<Vec<OutsideId>> {
    answer(output)?.found?.iter().map(|outside| OutsideId::parse(outside).ok()).collect()
}

/// Reads `{"listed": [{"rotation": "..", "outside": ".."}]}`.
pub(super) fn listed(output: &SecretBytes) -> Option<Vec<(RotationId, OutsideId)>> {
    let read = |one: &Listed| Some((RotationId::parse(&one.rotation).ok()?, OutsideId::parse(&one.outside).ok()?));
    answer(output)?.listed?.iter().map(read).collect()
}

/// Reads `{"reason": ".."}`.
pub(super) fn reason(output: &SecretBytes) -> Option<String> {
    answer(output)?.reason
}
