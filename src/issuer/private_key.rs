//! Owns the reading of a private key that was brought along, as far as telling whether it belongs to a certificate.
//!
//! It never copies the secret part out. Forms read: PKCS #8 (RFC 5958), PKCS #1 for RSA (RFC 8017), SEC 1 for elliptic
//! curves (RFC 5915). Read next: [`super::certificate`].

use x509_parser::oid_registry::{OID_KEY_TYPE_EC_PUBLIC_KEY, OID_PKCS1_RSAENCRYPTION, OID_SIG_ED25519};
use x509_parser::x509::SubjectPublicKeyInfo;
use zeroize::Zeroizing;

use super::pem;

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OID: u8 = 0x06;
const PUBLIC_KEY_OF_SEC1: u8 = 0xa1;

const RSA_OID: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const EC_OID: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const ED25519_OID: &[u8] = &[0x2b, 0x65, 0x70];

/// What a private key tells about the public key that belongs to it.
#[derive(Debug, PartialEq, Eq)]
enum PublicHalf<'a> {
    /// The modulus.
    Rsa(&'a [u8]),
    /// The point, when the key carries it.
    Elliptic(Option<&'a [u8]>),
    Ed25519([u8; 32]),
    /// A private key in a known form, of an algorithm that is not read here.
    Other,
}

/// Holds the PEM text of a private key to its form, and to the certificate whose public key is `public`.
///
/// That the two belong together is checked for RSA, Ed25519, and elliptic curves where the key carries its point.
///
/// # Errors
///
/// The rule that the text breaks, which goes on after the name of its field.
pub(super) fn check(text: &str, public: &SubjectPublicKeyInfo<'_>) -> Result<(), &'static str> {
    let blocks = pem::blocks(text)?;
    // `openssl ecparam -genkey` writes the name of the curve before the key.
    let mut keys = blocks.iter().filter(|block| block.label != "EC PARAMETERS");
    let (Some(key), None) = (keys.next(), keys.next()) else {
        return Err("takes exactly one private key");
    };
    let half = match key.label {
        "PRIVATE KEY" => pkcs8(&key.der),
        "RSA PRIVATE KEY" => pkcs1(&key.der),
        "EC PRIVATE KEY" => sec1(&key.der),
        "ENCRYPTED PRIVATE KEY" => return Err("is encrypted; bring it decrypted, it is sealed here"),
        _ => return Err("takes a PEM block PRIVATE KEY, RSA PRIVATE KEY or EC PRIVATE KEY"),
    };
    match half {
        None => Err("is PEM, but holds no private key that can be read"),
        Some(half) if belongs(&half, public) => Ok(()),
        Some(_) => Err("does not belong to the certificate"),
    }
}

/// Tells whether the halves fit, as far as that can be told.
fn belongs(half: &PublicHalf<'_>, public: &SubjectPublicKeyInfo<'_>) -> bool {
    let (algorithm, bits) = (&public.algorithm.algorithm, &*public.subject_public_key.data);
    match half {
        PublicHalf::Rsa(modulus) => *algorithm == OID_PKCS1_RSAENCRYPTION && rsa_modulus(bits) == Some(modulus),
        PublicHalf::Elliptic(point) => {
            // A point has two forms; of different length, they cannot be compared without the curve.
            let fits = |point: &[u8]| point.len() != bits.len() || point == bits;
            *algorithm == OID_KEY_TYPE_EC_PUBLIC_KEY && point.is_none_or(fits)
        }
        PublicHalf::Ed25519(own) => *algorithm == OID_SIG_ED25519 && own == bits,
        PublicHalf::Other => {
            ![OID_PKCS1_RSAENCRYPTION, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_SIG_ED25519].contains(algorithm)
        }
    }
}

fn pkcs8(der: &[u8]) -> Option<PublicHalf<'_>> {
    let (_, rest) = take(INTEGER, whole(SEQUENCE, der)?)?;
    let (algorithm, rest) = take(SEQUENCE, rest)?;
    let (oid, _) = take(OID, algorithm)?;
    let (key, _) = take(OCTET_STRING, rest)?;
    if oid == RSA_OID {
        pkcs1(key)
    } else if oid == EC_OID {
        sec1(key)
    } else if oid == ED25519_OID {
        let seed = Zeroizing::new(<[u8; 32]>::try_from(whole(OCTET_STRING, key)?).ok()?);
        Some(PublicHalf::Ed25519(ed25519_dalek::SigningKey::from_bytes(&seed).verifying_key().to_bytes()))
    } else {
        Some(PublicHalf::Other)
    }
}

fn pkcs1(der: &[u8]) -> Option<PublicHalf<'_>> {
    let (_, rest) = take(INTEGER, whole(SEQUENCE, der)?)?;
    let (modulus, rest) = take(INTEGER, rest)?;
    // The public exponent, and the private one: without it this is no private key.
    let (_, rest) = take(INTEGER, rest)?;
    take(INTEGER, rest)?;
    Some(PublicHalf::Rsa(modulus))
}

fn sec1(der: &[u8]) -> Option<PublicHalf<'_>> {
    let (_, rest) = take(INTEGER, whole(SEQUENCE, der)?)?;
    let (_, mut rest) = take(OCTET_STRING, rest)?;
    while let Some((tag, value, left)) = split(rest) {
        if tag == PUBLIC_KEY_OF_SEC1 {
            let (_unused_bits, point) = whole(BIT_STRING, value)?.split_first()?;
            return Some(PublicHalf::Elliptic(Some(point)));
        }
        rest = left;
    }
    rest.is_empty().then_some(PublicHalf::Elliptic(None))
}

fn rsa_modulus(bits: &[u8]) -> Option<&[u8]> {
    take(INTEGER, whole(SEQUENCE, bits)?).map(|(modulus, _)| modulus)
}

/// Gives the value of a DER element that is all there is.
fn whole(tag: u8, der: &[u8]) -> Option<&[u8]> {
    take(tag, der).and_then(|(value, rest)| rest.is_empty().then_some(value))
}

/// Gives the value of the first DER element, which must have `tag`, and what follows it.
fn take(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    split(der).and_then(|(found, value, rest)| (found == tag).then_some((value, rest)))
}

/// Splits the first DER element off: tag of one byte, definite length.
fn split(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let ([tag, first], rest) = der.split_first_chunk::<2>()?;
    let (len, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        0x81..=0x83 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (bytes.iter().fold(0_usize, |len, byte| len << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    let (value, rest) = rest.split_at_checked(len)?;
    Some((*tag, value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RSA: &str = include_str!("fixtures/rsa-cert.pem");
    const RSA_PKCS1: &str = include_str!("fixtures/rsa-pkcs1.pem");
    const RSA_PKCS8: &str = include_str!("fixtures/rsa-pkcs8.pem");
    const EC: &str = include_str!("fixtures/ec-cert.pem");
    const EC_SEC1: &str = include_str!("fixtures/ec-sec1.pem");

    fn check_against(certificate: &str, key: &str) -> Result<(), &'static str> {
        let blocks = pem::blocks(certificate).unwrap();
        let (_, certificate) = x509_parser::parse_x509_certificate(&blocks[0].der).unwrap();
        check(key, certificate.public_key())
    }

    fn made(algorithm: &'static rcgen::SignatureAlgorithm) -> (String, String) {
        let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
        let params = rcgen::CertificateParams::new(vec!["made.example".to_owned()]).unwrap();
        (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
    }

    #[test]
    fn a_key_is_taken_with_its_own_certificate_in_each_form() {
        for (certificate, key) in [(RSA, RSA_PKCS1), (RSA, RSA_PKCS8), (EC, EC_SEC1)] {
            assert_eq!(check_against(certificate, key), Ok(()));
        }
        for algorithm in [&rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_ECDSA_P384_SHA384, &rcgen::PKCS_ED25519] {
            let (certificate, key) = made(algorithm);
            assert_eq!(check_against(&certificate, &key), Ok(()), "{algorithm:?}");
        }
    }

    #[test]
    fn the_key_of_another_certificate_is_refused() {
        let [p256, other_p256] = [(); 2].map(|()| made(&rcgen::PKCS_ECDSA_P256_SHA256));
        let [ed25519, other_ed25519] = [(); 2].map(|()| made(&rcgen::PKCS_ED25519));
        for (certificate, key) in [
            (p256.0.as_str(), other_p256.1.as_str()),
            (&ed25519.0, &other_ed25519.1),
            (&ed25519.0, &p256.1),
            (&p256.0, RSA_PKCS8),
            (RSA, EC_SEC1),
            (EC, RSA_PKCS1),
            (RSA, &ed25519.1),
        ] {
            assert_eq!(check_against(certificate, key), Err("does not belong to the certificate"));
        }
        let mut other_modulus = pem::blocks(RSA_PKCS1).unwrap().remove(0).der;
        other_modulus[40] ^= 1;
        let blocks = pem::blocks(RSA).unwrap();
        let (_, certificate) = x509_parser::parse_x509_certificate(&blocks[0].der).unwrap();
        assert!(!belongs(&pkcs1(&other_modulus).unwrap(), certificate.public_key()));
    }

    #[test]
    fn what_is_no_plain_private_key_is_refused_by_name() {
        let labelled = |label: &str| RSA_PKCS8.replace("PRIVATE KEY", label);
        for (key, rule) in [
            (labelled("ENCRYPTED PRIVATE KEY"), "is encrypted"),
            (labelled("PUBLIC KEY"), "takes a PEM block"),
            (labelled("RSA PRIVATE KEY"), "holds no private key"),
            (labelled("EC PRIVATE KEY"), "holds no private key"),
            (RSA.to_owned(), "takes a PEM block"),
            (format!("{RSA_PKCS8}{RSA_PKCS1}"), "exactly one"),
            (RSA_PKCS1.replacen('\n', "\nProc-Type: 4,ENCRYPTED\n", 1), "with headers"),
        ] {
            let found = check_against(RSA, &key).unwrap_err();
            assert!(found.contains(rule), "{found}");
        }
    }

    #[test]
    fn cut_or_foreign_der_never_panics_and_is_never_taken_for_a_whole_key() {
        for (der, read) in [
            (pem::blocks(RSA_PKCS8).unwrap().remove(0).der, pkcs8 as fn(&[u8]) -> Option<PublicHalf<'_>>),
            (pem::blocks(RSA_PKCS1).unwrap().remove(0).der, pkcs1),
            (pem::blocks(EC_SEC1).unwrap().remove(1).der, sec1),
        ] {
            assert!(read(&der).is_some());
            for len in 0..der.len() {
                assert_eq!(read(&der[..len]), None, "length {len}");
            }
        }
        proptest::proptest!(|(bytes: Vec<u8>)| {
            for read in [pkcs8, pkcs1, sec1] {
                let _ = read(&bytes);
            }
        });
    }
}
