//! Owns the arguments of the `latchkeep secret` commands that look at secrets: get, show, list.
//!
//! Read next: [`super::lock`].

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use latchkeep::VersionRef;

use super::as_of::AsOfArg;
use super::secret::{SecretArg, TypeArg};

/// How a value is given out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DataFormat {
    /// As it is.
    Raw,
    /// A kv secret as the lines of a .env file.
    Env,
}

/// A part of the data of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Field {
    /// The text of an arbitrary secret.
    Payload,
    /// The JSON object of a kv secret.
    Data,
    /// A user name.
    Username,
    /// A password.
    Password,
    /// A certificate.
    Certificate,
    /// The private key of a certificate.
    PrivateKey,
    /// The certificates above it.
    #[value(alias = "chain")]
    Intermediate,
    /// An API key.
    ApiKey,
    /// The id of an API key.
    ApiKeyId,
}

/// Reads the value of a secret.
///
/// Without --field: the payload, the password, the JSON object, the certificate, the API key, or the credential of an issuer
/// as a JSON object. A pipe gets the bytes as
/// they are; a terminal gets a line end after them. Reading iam-credentials makes a new API key and destroys the one
/// before, so a lock on it refuses the read. The log records who read what, never the value.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  latchkeep secret get api-token
  latchkeep secret get www --field private_key --out www.key
  latchkeep secret get billing-env --format env --out .env
  latchkeep secret get billing-env --key DATABASE_URL
  latchkeep secret get orders-db --key password
  latchkeep secret get api-token --version previous
  latchkeep secret get db-admin --json | jq -r .username")]
pub(crate) struct Get {
    #[command(flatten)]
    pub(crate) secret: SecretArg,
    /// The version: current, previous, its number, or its id.
    #[arg(long, value_name = "VERSION", default_value = "current")]
    pub(crate) version: VersionRef,
    /// The part of the data.
    #[arg(long)]
    pub(crate) field: Option<Field>,
    /// One value of a kv secret, or of a credential that an issuer made, by its name.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["field", "format"])]
    pub(crate) key: Option<String>,
    /// How it is given out.
    #[arg(long, value_enum, default_value = "raw", conflicts_with_all = ["field", "json"])]
    pub(crate) format: DataFormat,
    /// Adds no line end, on a terminal either.
    #[arg(long)]
    pub(crate) raw: bool,
    /// Writes it to a file that only its owner may read; never over a file that is there, unless forced.
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    pub(crate) out: Option<PathBuf>,
    /// Lets --out write over a file.
    #[arg(long, requires = "out")]
    pub(crate) force: bool,
}

/// Shows what is known about a secret and its versions, but no value.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  latchkeep secret show db-admin
  latchkeep secret show db-admin --as-of 2026-11-23T12:03:00Z")]
pub(crate) struct Show {
    #[command(flatten)]
    pub(crate) secret: SecretArg,
    #[command(flatten)]
    pub(crate) as_of: AsOfArg,
}

/// Lists secrets: their state, versions, locks and expiry, but no values.
///
/// On a terminal as a table. Piped: a line per secret, columns parted by tabs, in this order: type, name, group, state,
/// version, versions with data, locks, expiry, updated, id.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  latchkeep secret list
  latchkeep secret list --locked
  latchkeep secret list --type kv --search billing --sort -updated_at")]
pub(crate) struct List {
    /// Only those with this text in their id, name, description, labels or type.
    #[arg(long, value_name = "TEXT")]
    pub(crate) search: Option<String>,
    /// Only those of a type.
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) secret_type: Option<TypeArg>,
    /// Only those of a group.
    #[arg(long, value_name = "GROUP")]
    pub(crate) group: Option<String>,
    /// Only those with a lock on any version.
    #[arg(long)]
    pub(crate) locked: bool,
    /// Orders them; a dash before it turns the order round.
    #[arg(long, value_name = "FIELD", default_value = "name", allow_hyphen_values = true,
          value_parser = parse_sort,
          help = "Orders by id, created_at, updated_at, retrieved_at, expiration_date, secret_type or name; -name turns it round")]
    pub(crate) sort: Sort,
    #[command(flatten)]
    pub(crate) as_of: AsOfArg,
}

/// What a list is ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sort {
    pub(crate) by: SortBy,
    pub(crate) backwards: bool,
}

/// A field that a list can be ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum SortBy {
    Id,
    CreatedAt,
    UpdatedAt,
    RetrievedAt,
    ExpirationDate,
    SecretType,
    Name,
}

fn parse_sort(text: &str) -> Result<Sort, String> {
    let (field, backwards) = text.strip_prefix('-').map_or((text, false), |field| (field, true));
    Ok(Sort { by: SortBy::from_str(field, false)?, backwards })
}
