//! Owns the issuer that makes a fresh PostgreSQL role per version and drops it when it is retired.
//!
//! Read next: [`super::tag`].

use std::time::Duration;

use tokio_postgres::{Client, Error, SimpleQueryMessage};

use super::ending::Leaving;
use super::identifier::SqlIdentifier;
use super::password::{log_in, random_password};
use super::server::PostgresServer;
use super::session::{self, Doing, Login};
use super::tag;
use super::template::RoleTemplate;
use super::trouble::{Phase, UNDEFINED};
use crate::domain::id::{LogId, RotationId};
use crate::domain::invalid::Invalid;
use crate::domain::name::OutsideId;
use crate::domain::rotation::IssuerClass;
use crate::domain::secret::PasswordPolicy;
use crate::domain::time::Timestamp;
use crate::issuer::credential;
use crate::issuer::issuer::{IssueOrder, Issuer};
use crate::issuer::outcome::{Issued, IssuerError};
use crate::seal::secret_bytes::SecretBytes;

const NANOS_PER_SEC: u64 = 1_000_000_000;

/// Makes a fresh PostgreSQL role per version, class `CreateDiscoverable`, with rights from a template.
///
/// The role is made in one transaction, so it exists completely or not at all. Its name contains store and rotation, so
/// a role whose reply was lost can be found. Retiring a role removes its login and its sessions, hands its objects in
/// the database to a role that gains no power from them ([`RoleTemplate::leaving_to`]), and drops it. Its objects in
/// *other* databases are not handed on, and rights that others granted to it are not revoked. Then it stays, without a
/// login, and the error says why.
///
/// The credential is `{"username", "password", "host", "port", "database"}`. The admin role needs `CREATEROLE`, `ADMIN
/// OPTION` on the template's groups (from release 16 on), every right of the template with `GRANT OPTION`, and
/// membership in the heir if the template names one. Up to release 15 it must not have `NOINHERIT`. A group that leads
/// to the admin role is refused. Takes no parameters.
///
/// ```
/// use std::time::Duration;
///
/// use latchkeep::{PostgresRole, PostgresServer, PostgresTls, RoleTemplate, SqlIdentifier};
///
/// let admin = SqlIdentifier::parse("latchkeep_admin")?;
/// let server = PostgresServer::new("db.internal", 5432, SqlIdentifier::parse("app")?, admin, PostgresTls::off())?;
/// let template = RoleTemplate::new().member_of(SqlIdentifier::parse("readers")?);
/// let issuer = PostgresRole::new(server, template)?.valid_for(Duration::from_secs(30 * 24 * 3_600));
/// # let _ = issuer;
/// # Ok::<(), latchkeep::Invalid>(())
/// ```
#[derive(Clone, Debug)]
pub struct PostgresRole {
    server: PostgresServer,
    template: RoleTemplate,
    rules: PasswordPolicy,
    valid_for: Option<Duration>,
}

impl PostgresRole {
    /// Makes an issuer of roles with the rights of a template.
    ///
    /// # Errors
    ///
    /// [`Invalid`] when the template makes roles members of the admin role, which would make each of them an admin.
    pub fn new(server: PostgresServer, template: RoleTemplate) -> Result<Self, Invalid> {
        if template.groups().any(|group| *group == server.admin) {
            return Err(Invalid::new("role template", "makes each role a member of the admin role"));
        }
        Ok(Self { server, template, rules: PasswordPolicy::default(), valid_for: None })
    }

    /// Lets the server refuse a role's logins this long after it was made, by the server's clock, in case it is never
    /// retired.
    #[must_use]
    pub const fn valid_for(mut self, length: Duration) -> Self {
        self.valid_for = Some(length);
        self
    }

    /// Sets the rules for passwords; 32 characters of all classes by default.
    #[must_use]
    pub const fn with_rules(mut self, rules: PasswordPolicy) -> Self {
        self.rules = rules;
        self
    }

    /// Returns the name of a role of this store: its name in the outside system if that is known, otherwise from the
    /// rotation.
    fn name(order: &IssueOrder<'_>, outside: Option<&OutsideId>) -> Result<SqlIdentifier, IssuerError> {
        let Some(outside) = outside else {
            return tag::name(order.store, order.rotation)
                .ok_or_else(|| IssuerError::refused("there is no name for the role"));
        };
        let ours = tag::rotation(order.store, outside.as_str()).is_some();
        match SqlIdentifier::parse(outside.as_str()) {
            Ok(name) if ours => Ok(name),
            _ => Err(IssuerError::refused("the role is not one that was made for this store; it is left alone")),
        }
    }

    /// Returns when a role that is made now ends.
    fn end(&self, now_secs: u64) -> Option<Timestamp> {
        let length = self.valid_for?;
        Some(Timestamp::from_nanos(now_secs.saturating_mul(NANOS_PER_SEC)).plus(length))
    }
}

impl Issuer for PostgresRole {
    fn class(&self) -> IssuerClass {
        IssuerClass::CreateDiscoverable
    }

    fn create(&self, order: &IssueOrder<'_>, _: Option<&SecretBytes>) -> Result<Issued, IssuerError> {
        order.without_parameters()?;
        let name = Self::name(order, None)?;
        let password = random_password(self.rules)?;
        let verifier = session::verifier(&password);
        let doing = Doing(Phase::Changing, "making a role");
        let end = session::work(&self.server, &Login::Admin, doing, async |client| {
            let end = if self.valid_for.is_some() { self.end(server_secs(client).await?) } else { None };
            let until = end.map(|end| end.to_string());
            let sql = self.template.statements(&name, &verifier, until.as_deref());
            client.batch_execute(&format!("BEGIN;\n{sql}{};\nCOMMIT", no_admin(&name))).await?;
            Ok(end)
        })?;
        let outside = outside_id(name.as_str())?;
        let issued = Issued::new(self.server.credential(&name, &password)?).known_as(outside);
        Ok(match end {
            Some(end) => issued.expiring_at(end),
            None => issued,
        })
    }

    fn find(&self, order: &IssueOrder<'_>) -> Result<Vec<OutsideId>, IssuerError> {
        let name = Self::name(order, None)?;
        let found = roles_beginning_with(&self.server, name.as_str(), "looking for a role")?;
        found.iter().filter(|found| *found == name.as_str()).map(|found| outside_id(found)).collect()
    }

    fn verify(&self, _: &IssueOrder<'_>, credential: &SecretBytes) -> Result<(), IssuerError> {
        let [user, password] = ["username", "password"].map(|name| credential::text_field(credential, name));
        let user = user.and_then(|user| SqlIdentifier::parse(user.expose_text().ok()?).ok());
        match (user, password) {
            (Some(user), Some(password)) => log_in(&self.server, &user, &password),
            _ => Err(IssuerError::refused("the credential names no account")),
        }
    }

    /// Takes the password, alone or from the credential of another store, and asks the server when the role ends.
    fn adopt(&self, order: &IssueOrder<'_>, outside: &OutsideId, brought: &SecretBytes) -> Result<Issued, IssuerError> {
        let name = Self::name(order, Some(outside))?;
        let [user, password] = ["username", "password"].map(|field| credential::text_field(brought, field));
        if user.is_some_and(|user| user.expose() != name.as_str().as_bytes()) {
            return Err(IssuerError::refused("the credential is that of another role"));
        }
        let issued = Issued::new(self.server.credential(&name, password.as_ref().unwrap_or(brought))?);
        let issued = issued.known_as(outside.clone());
        Ok(match role_end(&self.server, &name)? {
            Some(end) => issued.expiring_at(end),
            None => issued,
        })
    }

    fn retire(&self, order: &IssueOrder<'_>, outside: Option<&OutsideId>) -> Result<(), IssuerError> {
        const DOING: &str = "retiring a role";
        let name = Self::name(order, outside)?;
        let is_there = || {
            let found = roles_beginning_with(&self.server, name.as_str(), DOING)?;
            Ok::<_, IssuerError>(found.iter().any(|found| found == name.as_str()))
        };
        if !is_there()? {
            return Ok(());
        }
        let left = tag::left_by(&name).ok_or_else(|| IssuerError::refused("there is no name for who takes over"))?;
        let leaving = Leaving { role: &name, left: &left, template: &self.template };
        let done = session::attempt(&self.server, &Login::Admin, DOING, async |client| leaving.end(client).await)?;
        match done {
            Ok(ended) => ended,
            // The role was dropped meanwhile, or another object does not exist: a query finds out which.
            Err(trouble) if trouble.code() == Some(UNDEFINED) && !is_there()? => Ok(()),
            Err(trouble) => {
                let kept = trouble.kept(&self.server.database);
                Err(kept.unwrap_or_else(|| trouble.told(Phase::Changing, DOING)))
            }
        }
    }

    fn list(&self, store: LogId) -> Result<Vec<(RotationId, OutsideId)>, IssuerError> {
        let found = roles_beginning_with(&self.server, &tag::prefix(store), "listing the store's roles")?;
        let ours = found.iter().filter_map(|name| Some((tag::rotation(store, name)?, name)));
        ours.map(|(rotation, name)| Ok((rotation, outside_id(name)?))).collect()
    }
}

/// Returns a query that fails if a role became a member of the admin role, even indirectly; then the transaction fails
/// too.
fn no_admin(role: &SqlIdentifier) -> String {
    let literal = role.as_str().replace('\'', "''");
    format!("SELECT 1 / (CASE WHEN pg_has_role('{literal}'::name, CURRENT_USER, 'MEMBER') THEN 0 ELSE 1 END)")
}

fn outside_id(name: &str) -> Result<OutsideId, IssuerError> {
    OutsideId::parse(name).map_err(|_| IssuerError::refused("the name of the role is none that can be kept"))
}

/// Returns the names of all roles that begin with a text of letters, digits and underscores.
fn roles_beginning_with(
    server: &PostgresServer,
    beginning: &str,
    doing: &'static str,
) -> Result<Vec<String>, IssuerError> {
    const SQL: &str = "SELECT rolname::text FROM pg_roles WHERE starts_with(rolname::text, $1)";
    session::work(server, &Login::Admin, Doing(Phase::Asking, doing), async |client| {
        let rows = client.query(SQL, &[&beginning]).await?;
        rows.iter().map(|row| row.try_get(0)).collect()
    })
}

/// Returns until when a role may log in, if that ends.
fn role_end(server: &PostgresServer, name: &SqlIdentifier) -> Result<Option<Timestamp>, IssuerError> {
    const SQL: &str = "SELECT floor(extract(epoch FROM rolvaliduntil))::bigint FROM pg_roles \
                       WHERE rolname::text = $1 AND isfinite(rolvaliduntil)";
    let doing = Doing(Phase::Asking, "asking when a role ends");
    let secs: Option<i64> = session::work(server, &Login::Admin, doing, async |client| {
        let row = client.query_opt(SQL, &[&name.as_str()]).await?;
        row.map(|row| row.try_get(0)).transpose()
    })?;
    let end = secs.and_then(|secs| u64::try_from(secs).ok()).map(|secs| secs.saturating_mul(NANOS_PER_SEC));
    Ok(end.map(Timestamp::from_nanos))
}

/// Returns the time of the server's clock, in seconds since 1970.
async fn server_secs(client: &Client) -> Result<u64, Error> {
    let messages = client.simple_query("SELECT floor(extract(epoch FROM now()))::bigint").await?;
    let secs = messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0)?.parse().ok(),
        _ => None,
    });
    Ok(secs.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::name::SecretName;
    use crate::issuer::kit::Trial;
    use crate::issuer::postgres::testing::{name, server};

    #[test]
    fn only_roles_of_the_store_are_ever_retired() {
        let issuer = PostgresRole::new(server(), RoleTemplate::new()).unwrap();
        let trial = Trial::new(LogId::from_bytes([5; 16]), SecretName::parse("billing").unwrap());
        let of_another = tag::name(LogId::from_bytes([6; 16]), RotationId::from_bytes([1; 16])).unwrap();
        for outside in ["postgres", "admin", of_another.as_str(), "lk_", r#"x"; DROP ROLE y; --"#, &"x".repeat(100)] {
            let outside = OutsideId::parse(outside).unwrap();
            let error = issuer.retire(&trial.order(1), Some(&outside)).unwrap_err();
            assert!(error.to_string().contains("left alone"), "{error}");
        }
        assert!(PostgresRole::new(server(), RoleTemplate::new().member_of(name("admin"))).is_err());
    }

    #[test]
    fn a_server_that_is_not_there_is_not_available() {
        let issuer = PostgresRole::new(server(), RoleTemplate::new()).unwrap();
        let trial = Trial::new(LogId::from_bytes([5; 16]), SecretName::parse("billing").unwrap());
        let order = trial.order(1);
        for error in [
            issuer.create(&order, None).map(drop).unwrap_err(),
            issuer.find(&order).map(drop).unwrap_err(),
            issuer.list(order.store).map(drop).unwrap_err(),
            issuer.retire(&order, None).unwrap_err(),
        ] {
            assert!(error.to_string().starts_with("not available: "), "{error}");
        }
    }
}
