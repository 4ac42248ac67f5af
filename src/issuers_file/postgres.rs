//! Owns descriptions of the kinds `postgres_password` and `postgres_role`.

use std::path::PathBuf;
use std::time::Duration;

use super::error::IssuersFileError;
use super::exec::limit;
use super::fields::Fields;
use super::secret_source::SecretSource;

/// How long connecting may take, and as long again the work, when nothing is said.
const LIMIT_DEFAULT: Duration = Duration::from_secs(10);
const PORT_DEFAULT: u16 = 5_432;
const SECRETS: &str = "belongs into no file of issuers, which others may read and keep; password_file or password_secret \
                       of its server say where a password is";
const TLS: &str = "takes \"off\", or {\"ca_file\": FILE} with the authorities to trust; only a socket needs none";
const ON: &str = "takes a database; or a schema, alone, with a table, or with all: tables, sequences or functions";

/// What a file says of an issuer of kind `postgres_password`: it sets the passwords of roles that stay.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PostgresPasswordDescription {
    /// The server.
    pub server: PostgresServerDescription,
    /// The roles whose passwords it may set: at least one.
    pub roles: Vec<String>,
}

/// What a file says of an issuer of kind `postgres_role`: it makes fresh roles.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PostgresRoleDescription {
    /// The server.
    pub server: PostgresServerDescription,
    /// The roles of which a fresh one is a member.
    pub member_of: Vec<String>,
    /// What a fresh role may do.
    pub grants: Vec<GrantDescription>,
    /// Connections of a fresh role at a time, at most.
    pub connections_max: Option<u16>,
    /// The role as which a fresh one acts.
    pub acting_as: Option<String>,
    /// The role that gets what a fresh one owns at its end.
    pub leaving_to: Option<String>,
    /// After how long the server refuses a fresh role by itself: a minute to ten years.
    pub valid_for: Option<Duration>,
}

/// What a file says of a PostgreSQL server.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PostgresServerDescription {
    /// A name, an address, or the directory of a socket.
    pub host: String,
    /// The port; 5,432 when nothing is said.
    pub port: u16,
    /// The database to connect to.
    pub database: String,
    /// The role of the admin.
    pub user: String,
    /// Where the password of the admin is, if one is needed.
    pub password: Option<SecretSource>,
    /// How the connection is protected.
    pub tls: TlsDescription,
    /// Whether passwords are given to the server as they are.
    pub plain_passwords: bool,
    /// How long connecting may take, and as long again the work: 1 to 3,600 seconds, 10 when nothing is said.
    pub limit: Duration,
}

/// How a connection to a server is protected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsDescription {
    /// Not at all.
    Off,
    /// By TLS; the file holds the certificates of the authorities to trust.
    Trusting(PathBuf),
}

/// What a fresh role may do, and on what.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GrantDescription {
    /// The privileges, by their words: at least one.
    pub privileges: Vec<String>,
    /// What they are granted on.
    pub on: GrantTarget,
}

/// What privileges are granted on, by names of SQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GrantTarget {
    /// A database.
    Database(String),
    /// A schema.
    Schema(String),
    /// A table or view: its schema and its name.
    Table(String, String),
    /// All tables and views of a schema.
    AllTables(String),
    /// All sequences of a schema.
    AllSequences(String),
    /// All functions of a schema.
    AllFunctions(String),
}

impl PostgresPasswordDescription {
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self, IssuersFileError> {
        fields.only(&["kind", "server", "roles"], SECRETS)?;
        let server = PostgresServerDescription::read(fields)?;
        let roles = fields.texts("roles")?;
        if roles.is_empty() {
            return Err(fields.wrong("roles", "takes at least one role whose password is to be set"));
        }
        Ok(Self { server, roles })
    }
}

impl PostgresRoleDescription {
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self, IssuersFileError> {
        const FIELDS: [&str; 8] =
            ["kind", "server", "member_of", "grants", "connections_max", "acting_as", "leaving_to", "valid_for_secs"];
        fields.only(&FIELDS, SECRETS)?;
        let valid_for = fields.number("valid_for_secs", 60..=315_360_000, "takes 60 to 315360000")?;
        Ok(Self {
            server: PostgresServerDescription::read(fields)?,
            member_of: fields.texts("member_of")?,
            grants: fields.objects("grants", |grant| GrantDescription::read(&grant))?,
            connections_max: fields.number("connections_max", 0..=65_535, "takes 0 to 65535")?,
            acting_as: fields.text("acting_as")?,
            leaving_to: fields.text("leaving_to")?,
            valid_for: valid_for.map(Duration::from_secs),
        })
    }
}

impl PostgresServerDescription {
    fn read(fields: &Fields<'_>) -> Result<Self, IssuersFileError> {
        const FIELDS: [&str; 9] = [
            "host",
            "port",
            "database",
            "user",
            "password_file",
            "password_secret",
            "tls",
            "plain_passwords",
            "limit_secs",
        ];
        let place = fields.find("server");
        let fields = Fields::of(fields.needed("server", place)?)?;
        fields.only(&FIELDS, SECRETS)?;
        let host = fields.needed("host", fields.text("host")?)?;
        if host.contains(['@', '=', '?']) || host.contains("://") {
            let rule = "takes a name, an address, or the directory of a socket, and nothing around it";
            return Err(fields.wrong("host", rule));
        }
        Ok(Self {
            port: fields.number("port", 0..=65_535, "takes 0 to 65535")?.unwrap_or(PORT_DEFAULT),
            database: fields.needed("database", fields.text("database")?)?,
            user: fields.needed("user", fields.text("user")?)?,
            password: SecretSource::read(&fields, "password_file", "password_secret")?,
            tls: TlsDescription::read(&fields, &host)?,
            plain_passwords: fields.flag("plain_passwords")?,
            limit: limit(&fields)?.unwrap_or(LIMIT_DEFAULT),
            host,
        })
    }
}

impl TlsDescription {
    fn read(fields: &Fields<'_>, host: &str) -> Result<Self, IssuersFileError> {
        let Some(place) = fields.find("tls") else {
            return if host.starts_with('/') { Ok(Self::Off) } else { Err(fields.wrong("tls", TLS)) };
        };
        if place.text().is_ok_and(|word| word == "off") {
            return Ok(Self::Off);
        }
        let tls = Fields::of(place)
            .map_err(|error| if error.field().ends_with("tls") { fields.wrong("tls", TLS) } else { error })?;
        tls.only(&["ca_file"], SECRETS)?;
        tls.needed("ca_file", tls.path("ca_file")?).map(Self::Trusting)
    }
}

impl GrantDescription {
    fn read(fields: &Fields<'_>) -> Result<Self, IssuersFileError> {
        fields.only(&["privileges", "on"], SECRETS)?;
        let privileges = fields.texts("privileges")?;
        if privileges.is_empty() {
            return Err(fields.wrong("privileges", "takes at least one"));
        }
        let on = Fields::of(fields.needed("on", fields.find("on"))?)?;
        on.only(&["database", "schema", "table", "all"], SECRETS)?;
        let named = (on.text("database")?, on.text("schema")?, on.text("table")?);
        let on = match (named, on.text("all")?.as_deref()) {
            ((Some(database), None, None), None) => GrantTarget::Database(database),
            ((None, Some(schema), None), None) => GrantTarget::Schema(schema),
            ((None, Some(schema), Some(table)), None) => GrantTarget::Table(schema, table),
            ((None, Some(schema), None), Some("tables")) => GrantTarget::AllTables(schema),
            ((None, Some(schema), None), Some("sequences")) => GrantTarget::AllSequences(schema),
            ((None, Some(schema), None), Some("functions")) => GrantTarget::AllFunctions(schema),
            _ => return Err(fields.wrong("on", ON)),
        };
        Ok(Self { privileges, on })
    }
}
