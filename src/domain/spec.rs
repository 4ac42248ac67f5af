//! Owns what the type of a secret needs to know beside its data.
//!
//! Read next: [`super::secret`].

use serde::{Deserialize, Serialize};

use super::code::coded_enum;
use super::invalid::Invalid;
use super::issuance::Issuance;
use super::limits;
use super::name::{Actor, Label};
use super::secret::SecretType;

/// How passwords of a `username_password` secret are made; lower case letters are always among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordPolicy {
    /// Characters, 12 to 256; 32 by default.
    pub length: u16,
    /// Whether there are digits.
    pub include_digits: bool,
    /// Whether there are symbols.
    pub include_symbols: bool,
    /// Whether there are upper case letters.
    pub include_uppercase: bool,
}

impl Default for PasswordPolicy {
    fn default() -> Self {
        Self {
            length: limits::PASSWORD_LENGTH_DEFAULT,
            include_digits: true,
            include_symbols: true,
            include_uppercase: true,
        }
    }
}

coded_enum!(
    /// Whether an API key outlives the read that gave it out.
    ApiKeyUse {
        /// `reuse_api_key = false`: each read makes a new key and destroys the old one. The dynamic type.
        FreshPerRead = 1, "fresh_per_read";
        /// `reuse_api_key = true`: a key lives until its lease ends; the next read makes a new one.
        UntilLeaseEnds = 2, "until_lease_ends";
    }
);

/// For whom an issuer makes an API key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ApiKeyTarget {
    /// An existing service id.
    ServiceId(Actor),
    /// A service id that the issuer makes and puts in 1 to 10 access groups.
    AccessGroups(Box<[Label]>),
}

/// What a type needs to know beside its data. Never secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum SecretSpec {
    /// Nothing more.
    Arbitrary,
    /// How a password is generated.
    UsernamePassword {
        /// The rules for generated passwords.
        password_policy: PasswordPolicy,
    },
    /// Nothing more.
    Kv,
    /// How API keys are made and how long they live.
    IamCredentials {
        /// Seconds that a key lives: 60 to 7,776,000 (90 days).
        ttl_secs: u32,
        /// Whether a key outlives a read.
        api_key_use: ApiKeyUse,
        /// For whom keys are made.
        target: ApiKeyTarget,
    },
    /// Nothing more.
    ImportedCert,
    /// Who makes its credentials, and how.
    ServiceCredentials {
        /// Who, and how.
        issuance: Issuance,
    },
    /// Who makes its credentials, and how.
    CustomCredentials {
        /// Who, and how.
        issuance: Issuance,
    },
    /// Who signs its certificates, and how.
    PrivateCert {
        /// Who, and how.
        issuance: Issuance,
    },
}

/// What the end of time does to a secret, by its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Its data is destroyed once the secret expires, unless a lock holds that back.
    Data,
    /// Each credential ends with its own lease, unless a lock holds that back; the secret stays.
    Leases,
    /// Each credential ends when its issuer said, unless a lock holds that back; the secret goes with the current one.
    Credentials,
    /// The certificate ends by its own date, whatever anybody holds; its data stays.
    Certificate,
}

impl SecretSpec {
    /// Gives the same type with another issuance; nothing for a type whose data no issuer makes.
    #[must_use]
    pub fn issued_as(&self, issuance: Issuance) -> Option<Self> {
        match self {
            Self::ServiceCredentials { .. } => Some(Self::ServiceCredentials { issuance }),
            Self::CustomCredentials { .. } => Some(Self::CustomCredentials { issuance }),
            Self::PrivateCert { .. } => Some(Self::PrivateCert { issuance }),
            Self::Arbitrary
            | Self::UsernamePassword { .. }
            | Self::Kv
            | Self::IamCredentials { .. }
            | Self::ImportedCert => None,
        }
    }

    /// Gives the type.
    #[must_use]
    pub const fn secret_type(&self) -> SecretType {
        match self {
            Self::Arbitrary => SecretType::Arbitrary,
            Self::UsernamePassword { .. } => SecretType::UsernamePassword,
            Self::Kv => SecretType::Kv,
            Self::IamCredentials { .. } => SecretType::IamCredentials,
            Self::ImportedCert => SecretType::ImportedCert,
            Self::ServiceCredentials { .. } => SecretType::ServiceCredentials,
            Self::CustomCredentials { .. } => SecretType::CustomCredentials,
            Self::PrivateCert { .. } => SecretType::PrivateCert,
        }
    }

    /// Gives who makes its credentials, for types that need somebody for it.
    #[must_use]
    pub const fn issuance(&self) -> Option<&Issuance> {
        match self {
            Self::ServiceCredentials { issuance }
            | Self::CustomCredentials { issuance }
            | Self::PrivateCert { issuance } => Some(issuance),
            Self::Arbitrary
            | Self::UsernamePassword { .. }
            | Self::Kv
            | Self::IamCredentials { .. }
            | Self::ImportedCert => None,
        }
    }

    /// Tells whether an issuer makes credentials that are no certificates: each ends when its issuer said, and a lock holds
    /// that back.
    #[must_use]
    pub const fn is_issued_credential(&self) -> bool {
        match self.ending() {
            Ending::Credentials => true,
            Ending::Data | Ending::Leases | Ending::Certificate => false,
        }
    }

    /// Returns what the end of time does to a secret of this type.
    pub(crate) const fn ending(&self) -> Ending {
        match self {
            Self::Arbitrary | Self::UsernamePassword { .. } | Self::Kv => Ending::Data,
            Self::IamCredentials { .. } => Ending::Leases,
            Self::ServiceCredentials { .. } | Self::CustomCredentials { .. } => Ending::Credentials,
            Self::ImportedCert | Self::PrivateCert { .. } => Ending::Certificate,
        }
    }

    /// Tells whether a read makes a new credential and destroys the old one.
    #[must_use]
    pub const fn is_dynamic(&self) -> bool {
        matches!(self, Self::IamCredentials { api_key_use: ApiKeyUse::FreshPerRead, .. })
    }

    /// Gives how long one credential lives, for types that give credentials out on a lease.
    #[must_use]
    pub const fn ttl_secs(&self) -> Option<u32> {
        match self {
            Self::IamCredentials { ttl_secs, .. } => Some(*ttl_secs),
            Self::Arbitrary
            | Self::UsernamePassword { .. }
            | Self::Kv
            | Self::ImportedCert
            | Self::ServiceCredentials { .. }
            | Self::CustomCredentials { .. }
            | Self::PrivateCert { .. } => None,
        }
    }

    /// Holds the settings to their bounds.
    ///
    /// # Errors
    ///
    /// [`Invalid`], which names the field and its bounds.
    pub fn check(&self) -> Result<(), Invalid> {
        match self {
            Self::Arbitrary | Self::Kv | Self::ImportedCert => Ok(()),
            Self::UsernamePassword { password_policy } => {
                let bounds = limits::PASSWORD_LENGTH_MIN..=limits::PASSWORD_LENGTH_MAX;
                check(bounds.contains(&password_policy.length), "password length", "takes 12 to 256 characters")
            }
            Self::IamCredentials { ttl_secs, target, .. } => {
                let bounds = limits::TTL_SECS_MIN..=limits::TTL_SECS_MAX;
                check(bounds.contains(ttl_secs), "ttl", "takes 1 minute to 90 days")?;
                match target {
                    ApiKeyTarget::ServiceId(_) => Ok(()),
                    ApiKeyTarget::AccessGroups(groups) => {
                        let fits = (1..=limits::ACCESS_GROUPS_MAX).contains(&groups.len());
                        check(fits, "access groups", "takes 1 to 10 of them")
                    }
                }
            }
            Self::ServiceCredentials { issuance }
            | Self::CustomCredentials { issuance }
            | Self::PrivateCert { issuance } => issuance.check(),
        }
    }
}

fn check(fits: bool, field: &'static str, rule: &'static str) -> Result<(), Invalid> {
    if fits { Ok(()) } else { Err(Invalid::new(field, rule)) }
}
