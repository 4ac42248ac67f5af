//! Owns the rights of a fresh role: memberships and grants, made from names and known words, never from SQL text.
//!
//! Read next: [`super::role`].

use std::fmt::Write as _;

use super::identifier::SqlIdentifier;

/// A right that can be granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SqlPrivilege {
    /// `CONNECT`, on a database.
    Connect,
    /// `CREATE`, on a database or schema.
    Create,
    /// `DELETE`, on tables.
    Delete,
    /// `EXECUTE`, on functions.
    Execute,
    /// `INSERT`, on tables.
    Insert,
    /// `REFERENCES`, on tables.
    References,
    /// `SELECT`, on tables and sequences.
    Select,
    /// `TEMPORARY`, on a database.
    Temporary,
    /// `TRUNCATE`, on tables.
    Truncate,
    /// `UPDATE`, on tables and sequences.
    Update,
    /// `USAGE`, on a schema or sequences.
    Usage,
}

/// The object of a granted right.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SqlTarget {
    /// A database.
    Database(SqlIdentifier),
    /// A schema.
    Schema(SqlIdentifier),
    /// One table or view: its schema and its name.
    Table(SqlIdentifier, SqlIdentifier),
    /// All tables and views that are in a schema when the role is made.
    AllTables(SqlIdentifier),
    /// All sequences that are in a schema when the role is made.
    AllSequences(SqlIdentifier),
    /// All functions that are in a schema when the role is made.
    AllFunctions(SqlIdentifier),
}

/// The rights of each fresh role: `LOGIN`, and only the rights set here.
///
/// ```
/// use latchkeep::{RoleTemplate, SqlIdentifier, SqlPrivilege, SqlTarget};
///
/// let app = SqlIdentifier::parse("app")?;
/// let template = RoleTemplate::new()
///     .member_of(SqlIdentifier::parse("readers")?)
///     .granting(&[SqlPrivilege::Usage], SqlTarget::Schema(app.clone()))
///     .granting(&[SqlPrivilege::Select, SqlPrivilege::Insert], SqlTarget::AllTables(app));
/// # let _ = template;
/// # Ok::<(), latchkeep::Invalid>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoleTemplate {
    pub(super) groups: Vec<SqlIdentifier>,
    grants: Vec<(Vec<SqlPrivilege>, SqlTarget)>,
    connections_max: Option<u16>,
    pub(super) acting_as: Option<SqlIdentifier>,
    pub(super) heir: Option<SqlIdentifier>,
}

impl RoleTemplate {
    /// Makes a template of a role with only the right to log in (and those of `PUBLIC`).
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes the role a member of another, which then decides its rights. Prefer this.
    #[must_use]
    pub fn member_of(mut self, role: SqlIdentifier) -> Self {
        self.groups.push(role);
        self
    }

    /// Grants the role rights of its own. The server checks whether they fit the object.
    #[must_use]
    pub fn granting(mut self, privileges: &[SqlPrivilege], on: SqlTarget) -> Self {
        if !privileges.is_empty() {
            self.grants.push((privileges.to_vec(), on));
        }
        self
    }

    /// Sets how many connections the role may have at a time.
    #[must_use]
    pub const fn with_connections_max(mut self, connections: u16) -> Self {
        self.connections_max = Some(connections);
        self
    }

    /// Makes the role a member of another, and lets its sessions begin as that one (`SET ROLE`): what they make belongs
    /// to that group and outlives each version.
    #[must_use]
    pub fn acting_as(mut self, group: SqlIdentifier) -> Self {
        self.acting_as = Some(group);
        self
    }

    /// Sets which role takes over the objects of a retired role.
    ///
    /// By default, a role without rights is made for each retired role that owns something. A role that is named here
    /// gets only data, unless it has no rights either. Functions, views, and tables with rules, triggers, policies or
    /// computed indexes act with the rights of their owner, so their author would get the rights of the heir. A role
    /// that owns such things is then not retired, but keeps them without a login, and the error says so.
    #[must_use]
    pub fn leaving_to(mut self, role: SqlIdentifier) -> Self {
        self.heir = Some(role);
        self
    }

    /// Returns the statements that make a role, without a transaction. Verifier and time are ours: neither contains a
    /// quote or backslash.
    pub(super) fn statements(&self, role: &SqlIdentifier, verifier: &str, valid_until: Option<&str>) -> String {
        let name = role.quoted();
        let mut sql = format!("CREATE ROLE {name} LOGIN PASSWORD '{verifier}'");
        // Writing to a string does not fail.
        if let Some(time) = valid_until {
            let _ = write!(sql, " VALID UNTIL '{time}'");
        }
        if let Some(connections) = self.connections_max {
            let _ = write!(sql, " CONNECTION LIMIT {connections}");
        }
        sql.push_str(";\n");
        for group in self.groups() {
            let _ = writeln!(sql, "GRANT {} TO {name};", group.quoted());
        }
        if let Some(group) = &self.acting_as {
            let _ = writeln!(sql, "ALTER ROLE {name} SET role TO {};", group.quoted());
        }
        for (privileges, on) in &self.grants {
            let words: Vec<_> = privileges.iter().map(|privilege| privilege.word()).collect();
            let _ = writeln!(sql, "GRANT {} ON {} TO {name};", words.join(", "), on.phrase());
        }
        sql
    }

    /// Returns the roles that a fresh role is a member of.
    pub(super) fn groups(&self) -> impl Iterator<Item = &SqlIdentifier> {
        let already = |group: &&SqlIdentifier| !self.groups.contains(*group);
        self.groups.iter().chain(self.acting_as.iter().filter(already))
    }

    /// Returns the statements that let a role create wherever the template lets its roles do so.
    pub(super) fn making(&self, role: &SqlIdentifier) -> String {
        self.making_with(role, "GRANT", "TO")
    }

    /// Returns the statements that revoke that.
    pub(super) fn unmaking(&self, role: &SqlIdentifier) -> String {
        self.making_with(role, "REVOKE", "FROM")
    }

    fn making_with(&self, role: &SqlIdentifier, verb: &str, whom: &str) -> String {
        let name = role.quoted();
        let mut sql = String::new();
        for group in self.groups() {
            let _ = writeln!(sql, "{verb} {} {whom} {name};", group.quoted());
        }
        let makes = |(privileges, on): &&(Vec<SqlPrivilege>, SqlTarget)| {
            matches!(on, SqlTarget::Schema(_)) && privileges.contains(&SqlPrivilege::Create)
        };
        for (_, on) in self.grants.iter().filter(makes) {
            let _ = writeln!(sql, "{verb} CREATE ON {} {whom} {name};", on.phrase());
        }
        sql
    }
}

impl SqlPrivilege {
    const fn word(self) -> &'static str {
        match self {
            Self::Connect => "CONNECT",
            Self::Create => "CREATE",
            Self::Delete => "DELETE",
            Self::Execute => "EXECUTE",
            Self::Insert => "INSERT",
            Self::References => "REFERENCES",
            Self::Select => "SELECT",
            Self::Temporary => "TEMPORARY",
            Self::Truncate => "TRUNCATE",
            Self::Update => "UPDATE",
            Self::Usage => "USAGE",
        }
    }
}

impl SqlTarget {
    fn phrase(&self) -> String {
        match self {
            Self::Database(name) => format!("DATABASE {}", name.quoted()),
            Self::Schema(name) => format!("SCHEMA {}", name.quoted()),
            Self::Table(schema, name) => format!("TABLE {}.{}", schema.quoted(), name.quoted()),
            Self::AllTables(schema) => format!("ALL TABLES IN SCHEMA {}", schema.quoted()),
            Self::AllSequences(schema) => format!("ALL SEQUENCES IN SCHEMA {}", schema.quoted()),
            Self::AllFunctions(schema) => format!("ALL FUNCTIONS IN SCHEMA {}", schema.quoted()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_wherever_they_stand() {
        let name = |text: &str| SqlIdentifier::parse(text).unwrap();
        let evil = || name(r#"x" TO PUBLIC; --"#);
        let template = RoleTemplate::new()
            .member_of(evil())
            .granting(&[SqlPrivilege::Select, SqlPrivilege::Update], SqlTarget::Table(evil(), name("t")))
            .granting(&[SqlPrivilege::Usage], SqlTarget::AllSequences(name("s")))
            .granting(&[], SqlTarget::Database(name("unsaid")))
            .granting(&[SqlPrivilege::Create], SqlTarget::Schema(name("s")))
            .acting_as(name("g"))
            .with_connections_max(3);
        let expected = "CREATE ROLE \"r\" LOGIN PASSWORD 'V' VALID UNTIL 'T' CONNECTION LIMIT 3;\n\
             GRANT \"x\"\" TO PUBLIC; --\" TO \"r\";\n\
             GRANT \"g\" TO \"r\";\n\
             ALTER ROLE \"r\" SET role TO \"g\";\n\
             GRANT SELECT, UPDATE ON TABLE \"x\"\" TO PUBLIC; --\".\"t\" TO \"r\";\n\
             GRANT USAGE ON ALL SEQUENCES IN SCHEMA \"s\" TO \"r\";\n\
             GRANT CREATE ON SCHEMA \"s\" TO \"r\";\n";
        assert_eq!(template.statements(&name("r"), "V", Some("T")), expected);
        let unmade = "REVOKE \"x\"\" TO PUBLIC; --\" FROM \"r\";\nREVOKE \"g\" FROM \"r\";\n\
             REVOKE CREATE ON SCHEMA \"s\" FROM \"r\";\n";
        assert_eq!(template.unmaking(&name("r")), unmade);
        assert_eq!(RoleTemplate::new().statements(&name("r"), "V", None), "CREATE ROLE \"r\" LOGIN PASSWORD 'V';\n");
    }
}
