//! Owns the kinds of secrets that the tests make: a type each, and both uses of API keys.

use crate::domain::issuance::Issuance;
use crate::domain::name::{Actor, IssuerName};
use crate::domain::secret::{ApiKeyTarget, ApiKeyUse, PasswordPolicy, SecretSpec};

/// A kind of secret, as the rules tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Arbitrary,
    Password,
    Kv,
    /// `iam_credentials` with `reuse_api_key = false`: the dynamic one.
    FreshKey,
    /// `iam_credentials` with `reuse_api_key = true`.
    ReusedKey,
    Certificate,
    /// `service_credentials`: made by an issuer, so none of `ALL`, whose versions are brought along.
    Issued,
}

pub(super) const HOUR: u64 = 3_600;
pub(super) const DAY: u64 = 24 * HOUR;

/// Seconds that API keys of the tests live.
pub(super) const TTL: u64 = 30 * DAY;

/// Seconds that certificates of the tests hold.
pub(super) const CERTIFICATE_HOLDS: u64 = 60 * DAY;

impl Kind {
    pub(super) const ALL: [Self; 6] =
        [Self::Arbitrary, Self::Password, Self::Kv, Self::FreshKey, Self::ReusedKey, Self::Certificate];

    /// Those whose versions are added by a rotation.
    pub(super) const ROTATING: [Self; 5] =
        [Self::Arbitrary, Self::Password, Self::Kv, Self::ReusedKey, Self::Certificate];

    pub(super) fn spec(self) -> SecretSpec {
        match self {
            Self::Arbitrary => SecretSpec::Arbitrary,
            Self::Password => SecretSpec::UsernamePassword { password_policy: PasswordPolicy::default() },
            Self::Kv => SecretSpec::Kv,
            Self::FreshKey => api_key(TTL, ApiKeyUse::FreshPerRead),
            Self::ReusedKey => api_key(TTL, ApiKeyUse::UntilLeaseEnds),
            Self::Certificate => SecretSpec::ImportedCert,
            Self::Issued => SecretSpec::ServiceCredentials { issuance: Issuance::by(IssuerName::parse("db").unwrap()) },
        }
    }
}

pub(super) fn api_key(ttl_secs: u64, api_key_use: ApiKeyUse) -> SecretSpec {
    let target = ApiKeyTarget::ServiceId(Actor::parse("service-1").unwrap());
    SecretSpec::IamCredentials { ttl_secs: ttl_secs.try_into().unwrap(), api_key_use, target }
}
