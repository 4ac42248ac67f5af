//! Owns a certificate authority: its key and certificate, its register, and its revocation list.
//!
//! It never signs before the register has an entry. Read next: [`super::published_list`].

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DistinguishedName, DnType, IsCa, KeyIdMethod,
    KeyPair, KeyUsagePurpose, PublicKeyData, RevokedCertParams, SerialNumber,
};
use time::OffsetDateTime;

use super::own::Own;
use super::register::{Book, CertificateNote, CertificateRegister, CertificateSerial};
use super::resigning::signed_as;
use crate::domain::id::{LogId, RotationId};
use crate::domain::invalid::Invalid;
use crate::domain::time::Timestamp;
use crate::issuer::outcome::IssuerError;
use crate::issuer::pem;
use crate::issuer::value::unmade;
use crate::seal::random;
use crate::seal::secret_bytes::SecretBytes;

/// How long a revocation list is valid by default.
const LIST_LIFE: Duration = Duration::from_secs(7 * 24 * 3_600);
/// How much clocks may differ: certificates begin that much earlier.
pub(super) const CLOCKS_DIFFER_MAX: Duration = Duration::from_secs(300);
/// Characters of a common name (RFC 5280, upper bounds).
pub(super) const COMMON_NAME_CHARS_MAX: usize = 64;
const NANOS_PER_SEC: u64 = 1_000_000_000;

/// Returns the time.
type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// A certificate authority that was just made: keep both parts, the key in a store.
#[derive(Debug)]
#[non_exhaustive]
pub struct NewAuthority {
    /// Its certificate, PEM, which all clients trust.
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
/// let register = FileRegister::create(home.path().join("certificates.jsonl"))?;
/// let authority = CertificateAuthority::open(&made.certificate, &made.key, Box::new(register), || SystemClock.now())?;
/// assert!(authority.revocation_list()?.starts_with("-----BEGIN X509 CRL-----"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct CertificateAuthority {
    pub(super) own: Own,
    issuer: rcgen::Issuer<'static, KeyPair>,
    name: Vec<u8>,
    now: Now,
    list_life: Duration,
    desk: Mutex<Desk>,
}

/// The register, with one caller at a time.
struct Desk {
    register: Box<dyn CertificateRegister>,
    book: Book,
}

impl CertificateAuthority {
    /// Makes a certificate authority: an ECDSA key on P-256, and a self-signed certificate. It may sign leaf
    /// certificates and revocation lists, and no other authority.
    ///
    /// # Errors
    ///
    /// [`Invalid`] unless the name is 1 to 64 characters without control characters, and when the system provides no
    /// key.
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
        params.not_before = date(earlier(now));
        params.not_after = date(now.plus(life));
        let certificate = params.self_signed(&key).map_err(unmade)?.pem();
        Ok(NewAuthority { certificate, key: SecretBytes::from(key.serialize_pem()) })
    }

    /// Opens a certificate authority: its certificate (PEM, optionally followed by the chain above), its private key
    /// (PEM, PKCS #8, PKCS #1 or SEC 1), its register, and a clock.
    ///
    /// Signs a test with the key and checks it against the certificate, before anything is given out. A register
    /// belongs to one key: a new key needs a register and a revocation list of its own. Writes to the register.
    ///
    /// # Errors
    ///
    /// [`IssuerError`] (refused) when the certificate is not that of an authority, the key does not belong to it or is
    /// not one of ECDSA on P-256 or P-384, RSA and Ed25519, or the register belongs to another key; also errors of the
    /// register.
    pub fn open(
        certificate: &str,
        key: &SecretBytes,
        mut register: Box<dyn CertificateRegister>,
        now: impl Fn() -> Timestamp + Send + Sync + 'static,
    ) -> Result<Self, IssuerError> {
        const UNFIT: &str = "the key of the certificate authority is of a kind that cannot be used; ECDSA on P-256 or P-384 \
                             (with its public half), RSA of 2,048 to 4,096 bits and Ed25519 can";
        let own = Own::read(certificate).map_err(IssuerError::refused)?;
        let der = own.key(key).map_err(|told| IssuerError::refused(&told))?;
        let pair = KeyPair::try_from(der.as_slice()).map_err(|_| IssuerError::refused(UNFIT))?;
        let (name, fingerprint) = own.name().zip(own.fingerprint()).ok_or_else(|| IssuerError::refused(UNFIT))?;
        let mut params = CertificateParams::default();
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.key_identifier_method = own.key_id().map_or(KeyIdMethod::Sha256, KeyIdMethod::PreSpecified);
        let issuer = rcgen::Issuer::new(params, pair);
        prove(&own, &issuer, &name)?;
        let book = claim(&mut *register, fingerprint)?;
        let desk = Mutex::new(Desk { register, book });
        Ok(Self { own, issuer, name, now: Arc::new(now), list_life: LIST_LIFE, desk })
    }

    /// Sets how long a revocation list is valid; 7 days by default.
    #[must_use]
    pub const fn with_list_life(mut self, life: Duration) -> Self {
        self.list_life = life;
        self
    }

    /// Returns its certificate, PEM, without the chain above it.
    #[must_use]
    pub fn certificate(&self) -> &str {
        &self.own.certificate
    }

    /// Returns when it ends, or an authority above it: none of its certificates is valid for longer.
    #[must_use]
    pub const fn ends(&self) -> Timestamp {
        self.own.ends
    }

    /// Signs the list of everything that was revoked and has not ended by itself, PEM. Publish it again before it ends,
    /// and after each retirement. It begins five minutes before it is made, for clocks that differ. Its number grows
    /// with the time, never decreases, and is noted in the register first.
    ///
    /// # Errors
    ///
    /// [`IssuerError`] when it cannot be signed; also errors of the register.
    pub fn revocation_list(&self) -> Result<String, IssuerError> {
        let now = self.now();
        let mut desk = self.desk.lock();
        let number = now.as_nanos().max(desk.book.last_list().saturating_add(1));
        let note = CertificateNote::Listed { number };
        desk.register.add(&note)?;
        desk.book.apply(&note);
        let begin = earlier(now);
        let revoked = |(serial, at): (CertificateSerial, Timestamp)| RevokedCertParams {
            serial_number: SerialNumber::from_slice(serial.as_bytes()),
            revocation_time: date(at.min(begin)),
            reason_code: None,
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: date(begin),
            next_update: date(now.plus(self.list_life)),
            crl_number: SerialNumber::from(number),
            issuing_distribution_point: None,
            revoked_certs: desk.book.revoked(now).map(revoked).collect(),
            key_identifier_method: self.own.key_id().map_or(KeyIdMethod::Sha256, KeyIdMethod::PreSpecified),
        };
        let der = list(&params, &self.issuer, &self.name);
        der.map(|der| pem::encode("X509 CRL", &der))
            .ok_or_else(|| IssuerError::refused("the revocation list could not be signed"))
    }

    /// Signs a certificate in the authority's name, for a public key; returns it as PEM.
    pub(super) fn sign(&self, params: &CertificateParams, key: &impl PublicKeyData) -> Option<String> {
        let signed = params.signed_by(key, &self.issuer).ok()?;
        let der = signed_as(signed.der(), &self.name, self.issuer.key())?;
        Some(pem::encode("CERTIFICATE", &der))
    }

    pub(super) fn now(&self) -> Timestamp {
        (self.now)()
    }

    /// Enters a certificate that is about to be given out, and returns its serial number.
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

    /// Looks something up in the register.
    pub(super) fn read<T>(&self, look: impl FnOnce(&Book) -> T) -> T {
        look(&self.desk.lock().book)
    }

    /// Enters something.
    pub(super) fn note(&self, note: &CertificateNote) -> Result<(), IssuerError> {
        let mut desk = self.desk.lock();
        desk.register.add(note)?;
        desk.book.apply(note);
        Ok(())
    }
}

/// Reads a register, which belongs to one key: the first authority that opens it sets that key.
fn claim(register: &mut dyn CertificateRegister, fingerprint: String) -> Result<Book, IssuerError> {
    let mut book = Book::default();
    register.load()?.iter().for_each(|note| book.apply(note));
    match book.key() {
        Some(key) if key == fingerprint => {}
        Some(_) => {
            return Err(IssuerError::refused(
                "the register of certificates belongs to another key of an authority: a new key takes a register and a \
                 revocation list of its own",
            ));
        }
        None => {
            let note = CertificateNote::Authority { key: fingerprint };
            register.add(&note)?;
            book.apply(&note);
        }
    }
    Ok(book)
}

/// Signs a small test and checks it against the certificate, before anything is given out. Otherwise lists that cannot
/// be verified could replace valid ones.
fn prove(own: &Own, issuer: &rcgen::Issuer<'_, KeyPair>, name: &[u8]) -> Result<(), IssuerError> {
    let params = CertificateRevocationListParams {
        this_update: OffsetDateTime::UNIX_EPOCH,
        next_update: date(Timestamp::EPOCH.plus(LIST_LIFE)),
        crl_number: SerialNumber::from(0),
        issuing_distribution_point: None,
        revoked_certs: Vec::new(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    let verifies = |der: Vec<u8>| {
        let list = x509_parser::parse_x509_crl(&der).ok()?.1;
        own.look(|own| {
            list.issuer().as_raw() == own.subject().as_raw() && list.verify_signature(own.public_key()).is_ok()
        })
    };
    match list(&params, issuer, name).and_then(verifies) {
        Some(true) => Ok(()),
        _ => Err(IssuerError::refused(
            "the key of the certificate authority does not belong to its certificate: what it signs does not verify",
        )),
    }
}

fn list(params: &CertificateRevocationListParams, issuer: &rcgen::Issuer<'_, KeyPair>, name: &[u8]) -> Option<Vec<u8>> {
    let signed = params.signed_by(issuer).ok()?;
    signed_as(signed.der(), name, issuer.key())
}

/// Returns a time a little earlier, for clocks that differ.
pub(super) fn earlier(now: Timestamp) -> Timestamp {
    let margin = u64::try_from(CLOCKS_DIFFER_MAX.as_nanos()).unwrap_or(u64::MAX);
    Timestamp::from_nanos(now.as_nanos().saturating_sub(margin))
}

impl fmt::Debug for CertificateAuthority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertificateAuthority").field("ends", &self.own.ends).finish_non_exhaustive()
    }
}

/// Returns a time in the form of certificates, in seconds; times of ours end in 2262.
pub(super) fn date(at: Timestamp) -> OffsetDateTime {
    let secs = i64::try_from(at.as_nanos() / NANOS_PER_SEC).unwrap_or(i64::MAX);
    OffsetDateTime::from_unix_timestamp(secs).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// Reads a time of a certificate, in seconds since 1970.
pub(super) fn time(secs: i64) -> Timestamp {
    Timestamp::from_nanos(u64::try_from(secs).unwrap_or(0).saturating_mul(NANOS_PER_SEC))
}
