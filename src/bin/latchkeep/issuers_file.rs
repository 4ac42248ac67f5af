//! Owns the file that names issuers: read strictly, with the name of the issuer in every complaint. No secrets belong there,
//! and no complaint shows a value that was found where none was expected.
//!
//! Read next: [`strict`], [`care`], [`exec`], [`source`], and where this build has them the other kinds.

mod care;
mod exec;
#[cfg(feature = "private-ca")]
mod later;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "private-ca")]
mod private_ca;
#[cfg(any(feature = "postgres", feature = "private-ca"))]
mod source;
mod strict;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use latchkeep::{Issuer, IssuerName, Session, WorkerOptions};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::failure::Failure;
use crate::input;

/// Bytes of the file, at most.
const FILE_BYTES_MAX: usize = 1_048_576;

/// Seconds that a call may take, at most.
const LIMIT_SECS_MAX: u64 = 3_600;

/// How long a call may take when no issuer says more.
const LIMIT_DEFAULT: Duration = Duration::from_secs(30);

/// How much longer a call may take than its issuer says, which ends it itself first and tells more.
const CALL_EXTRA: Duration = Duration::from_secs(5);

/// An issuer, made as the file describes it.
struct Made {
    issuer: Arc<dyn Issuer>,
    /// The longest that one call takes.
    longest: Duration,
    /// Why it cannot do its work now, though it may later; or what a person should know of it.
    problem: Option<String>,
}

/// The issuers of a file.
pub(crate) struct Issuers {
    /// Those that can be asked, registered.
    pub(crate) options: WorkerOptions,
    /// What is wrong with the others, each with the file, the line and the issuer; and with those that cannot work now.
    pub(crate) problems: Vec<String>,
}

/// Registers the issuers of a file. What they need from the store they read as the session's actor. One that is described
/// wrongly, or cannot be set up now, does not hold up the others.
pub(crate) fn read(path: &Path, session: &Session) -> Result<Issuers, Failure> {
    let file = path.display();
    care::unchanged(path).map_err(Failure::usage)?;
    let text = input::read_file(path, FILE_BYTES_MAX)?;
    let text = text.expose_text().map_err(|_| Failure::usage(format!("issuers file {file}: is not UTF-8 text")))?;
    let named = strict::names(text).map_err(|what| Failure::usage(format!("issuers file {file}: {what}")))?;
    let (mut options, mut longest, mut problems) = (WorkerOptions::new(), LIMIT_DEFAULT, Vec::new());
    for described in &named {
        let mut wrong = |line: usize, what: &dyn fmt::Display| {
            problems.push(format!("issuers file {file}, line {line}: issuer {}: {what}", described.name));
        };
        let parsed = match IssuerName::parse(&described.name) {
            Ok(parsed) => parsed,
            Err(invalid) => {
                wrong(described.line, &invalid);
                continue;
            }
        };
        let made = described.value().and_then(|value| make(value, session).map_err(|what| (described.line, what)));
        match made {
            Ok(made) => {
                if let Some(problem) = made.problem {
                    wrong(described.line, &problem);
                }
                longest = longest.max(made.longest);
                options = options.shared_issuer(parsed, made.issuer);
            }
            Err((line, what)) => {
                wrong(line, &what);
                options = options.unusable_issuer(parsed, &what);
            }
        }
    }
    Ok(Issuers { options: options.call_limit(longest.saturating_add(CALL_EXTRA)), problems })
}

/// Makes one issuer of its description.
fn make(described: Value, session: &Session) -> Result<Made, String> {
    let Value::Object(mut fields) = described else { return Err("takes a JSON object".to_owned()) };
    let Some(kind) = fields.remove("kind") else { return Err("missing field `kind`".to_owned()) };
    let Value::String(kind) = kind else { return Err("the field `kind` takes text".to_owned()) };
    // Which kinds look into the store depends on the build.
    let _ = session;
    match kind.as_str() {
        "exec" => exec::make(fields),
        #[cfg(feature = "postgres")]
        "postgres_password" => postgres::password(fields, session),
        #[cfg(feature = "postgres")]
        "postgres_role" => postgres::role(fields, session),
        #[cfg(not(feature = "postgres"))]
        "postgres_password" | "postgres_role" => Err(lacking(&kind, "postgres")),
        #[cfg(feature = "private-ca")]
        "private_ca" => private_ca::make(fields, session),
        #[cfg(not(feature = "private-ca"))]
        "private_ca" => Err(lacking(&kind, "private-ca")),
        other => Err(format!("{other} is no kind; exec, postgres_password, postgres_role and private_ca are")),
    }
}

#[cfg(not(all(feature = "postgres", feature = "private-ca")))]
fn lacking(kind: &str, feature: &str) -> String {
    format!("this build of latchkeep has no kind {kind}; build it with --features {feature}")
}

/// Reads the fields of a kind; those that it does not know are refused.
fn parse<T: DeserializeOwned>(fields: Map<String, Value>) -> Result<T, String> {
    serde_json::from_value(Value::Object(fields)).map_err(|error| without_value(&error))
}

/// Gives the words of the parser, but for a value that it did not expect: it may be a password that somebody put there.
fn without_value(error: &serde_json::Error) -> String {
    let words = error.to_string();
    let shows_it = words.starts_with("invalid type: ") || words.starts_with("invalid value: ");
    match words.rsplit_once(", expected ").filter(|_| shows_it) {
        Some((_, expected)) => format!("something stands where it cannot; expected {expected}"),
        None => words,
    }
}

/// Holds a time limit to its bounds.
fn limit(secs: Option<u64>, default: u64) -> Result<Duration, String> {
    match secs.unwrap_or(default) {
        secs @ 1..=LIMIT_SECS_MAX => Ok(Duration::from_secs(secs)),
        _ => Err(format!("limit_secs takes 1 to {LIMIT_SECS_MAX}")),
    }
}

#[cfg(test)]
mod tests;
