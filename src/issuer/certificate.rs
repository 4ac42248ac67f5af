//! Owns the reading of imported certificates: their content, and whether their parts fit together.
//!
//! It never asks a clock, so it does not say whether a certificate has expired. It verifies no signature, so it does
//! not say whether a chain can be trusted. Read next: [`super::private_key`].

use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::time::ASN1Time;
use x509_parser::x509::X509Name;

use super::chain::check_chain;
use super::der::{BIT_STRING, OID, SEQUENCE, take, whole};
use super::{pem, private_key};
use crate::domain::invalid::Invalid;
use crate::domain::time::Timestamp;
use crate::seal::data::ImportedCert;
use crate::seal::secret_bytes::SecretBytes;

/// DNS names that are listed; the total is given beside them. Authorities put no more in one certificate.
pub(crate) const DNS_NAMES_SHOWN_MAX: usize = 100;
/// Bytes of a serial number: 20 by RFC 5280, and a leading zero.
const SERIAL_BYTES_MAX: usize = 21;
/// Characters of a name that are shown; a DNS name has at most 253.
const NAME_CHARS_MAX: usize = 253;
const PEM_LABEL: &str = "CERTIFICATE";
const NANOS_PER_SEC: u64 = 1_000_000_000;

/// The content of a certificate. Nothing of it is secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CertificateFacts {
    /// Valid from here on; times before 1970 count as 1970.
    pub(crate) not_before: Timestamp,
    /// Valid up to here; times after 2262 count as [`Timestamp::MAX`].
    pub(crate) not_after: Timestamp,
    /// Serial number: bytes in lower-case hexadecimal, colons between them.
    pub(crate) serial: String,
    /// Common name of the subject, if it has one; without control characters, at most 253 characters.
    pub(crate) common_name: Option<String>,
    /// Common name of the issuer, likewise.
    pub(crate) issuer_common_name: Option<String>,
    /// DNS names of the certificate, the first 100, likewise.
    pub(crate) dns_names: Vec<String>,
    /// The number of its DNS names.
    pub(crate) dns_names_total: usize,
}

/// The purpose of a certificate, and what is known about its private key. Nothing of it is secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CertificateSummary {
    /// DNS names of the certificate, the first 100; without control characters, each at most 253 characters.
    pub dns_names: Vec<String>,
    /// The number of its DNS names.
    pub dns_names_total: usize,
    /// Whether the private key is known to belong to it. This is unknown if the key does not contain its public half,
    /// or is of a kind that is not read here (for example Ed448). `None` when there is no key.
    pub key_belongs: Option<bool>,
}

impl CertificateSummary {
    /// Reads a certificate (PEM) and optionally its private key (PEM), as given to
    /// [`NewSecret::imported_cert`](crate::NewSecret::imported_cert). Makes no call, and stores nothing.
    ///
    /// # Errors
    ///
    /// [`Invalid`], which names the part and what is wrong with it.
    pub fn of(certificate: &SecretBytes, private_key: Option<&SecretBytes>) -> Result<Self, Invalid> {
        let blocks =
            pem::blocks(text("certificate", certificate)?).map_err(|rule| Invalid::new("certificate", rule))?;
        let block = blocks.first().ok_or_else(|| Invalid::new("certificate", "takes one certificate"))?;
        let read = parse("certificate", block)?;
        let (dns_names, dns_names_total) = dns_names(&read)?;
        let check = |key: &SecretBytes| {
            private_key::check(text("private key", key)?, read.public_key())
                .map(|check| check == private_key::KeyCheck::Belongs)
                .map_err(|rule| Invalid::new("private key", rule))
        };
        Ok(Self { dns_names, dns_names_total, key_belongs: private_key.map(check).transpose()? })
    }
}

/// Reads an imported certificate and checks that its parts fit together.
///
/// The certificate is one X.509 certificate. The intermediate part has only certificates, one of which has the subject
/// that the certificate names as its issuer. The private key is readable and belongs to the certificate, as far as
/// [`private_key::check`] can tell.
///
/// # Errors
///
/// [`Invalid`], which names the part and what is wrong with it.
pub(crate) fn read(parts: &ImportedCert) -> Result<CertificateFacts, Invalid> {
    let text = text("certificate", parts.certificate())?;
    let blocks = pem::blocks(text).map_err(|rule| Invalid::new("certificate", rule))?;
    let [block] = blocks.as_slice() else {
        return Err(Invalid::new(
            "certificate",
            "takes one certificate; the chain above it goes into intermediate (--chain on the command line)",
        ));
    };
    let certificate = parse("certificate", block)?;
    if let Some(chain) = parts.intermediate() {
        check_chain(chain, &certificate)?;
    }
    if let Some(key) = parts.private_key() {
        private_key::check(self::text("private key", key)?, certificate.public_key())
            .map_err(|rule| Invalid::new("private key", rule))?;
    }
    facts(&certificate)
}

pub(super) fn text<'a>(field: &'static str, bytes: &'a SecretBytes) -> Result<&'a str, Invalid> {
    bytes.expose_text().map_err(|_| Invalid::new(field, "is not UTF-8 text"))
}

pub(super) fn parse<'a>(field: &'static str, block: &'a pem::Block<'_>) -> Result<X509Certificate<'a>, Invalid> {
    if block.label != PEM_LABEL {
        return Err(Invalid::new(field, "takes PEM blocks CERTIFICATE only"));
    }
    match x509_parser::parse_x509_certificate(&block.der) {
        // The parser ignores the class of a tag, where other readers refuse the certificate.
        Ok(([], certificate)) if is_public_key(certificate.public_key().raw) => Ok(certificate),
        _ => Err(Invalid::new(field, "is PEM, but holds no X.509 certificate that can be read")),
    }
}

/// Returns whether bytes are a `SubjectPublicKeyInfo` in DER (RFC 5280, section 4.1): an algorithm by its number, and
/// the key.
fn is_public_key(der: &[u8]) -> bool {
    let parts = || {
        let (algorithm, key) = take(SEQUENCE, whole(SEQUENCE, der)?)?;
        take(OID, algorithm)?;
        whole(BIT_STRING, key)
    };
    parts().is_some()
}

fn facts(certificate: &X509Certificate<'_>) -> Result<CertificateFacts, Invalid> {
    let validity = certificate.validity();
    let (not_before, not_after) = (time(validity.not_before), time(validity.not_after));
    if validity.not_after < validity.not_before {
        return Err(Invalid::new("certificate", "ends before it begins"));
    }
    let serial = certificate.raw_serial();
    if serial.len() > SERIAL_BYTES_MAX {
        return Err(Invalid::new("certificate", "has a serial number of more than 20 bytes"));
    }
    let (dns_names, dns_names_total) = dns_names(certificate)?;
    Ok(CertificateFacts {
        not_before,
        not_after,
        serial: shown_serial(serial),
        common_name: common_name(certificate.subject()),
        issuer_common_name: common_name(certificate.issuer()),
        dns_names,
        dns_names_total,
    })
}

/// Returns a serial number as OpenSSL shows it: without the zero byte that only marks it as positive, and a negative
/// one with a sign.
fn shown_serial(serial: &[u8]) -> String {
    let is_negative = serial.first().is_some_and(|first| *first >= 0x80);
    let mut bytes = serial.to_vec();
    if is_negative {
        let mut carry = true;
        for byte in bytes.iter_mut().rev() {
            let (negated, more) = (!*byte).overflowing_add(u8::from(carry));
            (*byte, carry) = (negated, more);
        }
    }
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count().min(bytes.len().saturating_sub(1));
    let digits: Vec<_> = bytes.iter().skip(zeros).map(|byte| format!("{byte:02x}")).collect();
    format!("{}{}", if is_negative { "-" } else { "" }, digits.join(":"))
}

fn dns_names(certificate: &X509Certificate<'_>) -> Result<(Vec<String>, usize), Invalid> {
    let extension = certificate
        .subject_alternative_name()
        .map_err(|_| Invalid::new("certificate", "names its subject's alternatives twice or wrongly"))?;
    let all = extension.map(|extension| extension.value.general_names.as_slice()).unwrap_or_default();
    let names = all.iter().filter_map(|name| match name {
        GeneralName::DNSName(name) => Some(*name),
        _ => None,
    });
    Ok((names.clone().take(DNS_NAMES_SHOWN_MAX).map(shown).collect(), names.count()))
}

fn common_name(name: &X509Name<'_>) -> Option<String> {
    name.iter_common_name().next().and_then(|name| name.as_str().ok()).map(shown)
}

fn shown(name: &str) -> String {
    name.chars().filter(|char| !char.is_control()).take(NAME_CHARS_MAX).collect()
}

fn time(time: ASN1Time) -> Timestamp {
    let secs = u64::try_from(time.timestamp()).unwrap_or(0);
    Timestamp::from_nanos(secs.saturating_mul(NANOS_PER_SEC))
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};

    use super::*;
    use crate::seal::data::SecretData;

    /// A private certificate authority and a certificate that it signed.
    struct Made {
        authority: String,
        certificate: String,
        key: String,
    }

    fn params(names: &[&str], common_name: &str) -> CertificateParams {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name.push(DnType::CommonName, common_name);
        params.serial_number = Some(vec![0x0a, 0xbc, 0x01].into());
        params.not_before = date_time_ymd(2026, 11, 23);
        params.not_after = date_time_ymd(2027, 2, 21);
        params
    }

    fn signed(leaf: &CertificateParams) -> Made {
        let [authority_key, key] = [(); 2].map(|()| KeyPair::generate().unwrap());
        let mut authority = params(&[], "Test Authority");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = Issuer::from_params(&authority, &authority_key);
        let certificate = leaf.signed_by(&key, &issuer).unwrap().pem();
        let key = key.serialize_pem();
        Made { authority: authority.self_signed(&authority_key).unwrap().pem(), certificate, key }
    }

    fn read_parts(certificate: &str, chain: Option<&str>, key: Option<&str>) -> Result<CertificateFacts, Invalid> {
        let secret = |text: &str| SecretBytes::from(text.to_owned());
        let data = SecretData::imported_cert(secret(certificate), chain.map(secret), key.map(secret))?;
        let SecretData::ImportedCert(parts) = data else { unreachable!("it was made as one") };
        read(&parts)
    }

    #[track_caller]
    fn refused(found: Result<CertificateFacts, Invalid>, field: &str, rule: &str) {
        let err = found.unwrap_err();
        assert!(err.field() == field && err.rule().contains(rule), "{err}");
    }

    #[test]
    fn a_certificate_says_what_was_put_into_it() {
        let made = signed(&params(&["a.example", "b.example"], "a.example"));
        let facts = read_parts(&made.certificate, Some(&made.authority), Some(&made.key)).unwrap();
        let expected = CertificateFacts {
            not_before: Timestamp::parse("2026-11-23T00:00:00Z").unwrap(),
            not_after: Timestamp::parse("2027-02-21T00:00:00Z").unwrap(),
            serial: "0a:bc:01".to_owned(),
            common_name: Some("a.example".to_owned()),
            issuer_common_name: Some("Test Authority".to_owned()),
            dns_names: vec!["a.example".to_owned(), "b.example".to_owned()],
            dns_names_total: 2,
        };
        assert_eq!(facts, expected);
        assert_eq!(read_parts(&made.certificate, None, None).unwrap(), expected);
    }

    #[test]
    fn times_that_cannot_be_written_stop_at_the_ends() {
        let mut leaf = params(&[], "for ever");
        leaf.not_before = date_time_ymd(1955, 1, 1);
        leaf.not_after = date_time_ymd(9999, 12, 31);
        let facts = read_parts(&signed(&leaf).certificate, None, None).unwrap();
        assert_eq!((facts.not_before, facts.not_after), (Timestamp::EPOCH, Timestamp::MAX));
    }

    #[test]
    fn parts_that_do_not_fit_together_are_refused() {
        let [made, other] = [(); 2].map(|()| signed(&params(&[], "leaf")));
        let leaf = made.certificate.as_str();
        refused(read_parts(leaf, None, Some(&other.key)), "private key", "does not belong");
        refused(read_parts(leaf, Some(&made.key), None), "intermediate", "CERTIFICATE only");
        refused(read_parts(&made.key, None, None), "certificate", "CERTIFICATE only");
        refused(read_parts(&format!("{leaf}{}", made.authority), None, None), "certificate", "takes one certificate");
        refused(read_parts(leaf, Some("no chain"), None), "intermediate", "is not PEM");
    }

    #[test]
    fn a_certificate_that_ends_before_it_begins_is_refused() {
        let mut leaf = params(&[], "leaf");
        leaf.not_after = date_time_ymd(2026, 11, 22);
        refused(read_parts(&signed(&leaf).certificate, None, None), "certificate", "ends before");
    }

    #[test]
    fn names_are_bounded_and_freed_of_control_characters() {
        let names: Vec<String> = (0..250).map(|number| format!("{number}.example")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let made = signed(&params(&names, &format!("a\u{1b}[31m\n{}", "b".repeat(300))));
        let facts = read_parts(&made.certificate, None, None).unwrap();
        assert_eq!((facts.dns_names.len(), facts.dns_names_total), (100, 250));
        assert_eq!(facts.common_name.unwrap(), format!("a[31m{}", "b".repeat(248)));
    }

    #[test]
    fn a_serial_number_is_shown_as_openssl_shows_it() {
        for (serial, shown) in [
            (&[0x00, 0xab, 0xcd][..], "ab:cd"),
            (&[0x01], "01"),
            (&[0x00], "00"),
            (&[0x00, 0x00, 0x80], "80"),
            (&[0x80], "-80"),
            (&[0xff], "-01"),
            (&[0xff, 0x00], "-01:00"),
            (&[], ""),
        ] {
            assert_eq!(shown_serial(serial), shown);
        }
    }

    #[test]
    fn a_serial_number_beyond_its_bound_is_refused() {
        let mut leaf = params(&[], "leaf");
        leaf.serial_number = Some(vec![0x7f; 22].into());
        refused(read_parts(&signed(&leaf).certificate, None, None), "certificate", "more than 20 bytes");
    }

    #[test]
    fn hostile_text_is_refused_and_never_panics() {
        let made = signed(&params(&["a.example"], "leaf"));
        let leaf = made.certificate.as_str();
        for len in (0..leaf.trim_end().len()).filter(|len| leaf.is_char_boundary(*len)) {
            assert!(read_parts(&leaf[..len], None, None).is_err(), "length {len}");
        }
        refused(read_parts(&leaf.repeat(17), None, None), "certificate", "more than 16");
        refused(read_parts(&"x".repeat(100_001), None, None), "certificate", "100000 bytes");
        let blocks = pem::blocks(leaf).unwrap();
        for at in 0..blocks[0].der.len() {
            for flip in [0x01, 0x80, 0xff] {
                let mut der = blocks[0].der.to_vec();
                der[at] ^= flip;
                // Much of a certificate is free text and keys: the test only checks that it is read or refused, within
                // bounds.
                if let Ok(([], certificate)) = x509_parser::parse_x509_certificate(&der)
                    && let Ok(facts) = facts(&certificate)
                {
                    assert!(facts.not_before <= facts.not_after && facts.dns_names.len() <= 100);
                }
            }
        }
    }
}
