//! Owns secret data: what a version protects, one case per secret type, checked against the bounds of its type when
//! made.
//!
//! It never clones or shows its content; parts are read through [`SecretBytes::expose`]. Data from sealed bytes is not
//! checked against the bounds again, so a store stays readable when a bound changes. Read next: [`super::encoding`].

use std::fmt;

use super::kv_text;
use super::secret_bytes::SecretBytes;
use crate::domain::invalid::Invalid;
use crate::domain::limits;
use crate::domain::name::Username;
use crate::domain::secret::SecretType;

/// Bytes of an API key that a caller brings, at most; ours have fewer.
pub(crate) const API_KEY_BYTES_MAX: usize = 4_096;
/// Bytes of the id of an API key, a service or an access group, at most.
pub(crate) const OUTSIDE_ID_BYTES_MAX: usize = 256;

/// What a version protects, by type of secret. Shows nothing in `Debug`, is wiped when dropped.
///
/// ```
/// use latchkeep::{SecretBytes, SecretData};
///
/// let data = SecretData::arbitrary(SecretBytes::from(String::from("a recipe")))?;
/// assert_eq!(format!("{data:?}"), "Arbitrary { .. }");
/// assert!(SecretData::arbitrary(SecretBytes::from(String::new())).is_err());
/// # Ok::<(), latchkeep::Invalid>(())
/// ```
#[non_exhaustive]
pub enum SecretData {
    /// Any text.
    Arbitrary(Arbitrary),
    /// A username and a password.
    UsernamePassword(UsernamePassword),
    /// A JSON object.
    Kv(Kv),
    /// An API key of an identity.
    IamCredentials(IamCredentials),
    /// A certificate that a caller brings.
    ImportedCert(ImportedCert),
    /// A credential that an issuer made.
    Issued(IssuedData),
}

/// Any text: 1 to 1,000,000 characters.
pub struct Arbitrary {
    pub(super) payload: SecretBytes,
}

/// A username and a password of 6 to 256 characters.
pub struct UsernamePassword {
    pub(super) username: Box<str>,
    pub(super) password: SecretBytes,
}

/// A JSON object with at least one field, at most 512 KiB without white space.
pub struct Kv {
    pub(super) data: SecretBytes,
}

/// A credential that an issuer made: a JSON object with at least one field, at most 512 KiB without white space.
pub struct IssuedData {
    pub(super) secret_type: SecretType,
    pub(super) credential: SecretBytes,
}

/// An API key, its id, and the identity it belongs to.
pub struct IamCredentials {
    pub(super) api_key: SecretBytes,
    pub(super) api_key_id: Box<str>,
    pub(super) identity: IamIdentity,
}

/// The identity that an API key belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IamIdentity {
    /// One service.
    Service(Box<str>),
    /// The members of these groups, 1 to 10.
    AccessGroups(Vec<Box<str>>),
}

/// A certificate, optionally with its private key and the chain above it, each PEM text of at most 100,000 bytes.
pub struct ImportedCert {
    pub(super) certificate: SecretBytes,
    pub(super) intermediate: Option<SecretBytes>,
    pub(super) private_key: Option<SecretBytes>,
}

impl SecretData {
    /// Makes `arbitrary` data.
    ///
    /// # Errors
    ///
    /// [`Invalid`] unless `payload` is UTF-8 text of 1 to 1,000,000 characters.
    pub fn arbitrary(payload: SecretBytes) -> Result<Self, Invalid> {
        hold_to_chars("payload", &payload, 1, limits::PAYLOAD_CHARS_MAX)?;
        Ok(Self::Arbitrary(Arbitrary { payload }))
    }

    /// Makes `username_password` data.
    ///
    /// # Errors
    ///
    /// [`Invalid`] unless `password` is UTF-8 text of 6 to 256 characters.
    pub fn username_password(username: &Username, password: SecretBytes) -> Result<Self, Invalid> {
        hold_to_chars("password", &password, limits::PASSWORD_CHARS_MIN, limits::PASSWORD_CHARS_MAX)?;
        Ok(Self::UsernamePassword(UsernamePassword { username: username.as_str().into(), password }))
    }

    /// Makes `kv` data from JSON text; removes white space, keeps the order of fields.
    ///
    /// # Errors
    ///
    /// [`Invalid`] unless `data` is a JSON object with at least one field and none twice, at most 64 levels deep and at
    /// most 512 KiB without white space. The error does not contain the text.
    pub fn kv(data: &SecretBytes) -> Result<Self, Invalid> {
        Ok(Self::Kv(Kv { data: kv_text::compact(data)? }))
    }

    /// Makes `iam_credentials` data.
    ///
    /// # Errors
    /// [`Invalid`] unless the key is UTF-8 text of 1 to 4,096 bytes, ids are 1 to 256 visible ASCII characters, and
    /// there are 1 to 10 access groups.
    pub fn iam_credentials(api_key: SecretBytes, api_key_id: &str, identity: IamIdentity) -> Result<Self, Invalid> {
        hold_to_bytes("api key", &api_key, API_KEY_BYTES_MAX)?;
        hold_to_id("api key id", api_key_id)?;
        match &identity {
            IamIdentity::Service(id) => hold_to_id("service id", id)?,
            IamIdentity::AccessGroups(ids) => {
                if !(1..=limits::ACCESS_GROUPS_MAX).contains(&ids.len()) {
                    return Err(Invalid::new("access groups", "takes 1 to 10 of them"));
                }
                ids.iter().try_for_each(|id| hold_to_id("access group", id))?;
            }
        }
        Ok(Self::IamCredentials(IamCredentials { api_key, api_key_id: api_key_id.into(), identity }))
    }

    /// Takes the credential that an issuer made for a secret of a type with an issuer.
    ///
    /// # Errors
    ///
    /// As [`SecretData::kv`]; also when the type has no issuer.
    pub(crate) fn issued(secret_type: SecretType, credential: &SecretBytes) -> Result<Self, Invalid> {
        if issued_code(secret_type).is_none() {
            return Err(Invalid::new("credential", "is for secrets whose type has an issuer"));
        }
        let credential = kv_text::compact(credential)?;
        Ok(Self::Issued(IssuedData { secret_type, credential }))
    }

    /// Makes `imported_cert` data. Does not check that the parts are PEM of the right kind; the reader of certificates
    /// does.
    ///
    /// # Errors
    ///
    /// [`Invalid`] unless each part is UTF-8 text of 1 to 100,000 bytes.
    pub fn imported_cert(
        certificate: SecretBytes,
        intermediate: Option<SecretBytes>,
        private_key: Option<SecretBytes>,
    ) -> Result<Self, Invalid> {
        let parts = [
            ("certificate", Some(&certificate)),
            ("intermediate", intermediate.as_ref()),
            ("private key", private_key.as_ref()),
        ];
        for (field, part) in parts {
            part.map_or(Ok(()), |part| hold_to_bytes(field, part, limits::CERTIFICATE_BYTES_MAX))?;
        }
        Ok(Self::ImportedCert(ImportedCert { certificate, intermediate, private_key }))
    }
}

impl SecretData {
    /// Returns the type of secret that the data belongs to.
    #[must_use]
    pub const fn secret_type(&self) -> SecretType {
        match self {
            Self::Arbitrary(_) => SecretType::Arbitrary,
            Self::UsernamePassword(_) => SecretType::UsernamePassword,
            Self::Kv(_) => SecretType::Kv,
            Self::IamCredentials(_) => SecretType::IamCredentials,
            Self::ImportedCert(_) => SecretType::ImportedCert,
            Self::Issued(data) => data.secret_type,
        }
    }

    /// Returns the main part for programs that want one text: payload, password, JSON object, API key or certificate.
    #[must_use]
    pub const fn primary(&self) -> &SecretBytes {
        match self {
            Self::Arbitrary(data) => &data.payload,
            Self::UsernamePassword(data) => &data.password,
            Self::Kv(data) => &data.data,
            Self::IamCredentials(data) => &data.api_key,
            Self::ImportedCert(data) => &data.certificate,
            Self::Issued(data) => &data.credential,
        }
    }
}

/// Returns the code of a type with an issuer in encoded data.
pub(super) const fn issued_code(secret_type: SecretType) -> Option<u8> {
    match secret_type {
        SecretType::ServiceCredentials => Some(6),
        SecretType::CustomCredentials => Some(7),
        SecretType::PrivateCert => Some(8),
        _ => None,
    }
}

impl IssuedData {
    /// Returns the credential: a JSON object without white space.
    #[must_use]
    pub const fn credential(&self) -> &SecretBytes {
        &self.credential
    }

    /// Returns the credential, without a copy.
    pub(crate) fn into_credential(self) -> SecretBytes {
        self.credential
    }
}

impl Arbitrary {
    /// Returns the text.
    #[must_use]
    pub const fn payload(&self) -> &SecretBytes {
        &self.payload
    }
}

impl UsernamePassword {
    /// Returns the username.
    #[must_use]
    pub const fn username(&self) -> &str {
        &self.username
    }

    /// Returns the password.
    #[must_use]
    pub const fn password(&self) -> &SecretBytes {
        &self.password
    }
}

impl Kv {
    /// Returns the JSON object as text without white space.
    #[must_use]
    pub const fn data(&self) -> &SecretBytes {
        &self.data
    }
}

impl IamCredentials {
    /// Returns the API key.
    #[must_use]
    pub const fn api_key(&self) -> &SecretBytes {
        &self.api_key
    }

    /// Returns the id that names the key without revealing it.
    #[must_use]
    pub const fn api_key_id(&self) -> &str {
        &self.api_key_id
    }

    /// Returns the identity that the key belongs to.
    #[must_use]
    pub const fn identity(&self) -> &IamIdentity {
        &self.identity
    }
}

impl ImportedCert {
    /// Returns the certificate, PEM.
    #[must_use]
    pub const fn certificate(&self) -> &SecretBytes {
        &self.certificate
    }

    /// Returns the chain above the certificate, PEM.
    #[must_use]
    pub const fn intermediate(&self) -> Option<&SecretBytes> {
        self.intermediate.as_ref()
    }

    /// Returns the private key, PEM.
    #[must_use]
    pub const fn private_key(&self) -> Option<&SecretBytes> {
        self.private_key.as_ref()
    }
}

fn hold_to_chars(field: &'static str, text: &SecretBytes, min: usize, max: usize) -> Result<(), Invalid> {
    let Ok(text) = text.expose_text() else {
        return Err(Invalid::new(field, "is not UTF-8 text"));
    };
    if (min..=max).contains(&text.chars().count()) {
        Ok(())
    } else {
        Err(Invalid::new(field, format!("takes {min} to {max} characters")))
    }
}

fn hold_to_bytes(field: &'static str, text: &SecretBytes, max: usize) -> Result<(), Invalid> {
    if text.expose_text().is_err() {
        Err(Invalid::new(field, "is not UTF-8 text"))
    } else if (1..=max).contains(&text.expose().len()) {
        Ok(())
    } else {
        Err(Invalid::new(field, format!("takes 1 to {max} bytes")))
    }
}

fn hold_to_id(field: &'static str, id: &str) -> Result<(), Invalid> {
    let fits = (1..=OUTSIDE_ID_BYTES_MAX).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then_some(()).ok_or_else(|| Invalid::new(field, "takes 1 to 256 visible ASCII characters"))
}

impl fmt::Debug for SecretData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Arbitrary(data) => data.fmt(f),
            Self::UsernamePassword(data) => data.fmt(f),
            Self::Kv(data) => data.fmt(f),
            Self::IamCredentials(data) => data.fmt(f),
            Self::ImportedCert(data) => data.fmt(f),
            Self::Issued(data) => data.fmt(f),
        }
    }
}

macro_rules! redacted {
    ($($name:ident),+) => {
        $(impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), " { .. }"))
            }
        })+
    };
}

redacted!(Arbitrary, UsernamePassword, Kv, IamCredentials, ImportedCert, IssuedData);

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> SecretBytes {
        SecretBytes::from(text.to_owned())
    }

    #[track_caller]
    fn check<T: fmt::Debug>(make: impl Fn(SecretBytes) -> Result<T, Invalid>, good: &[usize], bad: &[usize]) {
        for len in good {
            assert!(make(secret(&"x".repeat(*len))).is_ok(), "{len} should be taken");
        }
        for len in bad {
            assert!(make(secret(&"x".repeat(*len))).is_err(), "{len} should be refused");
        }
        assert!(make(SecretBytes::copy_from(&[0xff; 8])).is_err(), "what is no text should be refused");
    }

    #[test]
    fn each_part_is_held_to_its_bounds() {
        let username = Username::parse("me").unwrap();
        check(SecretData::arbitrary, &[1, 1_000_000], &[0, 1_000_001]);
        check(|password| SecretData::username_password(&username, password), &[6, 256], &[5, 257]);
        let service = || IamIdentity::Service("s".into());
        check(|api_key| SecretData::iam_credentials(api_key, "id", service()), &[1, 4_096], &[0, 4_097]);
        check(|part| SecretData::imported_cert(part, None, None), &[1, 100_000], &[0, 100_001]);
        check(|part| SecretData::imported_cert(secret("c"), Some(part), None), &[1, 100_000], &[0, 100_001]);
        check(|part| SecretData::imported_cert(secret("c"), None, Some(part)), &[1, 100_000], &[0, 100_001]);
    }

    #[test]
    fn characters_are_counted_not_bytes() {
        assert!(SecretData::arbitrary(secret(&"\u{1f512}".repeat(1_000_000))).is_ok());
        let username = Username::parse("me").unwrap();
        assert!(SecretData::username_password(&username, secret(&"\u{e4}".repeat(256))).is_ok());
        assert!(SecretData::username_password(&username, secret(&"\u{e4}".repeat(5))).is_err());
    }

    #[test]
    fn ids_are_held_to_their_bounds() {
        let make = |id: &str, identity| SecretData::iam_credentials(secret("k"), id, identity).is_ok();
        let groups = |count: usize| IamIdentity::AccessGroups(vec!["g".into(); count]);
        assert!(make(&"i".repeat(256), groups(10)));
        for (id, identity) in [
            ("", groups(1)),
            (&*"i".repeat(257), groups(1)),
            ("a b", groups(1)),
            ("i", groups(0)),
            ("i", groups(11)),
            ("i", IamIdentity::Service("".into())),
            ("i", IamIdentity::AccessGroups(vec!["g".into(), "\n".into()])),
        ] {
            assert!(!make(id, identity.clone()), "{id:?} {identity:?}");
        }
    }
}
