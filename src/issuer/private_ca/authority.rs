//! Owns a certificate authority: its key and certificate, its register, and the list of what it revoked.
//!
//! It never signs before the register knows of it. Read next: [`super::leaf`].

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DistinguishedName, DnType, IsCa, KeyIdMethod,
    KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber,
};
use time::OffsetDateTime;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::ParsedExtension;

use super::register::{Book, CertificateNote, CertificateRegister, CertificateSerial};
use crate::domain::id::{LogId, RotationId};
use crate::domain::invalid::Invalid;
use crate::domain::time::Timestamp;
use crate::issuer::outcome::IssuerError;
use crate::issuer::value::unmade;
use crate::issuer::{pem, private_key};
use crate::seal::random;
use crate::seal::secret_bytes::SecretBytes;

/// How long a revocation list holds, when nothing else is said.
const LIST_LIFE: Duration = Duration::from_secs(7 * 24 * 3_600);
/// What clocks may differ by: certificates begin that much earlier.
pub(super) const CLOCKS_DIFFER_MAX: Duration = Duration::from_secs(300);
/// Characters of a common name (RFC 5280, upper bounds).
pub(super) const COMMON_NAME_CHARS_MAX: usize = 64;
const NANOS_PER_SEC: u64 = 1_000_000_000;

/// Tells the time.
type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// A certificate authority that was just made: keep both parts, the key in a store.
#[derive(Debug)]
#[non_exhaustive]
pub struct NewAuthority {
    /// Its certificate, PEM: what everybody trusts.
    pub certificate: String,
    /// Its private key, PEM (PKCS #8).
    pub key: SecretBytes,
}

/// A certificate authority.
///
/// ```
/// use std::time::Duration;
///
/// use latchkeep::{CertificateAuthority, Clock, FileRegister, SystemClock};
///
/// let made = CertificateAuthority::generate("Example internal", Duration::from_secs(10 * 365 * 24 * 3_600), SystemClock.now())?;
/// let home = tempfile::tempdir()?;
/// let register = FileRegister::open(home.path().join("certificates.jsonl"))?;
/// let authority = CertificateAuthority::open(&made.certificate, &made.key, Box::new(register), || SystemClock.now())?;
/// assert!(authority.revocation_list()?.starts_with("-----BEGIN X509 CRL-----"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct CertificateAuthority {
    certificate: String,
    der: Vec<u8>,
    pub(super) issuer: rcgen::Issuer<'static, KeyPair>,
    now: Now,
    pub(super) ends: Timestamp,
    list_life: Duration,
    desk: Mutex<Desk>,
}

/// Where certificates are entered, one at a time.
struct Desk {
    register: Box<dyn CertificateRegister>,
    book: Book,
    /// The number of the last revocation list.
    list_number: u64,
}

impl CertificateAuthority {
    /// Makes a certificate authority: an ECDSA key on P-256, and a certificate that it signs itself, which may sign leaf
    /// certificates and revocation lists and nothing below another authority.
    ///
    /// # Errors
    ///
    /// [`Invalid`] unless the name is 1 to 64 characters without control characters, and when the system gives no key.
    pub fn generate(common_name: &str, life: Duration, now: Timestamp) -> Result<NewAuthority, Invalid> {
        let length = common_name.chars().count();
        if !(1..=COMMON_NAME_CHARS_MAX).contains(&length) || common_name.chars().any(char::is_control) {
            return Err(Invalid::new(
                "certificate authority name",
                "takes 1 to 64 characters, none a control character",
            ));
        }
        let unmade = |_| Invalid::new("certificate authority", "could not be made: the system gave no key");
        let serial = random::array().map_err(|_| Invalid::new("certificate authority", "got no random bytes"))?;
        let key = KeyPair::generate().map_err(unmade)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, common_name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.serial_number = Some(SerialNumber::from_slice(CertificateSerial::from_random(serial).as_bytes()));
        let before = now.as_nanos().saturating_sub(u64::try_from(CLOCKS_DIFFER_MAX.as_nanos()).unwrap_or(u64::MAX));
        params.not_before = date(Timestamp::from_nanos(before));
        params.not_after = date(now.plus(life));
        let certificate = params.self_signed(&key).map_err(unmade)?.pem();
        Ok(NewAuthority { certificate, key: SecretBytes::from(key.serialize_pem()) })
    }

    /// Opens a certificate authority: its certificate (PEM, one block), its private key (PEM, PKCS #8), its register, and a
    /// clock.
    ///
    /// # Errors
    ///
    /// [`IssuerError`] (refused) when the certificate is none of an authority, or the key does not belong to it; and what the
    /// register says.
    pub fn open(
        certificate: &str,
        key: &SecretBytes,
        mut register: Box<dyn CertificateRegister>,
        now: impl Fn() -> Timestamp + Send + Sync + 'static,
    ) -> Result<Self, IssuerError> {
        let (der, ends) = read_certificate(certificate, key).map_err(IssuerError::refused)?;
        let unfit = |_| IssuerError::refused("the key of the certificate authority is of a kind that cannot be used");
        let text = key.expose_text().map_err(|_| IssuerError::refused("the key is not UTF-8 text"))?;
        let pair = KeyPair::from_pem(text).map_err(unfit)?;
        let issuer = rcgen::Issuer::from_ca_cert_der(&der.as_slice().into(), pair).map_err(unfit)?;
        let mut book = Book::default();
        register.load()?.iter().for_each(|note| book.apply(note));
        let desk = Mutex::new(Desk { register, book, list_number: 0 });
        let certificate = certificate.to_owned();
        Ok(Self { certificate, der, issuer, now: Arc::new(now), ends, list_life: LIST_LIFE, desk })
    }

    /// Says how long a revocation list holds; 7 days when nothing is said.
    #[must_use]
    pub const fn with_list_life(mut self, life: Duration) -> Self {
        self.list_life = life;
        self
    }

    /// Gives its certificate, PEM.
    #[must_use]
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// Signs the list of everything that was revoked and has not ended by itself, PEM. Publish it again before it ends, and
    /// after each retirement; its number grows with the time.
    ///
    /// # Errors
    ///
    /// [`IssuerError`] when it cannot be signed.
    pub fn revocation_list(&self) -> Result<String, IssuerError> {
        let now = self.now();
        let mut desk = self.desk.lock();
        desk.list_number = now.as_nanos().max(desk.list_number.saturating_add(1));
        let revoked = |(serial, at): (CertificateSerial, Timestamp)| RevokedCertParams {
            serial_number: SerialNumber::from_slice(serial.as_bytes()),
            revocation_time: date(at),
            reason_code: None,
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: date(now),
            next_update: date(now.plus(self.list_life)),
            crl_number: SerialNumber::from(desk.list_number),
            issuing_distribution_point: None,
            revoked_certs: desk.book.revoked(now).map(revoked).collect(),
            key_identifier_method: self.key_id(),
        };
        let signed = params.signed_by(&self.issuer).and_then(|list| list.pem());
        signed.map_err(|_| IssuerError::refused("the revocation list could not be signed"))
    }

    /// Gives how the authority's certificate names its key, so that the list names the same one.
    fn key_id(&self) -> KeyIdMethod {
        let named = x509_parser::parse_x509_certificate(&self.der).ok().and_then(|(_, own)| {
            own.iter_extensions().find_map(|extension| match extension.parsed_extension() {
                ParsedExtension::SubjectKeyIdentifier(id) => Some(id.0.to_vec()),
                _ => None,
            })
        });
        named.map_or(KeyIdMethod::Sha256, KeyIdMethod::PreSpecified)
    }

    pub(super) fn now(&self) -> Timestamp {
        (self.now)()
    }

    /// Enters a certificate that is about to be given out, and gives its serial number.
    pub(super) fn enter(
        &self,
        made_for: (LogId, RotationId),
        not_after: Timestamp,
    ) -> Result<CertificateSerial, IssuerError> {
        let serial = CertificateSerial::from_random(random::array().map_err(|error| unmade(&error))?);
        let (store, rotation) = made_for;
        self.note(&CertificateNote::Issued { serial, store, rotation, not_after })?;
        Ok(serial)
    }

    /// Revokes a certificate, unless it is revoked already.
    pub(super) fn revoke(&self, serial: CertificateSerial) -> Result<(), IssuerError> {
        if self.read(|book| book.is_revoked(serial)) {
            return Ok(());
        }
        self.note(&CertificateNote::Revoked { serial, at: self.now() })
    }

    /// Looks something up in the book.
    pub(super) fn read<T>(&self, look: impl FnOnce(&Book) -> T) -> T {
        look(&self.desk.lock().book)
    }

    fn note(&self, note: &CertificateNote) -> Result<(), IssuerError> {
        let mut desk = self.desk.lock();
        desk.register.add(note)?;
        desk.book.apply(note);
        Ok(())
    }

    /// Tells whether a certificate was signed with the authority's key, in its name.
    pub(super) fn signed(&self, certificate: &X509Certificate<'_>) -> bool {
        x509_parser::parse_x509_certificate(&self.der).is_ok_and(|(_, own)| {
            own.subject().as_raw() == certificate.issuer().as_raw()
                && certificate.verify_signature(Some(own.public_key())).is_ok()
        })
    }
}

impl fmt::Debug for CertificateAuthority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertificateAuthority").field("ends", &self.ends).finish_non_exhaustive()
    }
}

/// Reads the certificate of an authority, and holds the key to it. Gives the certificate as DER, and when it ends.
fn read_certificate(certificate: &str, key: &SecretBytes) -> Result<(Vec<u8>, Timestamp), &'static str> {
    const RULE: &str = "the certificate of the authority takes one PEM block CERTIFICATE that can be read";
    let blocks = pem::blocks(certificate).map_err(|_| RULE)?;
    let [block] = blocks.as_slice() else { return Err(RULE) };
    let Ok(([], read)) = x509_parser::parse_x509_certificate(&block.der) else { return Err(RULE) };
    let is_authority = read.basic_constraints().ok().flatten().is_some_and(|constraints| constraints.value.ca);
    let may_sign =
        read.key_usage().ok().flatten().is_none_or(|usage| usage.value.key_cert_sign() && usage.value.crl_sign());
    if !is_authority || !may_sign {
        return Err("the certificate is none of an authority that may sign certificates and revocation lists");
    }
    let key = key.expose_text().map_err(|_| "the key of the certificate authority is not UTF-8 text")?;
    private_key::check(key, read.public_key())
        .map_err(|_| "the key does not belong to the certificate of the authority")?;
    Ok((block.der.to_vec(), time(read.validity().not_after.timestamp())))
}

/// Gives a time as certificates have it, in seconds; times of ours end in 2262.
pub(super) fn date(at: Timestamp) -> OffsetDateTime {
    let secs = i64::try_from(at.as_nanos() / NANOS_PER_SEC).unwrap_or(i64::MAX);
    OffsetDateTime::from_unix_timestamp(secs).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// Reads a time of a certificate, in seconds since 1970.
pub(super) fn time(secs: i64) -> Timestamp {
    Timestamp::from_nanos(u64::try_from(secs).unwrap_or(0).saturating_mul(NANOS_PER_SEC))
}
