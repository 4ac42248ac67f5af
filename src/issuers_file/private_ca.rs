//! Owns descriptions of kind `private_ca`.

use std::path::PathBuf;
use std::time::Duration;

use super::error::IssuersFileError;
use super::fields::Fields;
use super::secret_source::SecretSource;

const SECRETS: &str = "belongs into no file of issuers, which others may read and keep; key_file or key_secret say where \
                       the key is";

const FIELDS: [&str; 13] = [
    "kind",
    "certificate_file",
    "key_file",
    "key_secret",
    "register_file",
    "ttl_secs",
    "names",
    "below",
    "wildcards",
    "addresses",
    "leaf_key",
    "revocation_url",
    "revocation_list_file",
];

/// What a file says of an issuer of kind `private_ca`: it signs certificates with an authority of one's own.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PrivateCaDescription {
    /// The file with the certificate of the authority.
    pub certificate_file: PathBuf,
    /// Where the key of the authority is.
    pub key: SecretSource,
    /// The file with the register of what was signed.
    pub register_file: PathBuf,
    /// How long a certificate is valid. Its bounds are checked when the issuer is made.
    pub ttl: Duration,
    /// Names of hosts that may be asked for; of these, of `below` and of `addresses` there is one at least.
    pub names: Vec<String>,
    /// Domains below which any name may be asked for.
    pub below: Vec<String>,
    /// Whether names may have a wildcard.
    pub wildcards: bool,
    /// Networks whose addresses may be asked for.
    pub addresses: Vec<String>,
    /// The kind of the keys that certificates are for; ECDSA on P-256 when nothing is said.
    pub leaf_key: LeafKeyKind,
    /// Where certificates say that the revocation list is.
    pub revocation_url: Option<String>,
    /// The file into which the revocation list is written.
    pub revocation_list_file: PathBuf,
}

/// The kind of the keys that certificates are for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LeafKeyKind {
    /// `ecdsa_p256`.
    #[default]
    EcdsaP256,
    /// `ecdsa_p384`.
    EcdsaP384,
    /// `ed25519`.
    Ed25519,
}

impl LeafKeyKind {
    /// Returns the word for it in a file.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::EcdsaP256 => "ecdsa_p256",
            Self::EcdsaP384 => "ecdsa_p384",
            Self::Ed25519 => "ed25519",
        }
    }

    fn read(fields: &Fields<'_>) -> Result<Self, IssuersFileError> {
        let Some(word) = fields.text("leaf_key")? else { return Ok(Self::default()) };
        let found = [Self::EcdsaP256, Self::EcdsaP384, Self::Ed25519].into_iter().find(|kind| kind.word() == word);
        found.ok_or_else(|| fields.wrong("leaf_key", "takes ecdsa_p256, ecdsa_p384 or ed25519"))
    }
}

impl PrivateCaDescription {
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self, IssuersFileError> {
        fields.only(&FIELDS, SECRETS)?;
        let path = |name| fields.needed(name, fields.path(name)?);
        let ttl = fields.number("ttl_secs", 0..=u64::MAX, "takes a whole number of seconds")?;
        let described = Self {
            certificate_file: path("certificate_file")?,
            register_file: path("register_file")?,
            ttl: Duration::from_secs(fields.needed("ttl_secs", ttl)?),
            names: fields.texts("names")?,
            below: fields.texts("below")?,
            wildcards: fields.flag("wildcards")?,
            addresses: fields.texts("addresses")?,
            leaf_key: LeafKeyKind::read(fields)?,
            revocation_url: fields.text("revocation_url")?,
            revocation_list_file: path("revocation_list_file")?,
            key: SecretSource::read(fields, "key_file", "key_secret")?.ok_or_else(|| {
                fields.wrong(
                    "key_file",
                    "is missing, and so is key_secret: one of them says where the key of the authority is",
                )
            })?,
        };
        if described.names.is_empty() && described.below.is_empty() && described.addresses.is_empty() {
            return Err(fields.wrong(
                "names",
                "is missing, and so are below and addresses: one of them says what there are certificates for",
            ));
        }
        Ok(described)
    }
}
