//! Owns the public details of a version's data in the log. They contain nothing secret.
//!
//! Read next: [`super::prepare`].

use crate::domain::name::Actor;
use crate::domain::time::Timestamp;
use crate::domain::version::{CertificateDetails, VersionDetails};
use crate::error::Error;
use crate::issuer::certificate;
use crate::seal::data::SecretData;

/// Returns the public details of a version's data, and when the data ends by itself.
pub(crate) fn details_of(data: &SecretData) -> Result<(VersionDetails, Option<Timestamp>), Error> {
    Ok(match data {
        SecretData::IamCredentials(data) => {
            (VersionDetails::ApiKey { api_key_id: Actor::parse(data.api_key_id())? }, None)
        }
        SecretData::ImportedCert(parts) => {
            let facts = certificate::read(parts)?;
            let details = CertificateDetails {
                serial: facts.serial.into(),
                common_name: facts.common_name.unwrap_or_default().into(),
                issuer: facts.issuer_common_name.unwrap_or_default().into(),
                not_before: facts.not_before,
                not_after: facts.not_after,
                has_private_key: parts.private_key().is_some(),
                has_chain: parts.intermediate().is_some(),
            };
            (VersionDetails::Certificate(Box::new(details)), Some(facts.not_after))
        }
        SecretData::Arbitrary(_) | SecretData::UsernamePassword(_) | SecretData::Kv(_) | SecretData::Issued(_) => {
            (VersionDetails::Plain, None)
        }
    })
}
