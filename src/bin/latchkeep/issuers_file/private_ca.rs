//! Owns issuers of kind `private_ca`: certificates of an authority of one's own, and the list of what it revoked.
//!
//! Read next: [`super::source`], for the authority's key, and [`super::register`].

use std::fs::Permissions;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use latchkeep::issuers_file::{LeafKeyKind, PrivateCaDescription};
use latchkeep::{
    CertificateAuthority, CertificateKey, Clock as _, IssueOrder, Issued, Issuer, IssuerClass, IssuerError, Job,
    LeafTemplate, LogId, OutsideId, PrivateCertIssuer, RotationId, SecretBytes, SystemClock, Timestamp,
};

use super::later::Later;
use super::register::{self, Register};
use super::source::Source;
use super::{Host, Made};
use crate::{input, place};

/// Bytes of the file with the authority's certificate, at most.
const CERTIFICATE_BYTES_MAX: usize = 64 * 1_024;
/// How long one certificate takes at most; most of it is the register's disk.
const LONGEST: Duration = Duration::from_secs(30);

pub(super) fn make(described: &PrivateCaDescription, host: &Host<'_>) -> Result<Made, String> {
    let template = template(described)?;
    let source = Source::of(&described.key, "private_key", host.session);
    let ttl = described.ttl;
    let place = Place {
        certificate: described.certificate_file.clone(),
        register: Register::of(described, host),
        list: described.revocation_list_file.clone(),
    };
    let ending = Arc::new(Mutex::new(None));
    let ends = Arc::clone(&ending);
    let later = Later::new(IssuerClass::CreateDiscoverable, move || {
        let publishing = place.open(&source, template.clone())?;
        *ends.lock().unwrap_or_else(PoisonError::into_inner) = Some(publishing.authority.ends());
        Ok(Arc::new(publishing))
    });
    let problem = later.made().err().map(|error| told(&error));
    let ends = *ending.lock().unwrap_or_else(PoisonError::into_inner);
    let problem = problem.or_else(|| ends.and_then(|ends| soon(ends, ttl)));
    Ok(Made { issuer: Arc::new(later), longest: LONGEST, problem })
}

/// Says that an authority ends before certificates of the wanted life do.
fn soon(ends: Timestamp, ttl: Duration) -> Option<String> {
    (SystemClock.now().plus(ttl) > ends).then(|| {
        format!("the certificate of its authority ends at {ends}, and so will all that is made from now on: renew the authority")
    })
}

/// Where the parts of an authority are.
struct Place {
    certificate: PathBuf,
    register: Register,
    list: PathBuf,
}

impl Place {
    fn open(&self, source: &Source, template: LeafTemplate) -> Result<Publishing, String> {
        let key = source.read().map_err(|error| told(&error))?;
        let certificate = input::read_file(&self.certificate, CERTIFICATE_BYTES_MAX);
        let certificate = certificate.map_err(|failure| failure.message().to_owned())?;
        let certificate = certificate.expose_text().map_err(|_| "certificate_file is not text".to_owned())?;
        let list = register::published(&self.list)?;
        let register = Box::new(self.register.open(list.is_some())?);
        let authority = CertificateAuthority::open(certificate, &key, register, || SystemClock.now());
        let authority = Arc::new(authority.map_err(|error| told(&error))?);
        self.register.compare(&authority, list.as_deref())?;
        let issuer = PrivateCertIssuer::new(Arc::clone(&authority), template);
        let publishing = Publishing { issuer, authority, list_file: self.list.clone(), turn: Mutex::new(()) };
        publishing.publish().map_err(|error| told(&error))?;
        Ok(publishing)
    }
}

pub(super) fn told(error: &IssuerError) -> String {
    error.reason().to_string()
}

fn template(described: &PrivateCaDescription) -> Result<LeafTemplate, String> {
    let mut template = LeafTemplate::new(described.ttl).map_err(|invalid| invalid.to_string())?;
    for name in &described.names {
        template = template.allowing(name).map_err(|invalid| invalid.to_string())?;
    }
    for domain in &described.below {
        template = template.allowing_below(domain).map_err(|invalid| invalid.to_string())?;
    }
    for network in &described.addresses {
        template = template.allowing_addresses(network).map_err(|invalid| invalid.to_string())?;
    }
    if described.wildcards {
        template = template.allowing_wildcards();
    }
    template = template.with_key(match described.leaf_key {
        LeafKeyKind::EcdsaP256 => CertificateKey::EcdsaP256,
        LeafKeyKind::EcdsaP384 => CertificateKey::EcdsaP384,
        LeafKeyKind::Ed25519 => CertificateKey::Ed25519,
    });
    match &described.revocation_url {
        Some(url) => template.with_revocation_url(url).map_err(|invalid| invalid.to_string()),
        None => Ok(template),
    }
}

/// The issuer, which writes the list of what was revoked after each change, and at each sweep, long before the last one ends.
struct Publishing {
    issuer: PrivateCertIssuer,
    authority: Arc<CertificateAuthority>,
    list_file: PathBuf,
    /// Held while a list is made and written, so that no older one comes over a newer one.
    turn: Mutex<()>,
}

impl Publishing {
    /// Writes the list whole, for everybody to read.
    fn publish(&self) -> Result<(), IssuerError> {
        let _alone = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let list = self.authority.revocation_list()?;
        let unwritten = || IssuerError::unavailable("the revocation list cannot be written");
        let mut file = place::aside(&self.list_file).map_err(|_| unwritten())?;
        let everybody = Permissions::from_mode(0o644);
        file.write_all(list.as_bytes())
            .and_then(|()| file.as_file().set_permissions(everybody))
            .map_err(|_| unwritten())?;
        place::put(file, &self.list_file, true).map_err(|_| unwritten())
    }
}

#[deny(clippy::missing_trait_methods, reason = "a default stands for no issuer within; each call is for that one")]
impl Issuer for Publishing {
    fn class(&self) -> IssuerClass {
        self.issuer.class()
    }

    fn pick(&self, order: &IssueOrder<'_>) -> Result<SecretBytes, IssuerError> {
        self.issuer.pick(order)
    }

    fn take(&self, order: &IssueOrder<'_>, brought: &SecretBytes) -> Result<SecretBytes, IssuerError> {
        self.issuer.take(order, brought)
    }

    fn adopt(&self, order: &IssueOrder<'_>, outside: &OutsideId, brought: &SecretBytes) -> Result<Issued, IssuerError> {
        self.issuer.adopt(order, outside, brought)
    }

    fn create(&self, order: &IssueOrder<'_>, value: Option<&SecretBytes>) -> Result<Issued, IssuerError> {
        self.issuer.create(order, value)
    }

    fn find(&self, order: &IssueOrder<'_>) -> Result<Vec<OutsideId>, IssuerError> {
        self.issuer.find(order)
    }

    fn verify(&self, order: &IssueOrder<'_>, credential: &SecretBytes) -> Result<(), IssuerError> {
        self.issuer.verify(order, credential)
    }

    fn retire(&self, order: &IssueOrder<'_>, outside: Option<&OutsideId>) -> Result<(), IssuerError> {
        self.issuer.retire(order, outside)?;
        self.publish()
    }

    fn job_limit(&self) -> Option<Duration> {
        self.issuer.job_limit()
    }

    fn begin(&self, order: &IssueOrder<'_>, job: &Job<'_>) -> Result<(), IssuerError> {
        self.issuer.begin(order, job)
    }

    fn list(&self, store: LogId) -> Result<Vec<(RotationId, OutsideId)>, IssuerError> {
        self.publish()?;
        self.issuer.list(store)
    }
}
