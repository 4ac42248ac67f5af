//! Owns the file that names issuers: read strictly, with the name of the issuer in every complaint. No secrets belong there,
//! and no complaint shows a value that was found where none was expected.
//!
//! Read next: [`exec`], [`source`], and where this build has them the other kinds.

mod exec;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "private-ca")]
mod private_ca;
#[cfg(any(feature = "postgres", feature = "private-ca"))]
mod source;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use latchkeep::{Issuer, IssuerName, Session, WorkerOptions};
use serde::Deserialize;
use serde::de::{DeserializeOwned, Error, MapAccess, Visitor};
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
}

/// All of the file; a name that stands there twice is a mistake.
struct Named(BTreeMap<String, serde_json::Value>);

impl<'de> Deserialize<'de> for Named {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;
        impl<'de> Visitor<'de> for Names {
            type Value = Named;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object of issuers by their names")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Named, A::Error> {
                let mut named = BTreeMap::new();
                while let Some((name, described)) = map.next_entry::<String, serde_json::Value>()? {
                    if named.contains_key(&name) {
                        return Err(A::Error::custom(format!("the issuer {name} stands there twice")));
                    }
                    named.insert(name, described);
                }
                Ok(Named(named))
            }
        }
        deserializer.deserialize_map(Names)
    }
}

/// Registers the issuers of a file. What they need from the store they read as the session's actor.
pub(crate) fn read(path: &Path, session: &Session) -> Result<WorkerOptions, Failure> {
    let text = input::read_file(path, FILE_BYTES_MAX)?;
    let wrong = |what: String| Failure::usage(format!("issuers file {}: {what}", path.display()));
    let Named(named) = serde_json::from_slice(text.expose()).map_err(|error| wrong(without_value(&error)))?;
    let (mut options, mut longest) = (WorkerOptions::new(), LIMIT_DEFAULT);
    for (name, described) in named {
        let about = |what: &dyn fmt::Display| wrong(format!("issuer {name}: {what}"));
        let parsed = IssuerName::parse(&name).map_err(|invalid| about(&invalid))?;
        let made = make(described, session).map_err(|what| about(&what))?;
        longest = longest.max(made.longest);
        options = options.shared_issuer(parsed, made.issuer);
    }
    Ok(options.call_limit(longest.saturating_add(CALL_EXTRA)))
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
