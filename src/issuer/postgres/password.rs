//! Owns the issuer that sets the password of permanent PostgreSQL roles.
//!
//! Read next: [`super::role`].

use super::identifier::SqlIdentifier;
use super::server::PostgresServer;
use super::session::{self, Doing, Login};
use super::trouble::Phase;
use crate::domain::invalid::Invalid;
use crate::domain::name::OutsideId;
use crate::domain::rotation::IssuerClass;
use crate::domain::secret::PasswordPolicy;
use crate::issuer::credential;
use crate::issuer::issuer::{IssueOrder, Issuer};
use crate::issuer::outcome::{Issued, IssuerError};
use crate::issuer::password::generate;
use crate::issuer::value::unmade;
use crate::seal::secret_bytes::SecretBytes;

/// Sets the password of a PostgreSQL role, class `SetValue`: the old password becomes invalid when the new one is set;
/// open sessions stay.
///
/// The credential is `{"username", "password", "host", "port", "database"}`. The admin role needs `CREATEROLE` (from
/// release 16 on, with `ADMIN OPTION` on the role). The password is sent as a SCRAM-SHA-256 verifier, so it appears in
/// no statement and no log of the server. A secret may choose among several roles by its parameters, `{"role":
/// "name"}`.
///
/// ```
/// use latchkeep::{PostgresPassword, PostgresServer, PostgresTls, SqlIdentifier};
///
/// let admin = SqlIdentifier::parse("latchkeep_admin")?;
/// let server = PostgresServer::new("db.internal", 5432, SqlIdentifier::parse("app")?, admin, PostgresTls::off())?;
/// let issuer = PostgresPassword::new(server, SqlIdentifier::parse("billing")?)?;
/// # let _ = issuer;
/// # Ok::<(), latchkeep::Invalid>(())
/// ```
#[derive(Clone, Debug)]
pub struct PostgresPassword {
    server: PostgresServer,
    roles: Vec<SqlIdentifier>,
    rules: PasswordPolicy,
}

impl PostgresPassword {
    /// Makes an issuer for one role.
    ///
    /// # Errors
    ///
    /// [`Invalid`] when it is the admin role: if the reply to a change of its own password were lost, it could not log
    /// in to set it again.
    pub fn new(server: PostgresServer, role: SqlIdentifier) -> Result<Self, Invalid> {
        Self { server, roles: Vec::new(), rules: PasswordPolicy::default() }.allowing(role)
    }

    /// Allows another role; secrets then name theirs. No other role is ever touched.
    ///
    /// # Errors
    ///
    /// As [`PostgresPassword::new`].
    pub fn allowing(mut self, role: SqlIdentifier) -> Result<Self, Invalid> {
        if role == self.server.admin {
            return Err(Invalid::new("PostgreSQL role", "is the admin role, whose password cannot be set by itself"));
        }
        if !self.roles.contains(&role) {
            self.roles.push(role);
        }
        Ok(self)
    }

    /// Sets the rules for passwords; 32 characters of all classes by default.
    #[must_use]
    pub const fn with_rules(mut self, rules: PasswordPolicy) -> Self {
        self.rules = rules;
        self
    }

    /// Returns the role of an order.
    fn role(&self, order: &IssueOrder<'_>) -> Result<&SqlIdentifier, IssuerError> {
        let Some(parameters) = order.parameters.filter(|parameters| !parameters.is_empty()) else {
            return match self.roles.as_slice() {
                [only] => Ok(only),
                _ => Err(IssuerError::refused("there are several roles; say which in the parameters, {\"role\": ..}")),
            };
        };
        let chosen: Chosen = serde_json::from_str(parameters.as_str())
            .map_err(|_| IssuerError::refused("the parameters take one field, role, which is text"))?;
        let role = self.roles.iter().find(|role| role.as_str() == chosen.role);
        role.ok_or_else(|| IssuerError::refused("the role in the parameters is not one that this issuer may change"))
    }
}

/// The parameters in a secret's settings.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Chosen {
    role: String,
}

impl Issuer for PostgresPassword {
    fn class(&self) -> IssuerClass {
        IssuerClass::SetValue
    }

    fn pick(&self, order: &IssueOrder<'_>) -> Result<SecretBytes, IssuerError> {
        let role = self.role(order)?;
        self.server.credential(role, &random_password(self.rules)?)
    }

    fn take(&self, order: &IssueOrder<'_>, brought: &SecretBytes) -> Result<SecretBytes, IssuerError> {
        self.server.credential(self.role(order)?, brought)
    }

    fn create(&self, order: &IssueOrder<'_>, value: Option<&SecretBytes>) -> Result<Issued, IssuerError> {
        let role = self.role(order)?;
        let value = value.ok_or_else(|| IssuerError::refused("there is no value to set"))?;
        let password = password_of(role, value)?;
        let sql = format!("ALTER ROLE {} PASSWORD '{}'", role.quoted(), session::verifier(&password));
        let doing = Doing(Phase::Changing, "setting the password");
        session::work(&self.server, &Login::Admin, doing, async |client| client.batch_execute(&sql).await)?;
        Ok(Issued::new(SecretBytes::copy_from(value.expose())))
    }

    fn verify(&self, order: &IssueOrder<'_>, credential: &SecretBytes) -> Result<(), IssuerError> {
        let role = self.role(order)?;
        log_in(&self.server, role, &password_of(role, credential)?)
    }

    fn retire(&self, _: &IssueOrder<'_>, _: Option<&OutsideId>) -> Result<(), IssuerError> {
        Ok(())
    }
}

/// Returns the password in a credential of this role.
fn password_of(role: &SqlIdentifier, credential: &SecretBytes) -> Result<SecretBytes, IssuerError> {
    let named = credential::text_field(credential, "username");
    if named.is_none_or(|name| name.expose() != role.as_str().as_bytes()) {
        return Err(IssuerError::refused("the value was picked for another role"));
    }
    credential::text_field(credential, "password").ok_or_else(|| IssuerError::refused("the value holds no password"))
}

/// Logs in as an account, and runs a query.
pub(super) fn log_in(server: &PostgresServer, user: &SqlIdentifier, password: &SecretBytes) -> Result<(), IssuerError> {
    let doing = Doing(Phase::Asking, "logging in");
    session::work(server, &Login::Account(user, password), doing, async |client| client.batch_execute("SELECT 1").await)
}

/// Draws a password.
///
/// # Errors
///
/// Refused when the rules cannot be kept, unavailable when the system gives no random bytes.
pub(super) fn random_password(rules: PasswordPolicy) -> Result<SecretBytes, IssuerError> {
    generate(rules).map_err(|error| unmade(&error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::LogId;
    use crate::domain::json::JsonObject;
    use crate::domain::name::SecretName;
    use crate::issuer::kit::Trial;
    use crate::issuer::postgres::testing::{name, server};

    fn trial(parameters: &str) -> Trial {
        let trial = Trial::new(LogId::from_bytes([5; 16]), SecretName::parse("billing").unwrap());
        trial.with_parameters(JsonObject::parse(parameters).unwrap())
    }

    #[test]
    fn a_secret_chooses_among_the_roles_that_the_host_allows_and_no_others() {
        let one = PostgresPassword::new(server(), name("a")).unwrap();
        let two = one.clone().allowing(name("b")).unwrap();
        let picked = |issuer: &PostgresPassword, parameters: &str| {
            let value = issuer.pick(&trial(parameters).order(1)).map_err(|error| error.to_string())?;
            Ok::<_, String>(credential::text_field(&value, "username").unwrap().expose_text().unwrap().to_owned())
        };
        assert_eq!(picked(&one, "{}").unwrap(), "a");
        assert_eq!(picked(&two, r#"{"role":"b"}"#).unwrap(), "b");
        for (issuer, parameters, words) in [
            (&two, "{}", "several roles"),
            (&one, r#"{"role":"b"}"#, "not one that this issuer may change"),
            (&one, r#"{"role":"admin"}"#, "not one that this issuer may change"),
            (&one, r#"{"role":"a\"; DROP ROLE x; --"}"#, "not one that this issuer may change"),
            (&one, r#"{"role":7}"#, "take one field"),
            (&one, r#"{"role":"a","superuser":true}"#, "take one field"),
        ] {
            assert!(picked(issuer, parameters).unwrap_err().contains(words), "{parameters}");
        }
        assert!(PostgresPassword::new(server(), name("admin")).is_err());
    }

    #[test]
    fn a_value_for_another_role_is_not_set() {
        let issuer = PostgresPassword::new(server(), name("a")).unwrap();
        for value in ["{}", "x", r#"{"username":"b","password":"x"}"#, r#"{"username":"a"}"#, r#"{"password":"x"}"#] {
            let value = SecretBytes::from(value.to_owned());
            let error = issuer.create(&trial("{}").order(1), Some(&value)).unwrap_err();
            assert!(error.to_string().starts_with("refused: the value"), "{error}");
        }
    }

    #[test]
    fn a_server_that_is_not_there_is_not_available() {
        let issuer = PostgresPassword::new(server(), name("a")).unwrap();
        let trial = trial("{}");
        let value = issuer.pick(&trial.order(1)).unwrap();
        let error = issuer.create(&trial.order(1), Some(&value)).unwrap_err();
        assert!(error.to_string().starts_with("not available: setting the password: nothing listens"), "{error}");
    }

    #[test]
    fn a_thread_that_runs_async_code_is_not_blocked() {
        let issuer = PostgresPassword::new(server(), name("a")).unwrap();
        let trial = trial("{}");
        let value = issuer.pick(&trial.order(1)).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let error = runtime.block_on(async { issuer.create(&trial.order(1), Some(&value)).unwrap_err() });
        assert!(error.to_string().contains("runs no async code"), "{error}");
    }
}
