//! Owns the reading of an imported private key, as far as is needed to check whether it belongs to a certificate.
//!
//! It never copies the secret part out. Forms read: PKCS #8 (RFC 5958), PKCS #1 for RSA (RFC 8017), SEC 1 for elliptic
//! curves (RFC 5915). Read next: [`super::certificate`].

use x509_parser::asn1_rs::{Any, Oid, Tagged as _};
use x509_parser::oid_registry::{OID_KEY_TYPE_EC_PUBLIC_KEY, OID_SIG_ED25519};
use x509_parser::x509::SubjectPublicKeyInfo;
use zeroize::Zeroizing;

use super::der::{BIT_STRING, INTEGER, OCTET_STRING, OID, SEQUENCE, split, take, whole};
use super::pem;

const CURVE_OF_SEC1: u8 = 0xa0;
const PUBLIC_KEY_OF_SEC1: u8 = 0xa1;

const RSA_OID: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const RSA_PSS_OID: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
const EC_OID: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const ED25519_OID: &[u8] = &[0x2b, 0x65, 0x70];

/// The result for a private key without a contradiction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyCheck {
    /// It belongs to the certificate.
    Belongs,
    /// It may or may not belong: its algorithm is not read here, or it does not contain its public half.
    Unchecked,
}

/// The public key as far as the private key contains it.
#[derive(Debug, PartialEq, Eq)]
enum PublicHalf<'a> {
    /// The algorithm, modulus and public exponent.
    Rsa {
        algorithm: &'a [u8],
        modulus: &'a [u8],
        exponent: &'a [u8],
    },
    /// The curve, if the key names it, and the point, if the key contains it.
    Elliptic {
        curve: Option<&'a [u8]>,
        point: Option<&'a [u8]>,
    },
    Ed25519([u8; 32]),
    /// A private key in a known form, of an algorithm that is not read here.
    Other(&'a [u8]),
}

/// Checks the PEM text of a private key, and that it belongs to the certificate whose public key is `public`.
///
/// Whether the two belong together is checked for RSA, Ed25519, and elliptic curves if the key contains its point.
///
/// # Errors
///
/// The rule that the text breaks, phrased to follow the name of its field.
pub(super) fn check(text: &str, public: &SubjectPublicKeyInfo<'_>) -> Result<KeyCheck, &'static str> {
    let blocks = pem::blocks(text)?;
    let key = only_key(&blocks)?;
    let half = match key.label {
        "PRIVATE KEY" => pkcs8(&key.der),
        "RSA PRIVATE KEY" => pkcs1(RSA_OID, &key.der),
        _ => sec1(&key.der),
    };
    match half {
        None => Err("is PEM, but holds no private key that can be read"),
        Some(half) => belongs(&half, public).ok_or("does not belong to the certificate"),
    }
}

fn only_key<'a, 'b>(blocks: &'b [pem::Block<'a>]) -> Result<&'b pem::Block<'a>, &'static str> {
    // `openssl ecparam -genkey` writes the name of the curve before the key.
    let mut keys = blocks.iter().filter(|block| block.label != "EC PARAMETERS");
    let (Some(key), None) = (keys.next(), keys.next()) else {
        return Err("takes exactly one private key");
    };
    match key.label {
        "PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY" => Ok(key),
        "ENCRYPTED PRIVATE KEY" => Err("is encrypted; bring it decrypted, it is sealed here"),
        _ => Err("takes a PEM block PRIVATE KEY, RSA PRIVATE KEY or EC PRIVATE KEY"),
    }
}

/// Returns a private key as PKCS #8, DER, from any of the forms.
///
/// # Errors
///
/// As [`check`].
#[cfg(feature = "private-ca")]
pub(super) fn as_pkcs8(text: &str, public: &SubjectPublicKeyInfo<'_>) -> Result<Zeroizing<Vec<u8>>, &'static str> {
    use super::der::element;
    const NULL: &[u8] = &[0x05, 0x00];
    let blocks = pem::blocks(text)?;
    let key = only_key(&blocks)?;
    let wrapped = |oid: &[u8], parameters: &[u8]| {
        let oid = element(OID, &[oid])?;
        let algorithm = element(SEQUENCE, &[&oid, parameters])?;
        let key = element(OCTET_STRING, &[&key.der])?;
        element(SEQUENCE, &[&[INTEGER, 1, 0], &algorithm, &key])
    };
    match key.label {
        "PRIVATE KEY" => Some(key.der.clone()),
        "RSA PRIVATE KEY" => wrapped(RSA_OID, NULL),
        _ => curve(public).and_then(|curve| wrapped(EC_OID, &element(OID, &[curve])?)),
    }
    .ok_or("is PEM, but holds no private key that can be read")
}

/// Returns whether the halves fit; `None` when they do not.
fn belongs(half: &PublicHalf<'_>, public: &SubjectPublicKeyInfo<'_>) -> Option<KeyCheck> {
    let (algorithm, bits) = (&public.algorithm.algorithm, &*public.subject_public_key.data);
    let fits = match half {
        PublicHalf::Rsa { algorithm: own, modulus, exponent } => {
            algorithm.as_bytes() == *own && rsa_public(bits) == Some((modulus, exponent))
        }
        PublicHalf::Elliptic { curve: own, point } => {
            let on_one_curve = own.zip(curve(public)).is_none_or(|(own, other)| own == other);
            if *algorithm != OID_KEY_TYPE_EC_PUBLIC_KEY || !on_one_curve {
                return None;
            }
            match point {
                Some(point) => is_same_point(point, bits),
                None => return Some(KeyCheck::Unchecked),
            }
        }
        PublicHalf::Ed25519(own) => *algorithm == OID_SIG_ED25519 && own == bits,
        PublicHalf::Other(oid) => return (algorithm.as_bytes() == *oid).then_some(KeyCheck::Unchecked),
    };
    fits.then_some(KeyCheck::Belongs)
}

/// Returns the curve of a public key on an elliptic curve, if it is named.
fn curve<'a>(public: &'a SubjectPublicKeyInfo<'_>) -> Option<&'a [u8]> {
    let parameters: &Any<'_> = public.algorithm.parameters.as_ref()?;
    (parameters.tag() == Oid::TAG).then_some(parameters.data)
}

/// Compares two points of one curve, each whole (04, 06 or 07, then X, Y) or compressed (02 or 03 by the parity of Y,
/// X); SEC 1, section 2.3.3. Against a compressed point, only the parity of the other's Y counts.
fn is_same_point(one: &[u8], other: &[u8]) -> bool {
    let parts = |point: &[u8]| -> Option<(Vec<u8>, Option<Vec<u8>>, u8)> {
        let (form, rest) = point.split_first()?;
        match form {
            0x02 | 0x03 => Some((rest.to_vec(), None, form & 1)),
            0x04 | 0x06 | 0x07 if rest.len() % 2 == 0 => {
                let (x, y) = rest.split_at(rest.len() / 2);
                Some((x.to_vec(), Some(y.to_vec()), y.last()? & 1))
            }
            _ => None,
        }
    };
    match (parts(one), parts(other)) {
        (Some((x, Some(y), _)), Some((other_x, Some(other_y), _))) => x == other_x && y == other_y,
        (Some((x, _, parity)), Some((other_x, _, other_parity))) => x == other_x && parity == other_parity,
        _ => false,
    }
}

fn pkcs8(der: &[u8]) -> Option<PublicHalf<'_>> {
    let (_, rest) = take(INTEGER, whole(SEQUENCE, der)?)?;
    let (algorithm, rest) = take(SEQUENCE, rest)?;
    let (oid, parameters) = take(OID, algorithm)?;
    let (key, _) = take(OCTET_STRING, rest)?;
    if oid == RSA_OID || oid == RSA_PSS_OID {
        pkcs1(oid, key)
    } else if oid == EC_OID {
        let named = whole(OID, parameters);
        match sec1(key)? {
            PublicHalf::Elliptic { curve, point } => Some(PublicHalf::Elliptic { curve: named.or(curve), point }),
            half => Some(half),
        }
    } else if oid == ED25519_OID {
        let seed = Zeroizing::new(<[u8; 32]>::try_from(whole(OCTET_STRING, key)?).ok()?);
        Some(PublicHalf::Ed25519(ed25519_dalek::SigningKey::from_bytes(&seed).verifying_key().to_bytes()))
    } else {
        Some(PublicHalf::Other(oid))
    }
}

fn pkcs1<'a>(algorithm: &'a [u8], der: &'a [u8]) -> Option<PublicHalf<'a>> {
    let (_, rest) = take(INTEGER, whole(SEQUENCE, der)?)?;
    let (modulus, rest) = take(INTEGER, rest)?;
    let (exponent, rest) = take(INTEGER, rest)?;
    // Without the private exponent this is not a private key.
    take(INTEGER, rest)?;
    Some(PublicHalf::Rsa { algorithm, modulus, exponent })
}

fn sec1(der: &[u8]) -> Option<PublicHalf<'_>> {
    let (_, rest) = take(INTEGER, whole(SEQUENCE, der)?)?;
    let (_, mut rest) = take(OCTET_STRING, rest)?;
    let (mut curve, mut point) = (None, None);
    while let Some((tag, value, left)) = split(rest) {
        match tag {
            // The curve is named, or spelt out, which is not compared.
            CURVE_OF_SEC1 => curve = whole(OID, value),
            PUBLIC_KEY_OF_SEC1 => {
                let (_unused_bits, bits) = whole(BIT_STRING, value)?.split_first()?;
                point = Some(bits);
            }
            _ => {}
        }
        rest = left;
    }
    rest.is_empty().then_some(PublicHalf::Elliptic { curve, point })
}

/// Returns modulus and exponent of a public key.
fn rsa_public(bits: &[u8]) -> Option<(&[u8], &[u8])> {
    let (modulus, rest) = take(INTEGER, whole(SEQUENCE, bits)?)?;
    Some((modulus, whole(INTEGER, rest)?))
}

#[cfg(test)]
mod tests;
