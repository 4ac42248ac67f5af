//! Owns who makes the credentials of a secret, and when the one before is ended.
//!
//! Plain data. Read next: [`super::rotation`].

use serde::{Deserialize, Serialize};

use super::invalid::Invalid;
use super::json::JsonObject;
use super::limits;
use super::name::{Actor, IssuerName};

/// Who makes the credentials of a secret, and when the one before is ended. Never secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issuance {
    /// The issuer, by the name under which the host registers it.
    pub issuer: IssuerName,
    /// What the issuer is to know, up to 10 KiB.
    pub parameters: Option<JsonObject>,
    /// Seconds for which the credential before stays good at the least; 0 to 7,776,000 (90 days).
    pub grace_secs: u32,
    /// Whom to wait for: the credential before is ended once each of them has said that it uses a newer one; at most 32.
    /// Without any, it stays good until it falls out of the retention window.
    pub consumers: Box<[Actor]>,
}

impl Issuance {
    /// Has an issuer make credentials without parameters, and each stay good until it falls out of the retention window.
    #[must_use]
    pub fn by(issuer: IssuerName) -> Self {
        Self { issuer, parameters: None, grace_secs: 0, consumers: Box::default() }
    }

    /// Holds it to its bounds.
    pub(super) fn check(&self) -> Result<(), Invalid> {
        if let Some(parameters) = &self.parameters {
            parameters.bounded("parameters", limits::METADATA_BYTES_MAX)?;
        }
        if self.grace_secs > limits::TTL_SECS_MAX {
            return Err(Invalid::new("grace", "takes up to 90 days"));
        }
        if self.consumers.len() > limits::CONSUMERS_MAX {
            return Err(Invalid::new("consumers", "takes up to 32 of them"));
        }
        Ok(())
    }
}
