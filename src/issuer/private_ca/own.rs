//! Owns the content of an authority's own certificate: its name and key, its end, the names for which it may sign, and
//! the chain above it.
//!
//! Read next: [`super::authority`].

use sha2::{Digest as _, Sha256};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::ParsedExtension;
use zeroize::Zeroizing;

use super::authority::time;
use super::constraints;
use super::template::Names;
use crate::domain::time::Timestamp;
use crate::issuer::{pem, private_key};
use crate::seal::secret_bytes::SecretBytes;

const LABEL: &str = "CERTIFICATE";
const UNREAD_CONSTRAINTS: &str =
    "the certificate of the authority, or one above it, constrains names or uses in a way that cannot be read";

/// An authority's certificate.
pub(super) struct Own {
    /// The certificate alone, PEM.
    pub(super) certificate: String,
    /// The certificates above it, each signed by the next, PEM; empty when there are none.
    pub(super) chain: String,
    der: Vec<u8>,
    /// Those above it, in order.
    above: Vec<Vec<u8>>,
    /// When it ends, or one above it.
    pub(super) ends: Timestamp,
}

impl Own {
    /// Reads the certificate of an authority, and optionally the chain above it.
    pub(super) fn read(text: &str) -> Result<Self, &'static str> {
        const RULE: &str = "the certificate of the authority takes PEM blocks CERTIFICATE that can be read: one, and perhaps \
                            the chain above it";
        let blocks = pem::blocks(text).map_err(|_| RULE)?;
        if blocks.iter().any(|block| block.label != LABEL) {
            return Err(RULE);
        }
        let mut ends = Timestamp::MAX;
        let mut below: Option<X509Certificate<'_>> = None;
        for block in &blocks {
            let Ok(([], read)) = x509_parser::parse_x509_certificate(&block.der) else { return Err(RULE) };
            let is_authority = read.basic_constraints().ok().flatten().is_some_and(|constraints| constraints.value.ca);
            let usage = read.key_usage().ok().flatten();
            let may_sign =
                usage.is_none_or(|usage| usage.value.key_cert_sign() && (usage.value.crl_sign() || below.is_some()));
            if !is_authority || !may_sign {
                return Err("the certificate is none of an authority that may sign certificates and revocation lists");
            }
            if !constraints::are_read(&read) {
                return Err(UNREAD_CONSTRAINTS);
            }
            if below.as_ref().is_some_and(|below| !is_signed_by(below, &read)) {
                return Err(
                    "the certificates behind that of the authority are not the chain above it: each signs the one before",
                );
            }
            ends = ends.min(time(read.validity().not_after.timestamp()));
            below = Some(read);
        }
        let Some((first, above)) = blocks.split_first() else { return Err(RULE) };
        let ders = above.iter().map(|block| block.der.to_vec()).collect();
        let chain = above.iter().map(|block| pem::encode(LABEL, &block.der)).collect();
        Ok(Self { certificate: pem::encode(LABEL, &first.der), chain, der: first.der.to_vec(), above: ders, ends })
    }

    /// Checks the authority's key against the certificate as far as its form allows, and returns it as PKCS #8, DER.
    pub(super) fn key(&self, key: &SecretBytes) -> Result<Zeroizing<Vec<u8>>, String> {
        let told = |rule: &str| format!("the key of the certificate authority {rule}");
        let text = key.expose_text().map_err(|_| told("is not UTF-8 text"))?;
        self.look(|own| {
            private_key::check(text, own.public_key())
                .and_then(|_| private_key::as_pkcs8(text, own.public_key()))
                .map_err(told)
        })
        .unwrap_or_else(|| Err(told("has no certificate")))
    }

    /// Calls `look` with the certificate, which was read before.
    pub(super) fn look<T>(&self, look: impl FnOnce(&X509Certificate<'_>) -> T) -> Option<T> {
        x509_parser::parse_x509_certificate(&self.der).ok().map(|(_, own)| look(&own))
    }

    /// Returns its name, as in what it signs.
    pub(super) fn name(&self) -> Option<Vec<u8>> {
        self.look(|own| own.subject().as_raw().to_vec())
    }

    /// Returns the id of its key.
    pub(super) fn key_id(&self) -> Option<Vec<u8>> {
        self.look(|own| {
            own.iter_extensions().find_map(|extension| match extension.parsed_extension() {
                ParsedExtension::SubjectKeyIdentifier(id) => Some(id.0.to_vec()),
                _ => None,
            })
        })?
    }

    /// Returns the fingerprint of its key: the SHA-256 of its public half, in hexadecimal.
    pub(super) fn fingerprint(&self) -> Option<String> {
        let hex = |digest: &[u8]| digest.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        self.look(|own| hex(&Sha256::digest(own.public_key().raw)))
    }

    /// Returns whether it, or a certificate above it, constrains the subjects of what it signs, so that they would have
    /// to be below some name.
    pub(super) fn constrains_subjects(&self) -> bool {
        !self.all(|one| !constraints::constrain_subjects(one))
    }

    /// Finds a name that no client would accept from this authority, because of the constraints of its certificate or
    /// one above it.
    pub(super) fn forbidden(&self, names: &Names) -> Option<String> {
        let dns = names.dns.iter().find(|name| !self.all(|one| constraints::take_domain(one, name)));
        let address = || names.addresses.iter().find(|at| !self.all(|one| constraints::take_address(one, **at)));
        dns.cloned().or_else(|| address().map(ToString::to_string))
    }

    /// Returns whether what it signs may be for servers, and whether for clients, by all certificates of the chain.
    pub(super) fn uses(&self) -> [bool; 2] {
        [0, 1].map(|use_| self.all(|one| constraints::uses(one).get(use_) == Some(&true)))
    }

    /// Returns whether a condition holds for its certificate and those above it.
    fn all(&self, holds: impl Fn(&X509Certificate<'_>) -> bool) -> bool {
        let mut all = core::iter::once(&self.der).chain(&self.above);
        all.all(|der| x509_parser::parse_x509_certificate(der).is_ok_and(|(_, one)| holds(&one)))
    }

    /// Returns whether a certificate was signed with its key, in its name.
    pub(super) fn signed(&self, certificate: &X509Certificate<'_>) -> bool {
        self.look(|own| is_signed_by(certificate, own)).unwrap_or(false)
    }
}

fn is_signed_by(one: &X509Certificate<'_>, above: &X509Certificate<'_>) -> bool {
    above.subject().as_raw() == one.issuer().as_raw() && one.verify_signature(Some(above.public_key())).is_ok()
}
