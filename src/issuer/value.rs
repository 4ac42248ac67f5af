//! Owns the issuers of values that no outside system knows: random passwords and API keys, which their users read from
//! the secret.
//!
//! They make nothing outside, so nothing can be lost, found or retired. Read next: [`super::kit`].

use super::credential::{self, Field};
use super::issuer::{IssueOrder, Issuer};
use super::outcome::{Issued, IssuerError};
use super::{api_key, password};
use crate::domain::name::{OutsideId, Username};
use crate::domain::rotation::IssuerClass;
use crate::domain::secret::PasswordPolicy;
use crate::seal::error::SealError;
use crate::seal::secret_bytes::SecretBytes;

/// Issues random passwords, class `SetValue`: `{"password": ...}`, with `username` first if there is one.
///
/// Use it if the user of the password compares with the store itself, or reads the password from it. A password that an
/// outside system knows needs an issuer that sets it there. Takes no parameters.
///
/// ```
/// use std::sync::Arc;
///
/// use latchkeep::{LogId, PasswordIssuer, PasswordPolicy, SecretName};
/// use latchkeep::issuer_kit::{Trial, check};
///
/// let issuer = PasswordIssuer::new(PasswordPolicy::default());
/// let trial = Trial::new(LogId::from_bytes([7; 16]), SecretName::parse("report-mailer")?).without_outside();
/// let report = check(Arc::new(issuer), &trial);
/// assert!(report.is_clean(), "{report}");
/// # Ok::<(), latchkeep::Invalid>(())
/// ```
#[derive(Clone, Debug)]
pub struct PasswordIssuer {
    rules: PasswordPolicy,
    username: Option<Username>,
    excluded: String,
    letter_first: bool,
}

impl PasswordIssuer {
    /// Makes an issuer of passwords that fit the rules.
    #[must_use]
    pub const fn new(rules: PasswordPolicy) -> Self {
        Self { rules, username: None, excluded: String::new(), letter_first: false }
    }

    /// Leaves out characters that the reader of the passwords cannot use: `@/:?#%` break a URL. If a class of
    /// characters becomes empty, no password is made.
    #[must_use]
    pub fn without_characters(mut self, characters: &str) -> Self {
        self.excluded.push_str(characters);
        self
    }

    /// Lets each password begin with a letter: some programs interpret a first `-`, `#` or `!`.
    #[must_use]
    pub const fn beginning_with_letter(mut self) -> Self {
        self.letter_first = true;
        self
    }

    /// Puts a username beside each password.
    #[must_use]
    pub fn with_username(mut self, username: Username) -> Self {
        self.username = Some(username);
        self
    }
}

impl Issuer for PasswordIssuer {
    fn class(&self) -> IssuerClass {
        IssuerClass::SetValue
    }

    fn pick(&self, order: &IssueOrder<'_>) -> Result<SecretBytes, IssuerError> {
        order.without_parameters()?;
        let password = password::generate_without(self.rules, &self.excluded, self.letter_first);
        let password = password.map_err(|error| unmade(&error))?;
        let username = self.username.iter().map(|name| ("username", Field::Text(name.as_str())));
        let fields: Vec<_> = username.chain([("password", Field::Secret(&password))]).collect();
        credential::write(&fields).ok_or_else(not_text)
    }

    fn create(&self, _: &IssueOrder<'_>, value: Option<&SecretBytes>) -> Result<Issued, IssuerError> {
        value_with("password", value)
    }

    fn verify(&self, _: &IssueOrder<'_>, credential: &SecretBytes) -> Result<(), IssuerError> {
        value_with("password", Some(credential)).map(drop)
    }

    fn retire(&self, _: &IssueOrder<'_>, _: Option<&OutsideId>) -> Result<(), IssuerError> {
        Ok(())
    }
}

/// Issues API keys of the store's own making, class `SetValue`: `{"api_key": ..., "api_key_id": ...}`.
/// The keys have the form that [`verify_api_key`](crate::verify_api_key) checks. Takes no parameters.
#[derive(Clone, Copy, Debug, Default)]
pub struct ApiKeyIssuer;

impl Issuer for ApiKeyIssuer {
    fn class(&self) -> IssuerClass {
        IssuerClass::SetValue
    }

    fn pick(&self, order: &IssueOrder<'_>) -> Result<SecretBytes, IssuerError> {
        order.without_parameters()?;
        let made = api_key::generate().map_err(|error| unmade(&error))?;
        let fields = [("api_key", Field::Secret(&made.key)), ("api_key_id", Field::Text(&made.id))];
        credential::write(&fields).ok_or_else(not_text)
    }

    fn create(&self, _: &IssueOrder<'_>, value: Option<&SecretBytes>) -> Result<Issued, IssuerError> {
        value_with("api_key", value)
    }

    fn verify(&self, _: &IssueOrder<'_>, credential: &SecretBytes) -> Result<(), IssuerError> {
        let key = credential::text_field(credential, "api_key");
        let formed = key.is_some_and(|key| api_key::verify_api_key(&key).is_ok());
        formed.then_some(()).ok_or_else(|| IssuerError::refused("the credential holds no API key of the right form"))
    }

    fn retire(&self, _: &IssueOrder<'_>, _: Option<&OutsideId>) -> Result<(), IssuerError> {
        Ok(())
    }
}

/// Returns the error when no value could be made.
pub(super) fn unmade(error: &SealError) -> IssuerError {
    match error {
        SealError::Invalid(_) => {
            IssuerError::refused("the rules for passwords ask for 12 to 256 characters, and some of each class")
        }
        _ => IssuerError::unavailable("the system gave no random bytes"),
    }
}

fn not_text() -> IssuerError {
    IssuerError::refused("the value is not UTF-8 text")
}

/// Returns the picked value as the credential, if it has this field.
fn value_with(field: &str, value: Option<&SecretBytes>) -> Result<Issued, IssuerError> {
    match value.filter(|value| credential::text_field(value, field).is_some()) {
        Some(value) => Ok(Issued::new(SecretBytes::copy_from(value.expose()))),
        None => Err(IssuerError::refused("the value is not one that this issuer picked")),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::id::LogId;
    use crate::domain::json::JsonObject;
    use crate::domain::name::SecretName;
    use crate::issuer::kit::{Trial, check};

    fn trial() -> Trial {
        let refused = JsonObject::parse(r#"{"length":1}"#).unwrap();
        Trial::new(LogId::from_bytes([3; 16]), SecretName::parse("mailer").unwrap()).without_outside().refusing(refused)
    }

    #[test]
    fn both_pass_the_kit() {
        let named = PasswordIssuer::new(PasswordPolicy::default()).with_username(Username::parse("me").unwrap());
        for issuer in [Arc::new(named) as Arc<dyn Issuer>, Arc::new(ApiKeyIssuer)] {
            let report = check(issuer, &trial());
            assert!(report.is_clean(), "{report}");
        }
    }

    #[test]
    fn a_value_of_another_form_is_refused() {
        let order = trial();
        let order = order.order(0);
        for (issuer, good) in [
            (&PasswordIssuer::new(PasswordPolicy::default()) as &dyn Issuer, r#"{"password":"x"}"#),
            (&ApiKeyIssuer, r#"{"api_key":"x"}"#),
        ] {
            for value in [None, Some("{}"), Some("x"), Some(r#"{"password":7}"#)] {
                let value = value.map(|text| SecretBytes::from(text.to_owned()));
                assert!(issuer.create(&order, value.as_ref()).is_err());
            }
            assert!(issuer.create(&order, Some(&SecretBytes::from(good.to_owned()))).is_ok());
        }
        assert!(ApiKeyIssuer.verify(&order, &SecretBytes::copy_from(br#"{"api_key":"lk_x"}"#)).is_err());
        let rules = PasswordPolicy { length: 3, ..PasswordPolicy::default() };
        let refused = PasswordIssuer::new(rules).pick(&IssueOrder { parameters: None, ..order }).unwrap_err();
        assert!(refused.to_string().contains("12 to 256"), "{refused}");
    }
}
