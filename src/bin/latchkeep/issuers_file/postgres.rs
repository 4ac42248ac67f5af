//! Owns issuers of the kinds `postgres_password` and `postgres_role`: accounts of a PostgreSQL server.
//!
//! Read next: [`super::source`], for the password of the admin.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use latchkeep::{
    PostgresPassword, PostgresRole, PostgresServer, PostgresTls, RoleTemplate, Session, SqlIdentifier, SqlPrivilege,
    SqlTarget,
};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::source::{Source, nothing_secret};
use super::{Made, limit, parse};
use crate::input;

/// Seconds that connecting may take, and as long again the work, when nothing is said.
const LIMIT_SECS_DEFAULT: u64 = 10;
const PORT_DEFAULT: u16 = 5_432;
/// Bytes of a file of certificates, at most.
const ROOTS_BYTES_MAX: usize = 1_048_576;
/// Seconds that a role may be made for: a minute to ten years.
const VALID_FOR_SECS: std::ops::RangeInclusive<u64> = 60..=315_360_000;
const INSTEAD: &str = "password_file or password_secret of its server";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Server {
    host: String,
    port: Option<u16>,
    database: String,
    user: String,
    password_file: Option<PathBuf>,
    password_secret: Option<String>,
    tls: Option<Value>,
    #[serde(default)]
    plain_passwords: bool,
    limit_secs: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tls {
    ca_file: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Password {
    server: Server,
    roles: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Role {
    server: Server,
    #[serde(default)]
    member_of: Vec<String>,
    #[serde(default)]
    grants: Vec<Grant>,
    connections_max: Option<u16>,
    acting_as: Option<String>,
    leaving_to: Option<String>,
    valid_for_secs: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Grant {
    privileges: Vec<String>,
    on: On,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct On {
    database: Option<String>,
    schema: Option<String>,
    table: Option<String>,
    all: Option<String>,
}

/// Makes an issuer that sets the passwords of roles that stay.
pub(super) fn password(fields: Map<String, Value>, session: &Session) -> Result<Made, String> {
    let described: Password = described(fields)?;
    let (server, longest, problem) = described.server.reach(session)?;
    let mut roles = described.roles.iter().map(|role| name(role));
    let first = roles.next().ok_or("roles takes at least one role whose password is to be set")??;
    let issuer = PostgresPassword::new(server, first).map_err(|invalid| invalid.to_string())?;
    let issuer =
        roles.try_fold(issuer, |issuer, role| issuer.allowing(role?).map_err(|invalid| invalid.to_string()))?;
    Ok(Made { issuer: Arc::new(issuer), longest, problem })
}

/// Makes an issuer of fresh roles.
pub(super) fn role(fields: Map<String, Value>, session: &Session) -> Result<Made, String> {
    let described: Role = described(fields)?;
    let (server, longest, problem) = described.server.reach(session)?;
    let mut template = RoleTemplate::new();
    for group in &described.member_of {
        template = template.member_of(name(group)?);
    }
    for Grant { privileges, on } in described.grants {
        if privileges.is_empty() {
            return Err("privileges takes at least one".to_owned());
        }
        let privileges: Vec<_> = privileges.iter().map(|word| privilege(word)).collect::<Result<_, _>>()?;
        template = template.granting(&privileges, on.target()?);
    }
    if let Some(connections) = described.connections_max {
        template = template.with_connections_max(connections);
    }
    if let Some(group) = &described.acting_as {
        template = template.acting_as(name(group)?);
    }
    if let Some(heir) = &described.leaving_to {
        template = template.leaving_to(name(heir)?);
    }
    let mut issuer = PostgresRole::new(server, template).map_err(|invalid| invalid.to_string())?;
    if let Some(secs) = described.valid_for_secs {
        if !VALID_FOR_SECS.contains(&secs) {
            return Err("valid_for_secs takes 60 to 315360000".to_owned());
        }
        issuer = issuer.valid_for(Duration::from_secs(secs));
    }
    Ok(Made { issuer: Arc::new(issuer), longest, problem })
}

fn described<T: serde::de::DeserializeOwned>(fields: Map<String, Value>) -> Result<T, String> {
    let whole = Value::Object(fields);
    nothing_secret(&whole, INSTEAD)?;
    let Value::Object(fields) = whole else { return Err(String::new()) };
    parse(fields)
}

impl Server {
    /// Says where the server is, and how long one call there takes at most.
    fn reach(self, session: &Session) -> Result<(PostgresServer, Duration, Option<String>), String> {
        // Whatever it is, it is not shown: a password may stand in it.
        if self.host.contains(['@', '=', '?']) || self.host.contains("://") {
            return Err("host takes a name, an address, or the directory of a socket, and nothing around it".to_owned());
        }
        let tls = self.protection()?;
        let (database, admin) = (name(&self.database)?, name(&self.user)?);
        let server = PostgresServer::new(&self.host, self.port.unwrap_or(PORT_DEFAULT), database, admin, tls);
        let limit = limit(self.limit_secs, LIMIT_SECS_DEFAULT)?;
        let mut server = server.map_err(|invalid| invalid.to_string())?.giving_up_after(limit);
        if self.plain_passwords {
            server = server.giving_passwords_here().map_err(|invalid| invalid.to_string())?;
        }
        let mut problem = None;
        // Asked each time: it may be a secret that rotates, and whose first version another issuer of this file makes.
        if let Some(source) = Source::of((self.password_file, self.password_secret), "password", session)? {
            problem = source.read().err().map(|error| error.reason().to_string());
            server = server.with_admin_password_from(move || source.read());
        }
        Ok((server, limit.saturating_mul(2), problem))
    }

    fn protection(&self) -> Result<PostgresTls, String> {
        const RULE: &str =
            "tls takes \"off\", or {\"ca_file\": FILE} with the authorities to trust; only a socket needs none";
        match &self.tls {
            None if self.host.starts_with('/') => Ok(PostgresTls::off()),
            Some(Value::String(word)) if word == "off" => Ok(PostgresTls::off()),
            Some(Value::Object(fields)) => {
                let tls: Tls = parse(fields.clone())?;
                let roots = input::read_file(&tls.ca_file, ROOTS_BYTES_MAX);
                let roots = roots.map_err(|failure| failure.message().to_owned())?;
                let roots = roots.expose_text().map_err(|_| "ca_file is not text".to_owned())?;
                PostgresTls::trusting(roots).map_err(|invalid| invalid.to_string())
            }
            _ => Err(RULE.to_owned()),
        }
    }
}

impl On {
    fn target(&self) -> Result<SqlTarget, String> {
        const RULE: &str =
            "on takes a database; or a schema, alone, with a table, or with all: tables, sequences or functions";
        Ok(match (&self.database, &self.schema, &self.table, self.all.as_deref()) {
            (Some(database), None, None, None) => SqlTarget::Database(name(database)?),
            (None, Some(schema), None, None) => SqlTarget::Schema(name(schema)?),
            (None, Some(schema), Some(table), None) => SqlTarget::Table(name(schema)?, name(table)?),
            (None, Some(schema), None, Some("tables")) => SqlTarget::AllTables(name(schema)?),
            (None, Some(schema), None, Some("sequences")) => SqlTarget::AllSequences(name(schema)?),
            (None, Some(schema), None, Some("functions")) => SqlTarget::AllFunctions(name(schema)?),
            _ => return Err(RULE.to_owned()),
        })
    }
}

fn name(text: &str) -> Result<SqlIdentifier, String> {
    SqlIdentifier::parse(text).map_err(|invalid| invalid.to_string())
}

fn privilege(word: &str) -> Result<SqlPrivilege, String> {
    Ok(match word {
        "connect" => SqlPrivilege::Connect,
        "create" => SqlPrivilege::Create,
        "delete" => SqlPrivilege::Delete,
        "execute" => SqlPrivilege::Execute,
        "insert" => SqlPrivilege::Insert,
        "references" => SqlPrivilege::References,
        "select" => SqlPrivilege::Select,
        "temporary" => SqlPrivilege::Temporary,
        "truncate" => SqlPrivilege::Truncate,
        "update" => SqlPrivilege::Update,
        "usage" => SqlPrivilege::Usage,
        _ => {
            return Err("privileges takes connect, create, delete, execute, insert, references, select, temporary, \
                        truncate, update and usage"
                .to_owned());
        }
    })
}
