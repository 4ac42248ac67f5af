//! Owns the writing of descriptions as a file that reads as the same descriptions. What is not given is left out.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::{
    DescribedIssuer, ExecDescription, GrantDescription, GrantTarget, IssuerDescription, PostgresPasswordDescription,
    PostgresRoleDescription, PostgresServerDescription, PrivateCaDescription, SecretSource, TlsDescription,
};

/// Writes those issuers that are described rightly.
pub(super) fn write(issuers: &[DescribedIssuer]) -> String {
    let described = issuers.iter().filter_map(|issuer| {
        let description = issuer.description.as_ref().ok()?;
        Some((issuer.name.as_ref()?.as_str().to_owned(), value(description)))
    });
    Value::Object(described.collect()).to_string()
}

fn value(description: &IssuerDescription) -> Value {
    let mut value = match description {
        IssuerDescription::Exec(described) => exec(described),
        IssuerDescription::PostgresPassword(described) => password(described),
        IssuerDescription::PostgresRole(described) => role(described),
        IssuerDescription::PrivateCa(described) => private_ca(described),
    };
    leave_out_null(&mut value);
    value
}

fn leave_out_null(value: &mut Value) {
    if let Value::Object(fields) = value {
        fields.retain(|_, value| !value.is_null());
        fields.values_mut().for_each(leave_out_null);
    }
}

fn path(path: &Path) -> Value {
    path.to_string_lossy().into()
}

fn secs(length: Option<Duration>) -> Option<u64> {
    length.map(|length| length.as_secs())
}

fn source(source: Option<&SecretSource>) -> (Option<Value>, Option<&str>) {
    match source {
        None => (None, None),
        Some(SecretSource::File(file)) => (Some(path(file)), None),
        Some(SecretSource::Secret(name)) => (None, Some(name)),
    }
}

fn exec(exec: &ExecDescription) -> Value {
    json!({
        "kind": "exec",
        "program": path(&exec.program),
        "args": exec.args,
        "env": exec.env,
        "directory": exec.directory.as_deref().map(path),
        "class": exec.class.label(),
        "limit_secs": exec.limit.as_secs(),
        "job_limit_secs": secs(exec.job_limit),
    })
}

fn password(password: &PostgresPasswordDescription) -> Value {
    json!({ "kind": "postgres_password", "server": server(&password.server), "roles": password.roles })
}

fn role(role: &PostgresRoleDescription) -> Value {
    json!({
        "kind": "postgres_role",
        "server": server(&role.server),
        "member_of": role.member_of,
        "grants": role.grants.iter().map(grant).collect::<Vec<_>>(),
        "connections_max": role.connections_max,
        "acting_as": role.acting_as,
        "leaving_to": role.leaving_to,
        "valid_for_secs": secs(role.valid_for),
    })
}

fn server(server: &PostgresServerDescription) -> Value {
    let (file, secret) = source(server.password.as_ref());
    json!({
        "host": server.host,
        "port": server.port,
        "database": server.database,
        "user": server.user,
        "password_file": file,
        "password_secret": secret,
        "tls": match &server.tls {
            TlsDescription::Off => json!("off"),
            TlsDescription::Trusting(file) => json!({ "ca_file": path(file) }),
        },
        "plain_passwords": server.plain_passwords,
        "limit_secs": server.limit.as_secs(),
    })
}

fn grant(grant: &GrantDescription) -> Value {
    let on = match &grant.on {
        GrantTarget::Database(database) => json!({ "database": database }),
        GrantTarget::Schema(schema) => json!({ "schema": schema }),
        GrantTarget::Table(schema, table) => json!({ "schema": schema, "table": table }),
        GrantTarget::AllTables(schema) => json!({ "schema": schema, "all": "tables" }),
        GrantTarget::AllSequences(schema) => json!({ "schema": schema, "all": "sequences" }),
        GrantTarget::AllFunctions(schema) => json!({ "schema": schema, "all": "functions" }),
    };
    json!({ "privileges": grant.privileges, "on": on })
}

fn private_ca(ca: &PrivateCaDescription) -> Value {
    let (file, secret) = source(Some(&ca.key));
    json!({
        "kind": "private_ca",
        "certificate_file": path(&ca.certificate_file),
        "key_file": file,
        "key_secret": secret,
        "register_file": path(&ca.register_file),
        "ttl_secs": ca.ttl.as_secs(),
        "names": ca.names,
        "below": ca.below,
        "wildcards": ca.wildcards,
        "addresses": ca.addresses,
        "leaf_key": ca.leaf_key.word(),
        "revocation_url": ca.revocation_url,
        "revocation_list_file": path(&ca.revocation_list_file),
    })
}
