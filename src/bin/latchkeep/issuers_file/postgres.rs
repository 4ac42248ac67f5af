//! Owns issuers of the kinds `postgres_password` and `postgres_role`: accounts of a PostgreSQL server.
//!
//! Read next: [`super::source`], for the password of the admin.

use std::sync::Arc;
use std::time::Duration;

use latchkeep::issuers_file::{
    GrantTarget, PostgresPasswordDescription, PostgresRoleDescription, PostgresServerDescription, TlsDescription,
};
use latchkeep::{
    PostgresPassword, PostgresRole, PostgresServer, PostgresTls, RoleTemplate, Session, SqlIdentifier, SqlPrivilege,
    SqlTarget,
};

use super::Made;
use super::source::Source;
use crate::input;

/// Bytes of a file of certificates, at most.
const ROOTS_BYTES_MAX: usize = 1_048_576;

/// Makes an issuer that sets the passwords of roles that stay.
pub(super) fn password(described: &PostgresPasswordDescription, session: &Session) -> Result<Made, String> {
    let (server, longest, problem) = reach(&described.server, session)?;
    let mut roles = described.roles.iter().map(|role| name(role));
    let first = roles.next().ok_or("roles takes at least one role whose password is to be set")??;
    let issuer = PostgresPassword::new(server, first).map_err(|invalid| invalid.to_string())?;
    let issuer =
        roles.try_fold(issuer, |issuer, role| issuer.allowing(role?).map_err(|invalid| invalid.to_string()))?;
    Ok(Made { issuer: Arc::new(issuer), longest, problem })
}

/// Makes an issuer of fresh roles.
pub(super) fn role(described: &PostgresRoleDescription, session: &Session) -> Result<Made, String> {
    let (server, longest, problem) = reach(&described.server, session)?;
    let mut template = RoleTemplate::new();
    for group in &described.member_of {
        template = template.member_of(name(group)?);
    }
    for grant in &described.grants {
        let privileges: Vec<_> = grant.privileges.iter().map(|word| privilege(word)).collect::<Result<_, _>>()?;
        template = template.granting(&privileges, target(&grant.on)?);
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
    if let Some(length) = described.valid_for {
        issuer = issuer.valid_for(length);
    }
    Ok(Made { issuer: Arc::new(issuer), longest, problem })
}

/// Says where the server is, and how long one call there takes at most.
fn reach(
    described: &PostgresServerDescription,
    session: &Session,
) -> Result<(PostgresServer, Duration, Option<String>), String> {
    let tls = protection(&described.tls)?;
    let (database, admin) = (name(&described.database)?, name(&described.user)?);
    let server = PostgresServer::new(&described.host, described.port, database, admin, tls);
    let mut server = server.map_err(|invalid| invalid.to_string())?.giving_up_after(described.limit);
    if described.plain_passwords {
        server = server.giving_passwords_here().map_err(|invalid| invalid.to_string())?;
    }
    let mut problem = None;
    // Asked each time: it may be a secret that rotates, and whose first version another issuer of this file makes.
    if let Some(source) = described.password.as_ref().map(|source| Source::of(source, "password", session)) {
        problem = source.read().err().map(|error| error.reason().to_string());
        server = server.with_admin_password_from(move || source.read());
    }
    Ok((server, described.limit.saturating_mul(2), problem))
}

fn protection(described: &TlsDescription) -> Result<PostgresTls, String> {
    let TlsDescription::Trusting(file) = described else { return Ok(PostgresTls::off()) };
    let roots = input::read_file(file, ROOTS_BYTES_MAX).map_err(|failure| failure.message().to_owned())?;
    let roots = roots.expose_text().map_err(|_| "ca_file is not text".to_owned())?;
    PostgresTls::trusting(roots).map_err(|invalid| invalid.to_string())
}

fn target(described: &GrantTarget) -> Result<SqlTarget, String> {
    Ok(match described {
        GrantTarget::Database(database) => SqlTarget::Database(name(database)?),
        GrantTarget::Schema(schema) => SqlTarget::Schema(name(schema)?),
        GrantTarget::Table(schema, table) => SqlTarget::Table(name(schema)?, name(table)?),
        GrantTarget::AllTables(schema) => SqlTarget::AllTables(name(schema)?),
        GrantTarget::AllSequences(schema) => SqlTarget::AllSequences(name(schema)?),
        GrantTarget::AllFunctions(schema) => SqlTarget::AllFunctions(name(schema)?),
    })
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
