//! Owns the issuer of leaf certificates.
//!
//! Read next: the [parent](super).

use std::sync::Arc;

use rcgen::{
    CertificateParams, CrlDistributionPoint, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, SanType, SerialNumber,
};

use super::authority::{COMMON_NAME_CHARS_MAX, CertificateAuthority, date, earlier, time};
use super::register::CertificateSerial;
use super::request::RequestedKey;
use super::template::{CertificateKey, LeafTemplate, Names};
use crate::domain::id::{LogId, RotationId};
use crate::domain::name::OutsideId;
use crate::domain::rotation::IssuerClass;
use crate::domain::time::Timestamp;
use crate::issuer::credential::{self, Field};
use crate::issuer::der::{INTEGER, OCTET_STRING, SEQUENCE, element, take, whole};
use crate::issuer::issuer::{IssueOrder, Issuer};
use crate::issuer::outcome::{Issued, IssuerError};
use crate::issuer::pem;
use crate::issuer::private_key::{self, KeyCheck};
use crate::seal::secret_bytes::SecretBytes;

const NANOS_PER_SEC: u64 = 1_000_000_000;

/// Issues leaf certificates of a certificate authority, each with a fresh key or for the key of a request, class
/// `CreateDiscoverable`.
///
/// The credential is `{"certificate", "private_key", "issuing_ca", "serial_number"}`, the first three PEM. If the
/// authority has a chain above it, `ca_chain` has its certificate and those above, for servers that must show them. To
/// retire one is to revoke it: it is on the authority's next [revocation list](CertificateAuthority::revocation_list),
/// which the host publishes. The secret's parameters say which DNS names and addresses the certificate is for.
///
/// Or the parameters contain a request for a certificate that a consumer made with a key of its own (`csr`, PEM). Then
/// the names are those of the request, its signature proves that the consumer has the key, and the credential has no
/// `private_key`. Each rotation makes another certificate for the same key, until the parameters contain another
/// request.
///
/// The register has an entry for each certificate before it is signed. So when a reply is lost, the certificate is
/// found by its rotation and revoked, and another is made: it cannot be used, because its key was lost with the reply.
/// A person with the key of a certificate that the store does not know can have it adopted.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use latchkeep::{CertificateAuthority, LeafTemplate, PrivateCertIssuer};
///
/// fn issuer(authority: Arc<CertificateAuthority>) -> Result<PrivateCertIssuer, latchkeep::Invalid> {
///     let template = LeafTemplate::new(Duration::from_secs(30 * 24 * 3_600))?.allowing_below("internal.example")?;
///     Ok(PrivateCertIssuer::new(authority, template))
/// }
/// ```
#[derive(Clone, Debug)]
pub struct PrivateCertIssuer {
    pub(super) authority: Arc<CertificateAuthority>,
    template: LeafTemplate,
}

impl PrivateCertIssuer {
    /// Makes an issuer of certificates from a template. Several issuers may share an authority.
    #[must_use]
    pub const fn new(authority: Arc<CertificateAuthority>, template: LeafTemplate) -> Self {
        Self { authority, template }
    }

    /// Returns when a certificate that is made now ends: in whole seconds, and not after its authority.
    fn end(&self, now: Timestamp) -> Result<Timestamp, IssuerError> {
        if now >= self.authority.own.ends {
            return Err(IssuerError::refused("the certificate of the authority has expired"));
        }
        let end = now.plus(self.template.ttl).min(self.authority.own.ends);
        Ok(Timestamp::from_nanos((end.as_nanos() / NANOS_PER_SEC).saturating_mul(NANOS_PER_SEC)))
    }

    fn params(&self, names: &Names, now: Timestamp, end: Timestamp) -> Option<CertificateParams> {
        let mut params = CertificateParams::default();
        params.not_before = date(earlier(now));
        params.not_after = date(end);
        params.distinguished_name = DistinguishedName::new();
        // The common name is only the first of the names below; with an authority that may sign only for some subjects,
        // clients would refuse it.
        let common = names.dns.first().filter(|name| name.len() <= COMMON_NAME_CHARS_MAX);
        if let Some(name) = common.filter(|_| !self.authority.own.constrains_subjects()) {
            params.distinguished_name.push(DnType::CommonName, name.as_str());
        }
        for name in &names.dns {
            params.subject_alt_names.push(SanType::DnsName(name.as_str().try_into().ok()?));
        }
        params.subject_alt_names.extend(names.addresses.iter().copied().map(SanType::IpAddress));
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let uses = [ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth].into_iter();
        params.extended_key_usages =
            uses.zip(self.authority.own.uses()).filter_map(|(one, is_left)| is_left.then_some(one)).collect();
        params.use_authority_key_identifier_extension = true;
        let point = |url: &String| CrlDistributionPoint { uris: vec![url.clone()] };
        params.crl_distribution_points = self.template.revocation_url.iter().map(point).collect();
        Some(params)
    }

    /// Returns the credential of a certificate that was entered.
    fn credential(
        &self,
        serial: CertificateSerial,
        certificate: &str,
        key: Option<&SecretBytes>,
    ) -> Result<SecretBytes, IssuerError> {
        let serial = serial.to_string();
        let own = &self.authority.own;
        let chain = format!("{}{}", own.certificate, own.chain);
        let mut fields = vec![("certificate", Field::Text(certificate))];
        fields.extend(key.map(|key| ("private_key", Field::Secret(key))));
        fields.extend([("issuing_ca", Field::Text(&own.certificate)), ("serial_number", Field::Text(&serial))]);
        if !own.chain.is_empty() {
            fields.push(("ca_chain", Field::Text(&chain)));
        }
        credential::write(&fields).ok_or_else(|| IssuerError::refused("the key is not UTF-8 text"))
    }

    /// Reads the certificate of a credential, and its key, which it does not have after a request.
    fn parts(credential: &SecretBytes) -> Result<(SecretBytes, Option<SecretBytes>), IssuerError> {
        let [certificate, key] = ["certificate", "private_key"].map(|name| credential::text_field(credential, name));
        let certificate = certificate.ok_or_else(|| IssuerError::refused("the credential holds no certificate"))?;
        Ok((certificate, key))
    }

    /// Checks a certificate against the authority, the clock and the register, and its key against it.
    fn check(&self, certificate: &str, key: Option<&str>) -> Result<(), &'static str> {
        let blocks = pem::blocks(certificate).map_err(|_| UNREAD)?;
        let [block] = blocks.as_slice() else { return Err(UNREAD) };
        let Ok(([], read)) = x509_parser::parse_x509_certificate(&block.der) else { return Err(UNREAD) };
        if !self.authority.own.signed(&read) {
            return Err("the certificate was not signed by this authority");
        }
        let (now, validity) = (self.authority.now(), read.validity());
        if now < time(validity.not_before.timestamp()) || now > time(validity.not_after.timestamp()) {
            return Err("the certificate has expired, or is not valid yet");
        }
        let serial = CertificateSerial::from_bytes(read.raw_serial());
        let serial = serial.ok_or("the serial number is none that this authority gives")?;
        if self.authority.read(|book| book.is_revoked(serial)) {
            return Err("the certificate is revoked");
        }
        match key.map(|key| private_key::check(key, read.public_key())) {
            None | Some(Ok(KeyCheck::Belongs)) => Ok(()),
            Some(Ok(KeyCheck::Unchecked) | Err(_)) => Err("the private key does not belong to the certificate"),
        }
    }
}

impl Issuer for PrivateCertIssuer {
    fn class(&self) -> IssuerClass {
        IssuerClass::CreateDiscoverable
    }

    fn create(&self, order: &IssueOrder<'_>, _: Option<&SecretBytes>) -> Result<Issued, IssuerError> {
        let unsigned = || IssuerError::refused("the certificate could not be signed");
        let (names, requested) = self.template.asked(parameters(order))?;
        let now = self.authority.now();
        let end = self.end(now)?;
        let mut params = self.params(&names, now, end);
        let params = params.as_mut().ok_or_else(|| IssuerError::refused("a DNS name is none that can be written"))?;
        if let Some(name) = self.authority.own.forbidden(&names) {
            return Err(IssuerError::refused(&format!(
                "{name} is none that the authority may sign for: its certificate, or one above it, constrains names, and no client would take it"
            )));
        }
        if params.extended_key_usages.is_empty() {
            return Err(IssuerError::refused(
                "the authority, or one above it, may sign for neither servers nor clients (extended key usage)",
            ));
        }
        let key = Key::of(requested, self.template.key).ok_or_else(unsigned)?;
        let serial = self.authority.enter((order.store, order.rotation), end)?;
        params.serial_number = Some(SerialNumber::from_slice(serial.as_bytes()));
        let certificate = key.sign(&self.authority, params).ok_or_else(unsigned)?;
        let issued = Issued::new(self.credential(serial, &certificate, key.text())?);
        Ok(issued.known_as(outside_id(serial)?).expiring_at(end))
    }

    fn find(&self, order: &IssueOrder<'_>) -> Result<Vec<OutsideId>, IssuerError> {
        let listed = self.list(order.store)?;
        Ok(listed.into_iter().filter(|(rotation, _)| *rotation == order.rotation).map(|(_, outside)| outside).collect())
    }

    fn verify(&self, _: &IssueOrder<'_>, credential: &SecretBytes) -> Result<(), IssuerError> {
        let (certificate, key) = Self::parts(credential)?;
        match (certificate.expose_text(), key.as_ref().map(SecretBytes::expose_text).transpose()) {
            (Ok(certificate), Ok(key)) => self.check(certificate, key).map_err(IssuerError::refused),
            _ => Err(IssuerError::refused("the credential is not UTF-8 text")),
        }
    }

    /// Takes the certificate with the serial number, and its key unless that belongs to a request.
    fn adopt(&self, order: &IssueOrder<'_>, outside: &OutsideId, brought: &SecretBytes) -> Result<Issued, IssuerError> {
        let (certificate, key) = Self::parts(brought)?;
        if key.is_none() && self.template.asked(parameters(order))?.1.is_none() {
            return Err(IssuerError::refused("the credential holds no private key"));
        }
        let text = certificate.expose_text().map_err(|_| IssuerError::refused(UNREAD))?;
        let (serial, end) = read_end(text).ok_or_else(|| IssuerError::refused(UNREAD))?;
        if outside_id(serial)? != *outside {
            return Err(IssuerError::refused("the certificate has another serial number"));
        }
        let issued = Issued::new(self.credential(serial, text, key.as_ref())?);
        Ok(issued.known_as(outside.clone()).expiring_at(end))
    }

    fn retire(&self, order: &IssueOrder<'_>, outside: Option<&OutsideId>) -> Result<(), IssuerError> {
        if let Some(outside) = outside {
            let serial = CertificateSerial::parse(outside.as_str())
                .map_err(|_| IssuerError::refused("the name is no serial number of this authority"))?;
            // It may be signed by another key, whose clients would not see it on the list of this one.
            if !self.authority.read(|book| book.knows(serial)) {
                return Err(IssuerError::refused(
                    "the register of this authority does not know the certificate: it has to be revoked where it was signed, or \
                     entered in the register by hand",
                ));
            }
            return self.authority.revoke(serial);
        }
        let living: Vec<_> = self.authority.read(|book| book.living(order.store).collect());
        let mut own = living.into_iter().filter(|(rotation, _)| *rotation == order.rotation);
        own.try_for_each(|(_, serial)| self.authority.revoke(serial))
    }

    fn list(&self, store: LogId) -> Result<Vec<(RotationId, OutsideId)>, IssuerError> {
        let living: Vec<_> = self.authority.read(|book| book.living(store).collect());
        living.into_iter().map(|(rotation, serial)| Ok((rotation, outside_id(serial)?))).collect()
    }
}

const UNREAD: &str = "the credential holds no certificate that can be read";

/// Reads the serial number of a certificate, and when it ends.
fn read_end(certificate: &str) -> Option<(CertificateSerial, Timestamp)> {
    let blocks = pem::blocks(certificate).ok()?;
    let [block] = blocks.as_slice() else { return None };
    let (rest, read) = x509_parser::parse_x509_certificate(&block.der).ok()?;
    let serial = CertificateSerial::from_bytes(read.raw_serial()).filter(|_| rest.is_empty())?;
    Some((serial, time(read.validity().not_after.timestamp())))
}

/// The key of a certificate.
enum Key {
    /// Made here, and returned with the certificate.
    Made(Box<KeyPair>, SecretBytes),
    /// The key of a request, which stays with its consumer.
    Requested(RequestedKey),
}

impl Key {
    fn of(requested: Option<RequestedKey>, kind: CertificateKey) -> Option<Self> {
        if let Some(key) = requested {
            return Some(Self::Requested(key));
        }
        let key = KeyPair::generate_for(kind.algorithm()).ok()?;
        let text = key_text(&key)?;
        Some(Self::Made(Box::new(key), text))
    }

    fn sign(&self, authority: &CertificateAuthority, params: &CertificateParams) -> Option<String> {
        match self {
            Self::Made(key, _) => authority.sign(params, &**key),
            Self::Requested(key) => authority.sign(params, key),
        }
    }

    const fn text(&self) -> Option<&SecretBytes> {
        match self {
            Self::Made(_, text) => Some(text),
            Self::Requested(_) => None,
        }
    }
}

fn parameters<'a>(order: &IssueOrder<'a>) -> Option<&'a str> {
    order.parameters.map(crate::domain::json::JsonObject::as_str)
}

/// Returns a fresh key as PKCS #8 in its first version, PEM. OpenSSL 3.0 and others do not read the second, in which
/// the public half of an Ed25519 key follows the private one.
fn key_text(key: &KeyPair) -> Option<SecretBytes> {
    let (version, rest) = take(INTEGER, whole(SEQUENCE, key.serialized_der())?)?;
    let first = if version == [0] {
        None
    } else {
        let (algorithm, rest) = take(SEQUENCE, rest)?;
        let (private, _) = take(OCTET_STRING, rest)?;
        let (algorithm, private) = (element(SEQUENCE, &[algorithm])?, element(OCTET_STRING, &[private])?);
        Some(element(SEQUENCE, &[&[INTEGER, 1, 0], &algorithm, &private])?)
    };
    let der = first.as_ref().map_or_else(|| key.serialized_der(), |first| first.as_slice());
    Some(SecretBytes::from(pem::encode("PRIVATE KEY", der)))
}

fn outside_id(serial: CertificateSerial) -> Result<OutsideId, IssuerError> {
    OutsideId::parse(&serial.to_string())
        .map_err(|_| IssuerError::refused("the serial number is none that can be kept"))
}
