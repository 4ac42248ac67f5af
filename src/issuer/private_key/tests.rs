//! Keys of all kinds and forms, beside certificates of their own and of others.

use super::*;

const RSA: &str = include_str!("../fixtures/rsa-cert.pem");
const RSA_PKCS1: &str = include_str!("../fixtures/rsa-pkcs1.pem");
const RSA_PKCS8: &str = include_str!("../fixtures/rsa-pkcs8.pem");
const EC: &str = include_str!("../fixtures/ec-cert.pem");
const EC_SEC1: &str = include_str!("../fixtures/ec-sec1.pem");

fn check_against(certificate: &str, key: &str) -> Result<KeyCheck, &'static str> {
    let blocks = pem::blocks(certificate).unwrap();
    let (_, certificate) = x509_parser::parse_x509_certificate(&blocks[0].der).unwrap();
    check(key, certificate.public_key())
}

fn made(algorithm: &'static rcgen::SignatureAlgorithm) -> (String, String) {
    let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
    let params = rcgen::CertificateParams::new(vec!["made.example".to_owned()]).unwrap();
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

fn rsa(der: &[u8]) -> Option<PublicHalf<'_>> {
    pkcs1(RSA_OID, der)
}

#[test]
fn a_key_is_taken_with_its_own_certificate_in_each_form() {
    for (certificate, key) in [(RSA, RSA_PKCS1), (RSA, RSA_PKCS8), (EC, EC_SEC1)] {
        assert_eq!(check_against(certificate, key), Ok(KeyCheck::Belongs));
    }
    for algorithm in [&rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_ECDSA_P384_SHA384, &rcgen::PKCS_ED25519] {
        let (certificate, key) = made(algorithm);
        assert_eq!(check_against(&certificate, &key), Ok(KeyCheck::Belongs), "{algorithm:?}");
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
    assert_eq!(belongs(&pkcs1(RSA_OID, &other_modulus).unwrap(), certificate.public_key()), None);
}

/// Makes a key and a certificate with openssl; nothing when it is not there.
fn by_openssl(home: &std::path::Path, name: &str, algorithm: &[&str]) -> Option<(String, String)> {
    let run = |args: &[&str]| {
        let done = std::process::Command::new("openssl").current_dir(home).args(args).output().ok()?;
        done.status.success().then_some(())
    };
    let (key, certificate) = (format!("{name}.key"), format!("{name}.pem"));
    run(&[&["genpkey", "-out", &key], algorithm].concat())?;
    run(&["req", "-x509", "-new", "-key", &key, "-out", &certificate, "-days", "9", "-subj", "/CN=made"])?;
    let read = |file: &str| std::fs::read_to_string(home.join(file)).ok();
    Some((read(&certificate)?, read(&key)?))
}

fn converted(home: &std::path::Path, name: &str, args: &[&str]) -> String {
    let mut openssl = std::process::Command::new("openssl");
    let done = openssl.current_dir(home).args(args).args(["-in", &format!("{name}.key")]).output().unwrap();
    assert!(done.status.success(), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

/// Keys on other curves, with compressed points, of RSA-PSS and Ed448 were all taken as belonging.
#[test]
fn keys_of_all_kinds_belong_or_are_said_to_be_unchecked() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let ec = |curve: &'static str| ["-algorithm", "EC", "-pkeyopt", curve];
    let kinds: [(&str, &[&str], KeyCheck); 9] = [
        ("p256", &ec("ec_paramgen_curve:P-256"), KeyCheck::Belongs),
        ("p256b", &ec("ec_paramgen_curve:P-256"), KeyCheck::Belongs),
        ("p384", &ec("ec_paramgen_curve:P-384"), KeyCheck::Belongs),
        ("p521", &ec("ec_paramgen_curve:P-521"), KeyCheck::Belongs),
        ("k256", &ec("ec_paramgen_curve:secp256k1"), KeyCheck::Belongs),
        ("rsa", &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"], KeyCheck::Belongs),
        ("pss", &["-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048"], KeyCheck::Belongs),
        ("ed448", &["-algorithm", "ED448"], KeyCheck::Unchecked),
        ("ed25519", &["-algorithm", "ED25519"], KeyCheck::Belongs),
    ];
    let (mut made, mut lacking) = (Vec::new(), Vec::new());
    for (name, algorithm, expected) in kinds {
        let Some((certificate, key)) = by_openssl(home, name, algorithm) else {
            lacking.push(name);
            continue;
        };
        let mut forms = vec![(key, expected)];
        if name.starts_with('p') && name != "pss" {
            let compressed = ["ec", "-conv_form", "compressed"];
            forms.push((converted(home, name, &compressed), KeyCheck::Belongs));
            forms.push((converted(home, name, &["ec"]), KeyCheck::Belongs));
            forms.push((converted(home, name, &["ec", "-no_public"]), KeyCheck::Unchecked));
        }
        made.push((name, certificate, forms));
    }
    if !lacking.is_empty() {
        let what = "tests of keys made by openssl (src/issuer/private_key/tests.rs)";
        crate::omission::not_run(what, &format!("openssl is not installed, or does not make {}", lacking.join(", ")));
    }
    for (name, certificate, _) in &made {
        for (other, _, forms) in &made {
            for (number, (key, expected)) in forms.iter().enumerate() {
                let found = check_against(certificate, key);
                // A point that is not there cannot be compared with one of the same curve.
                let is_blind = *expected == KeyCheck::Unchecked && number > 0 && name[..2] == other[..2];
                if name == other || is_blind && name.starts_with("p256") {
                    assert_eq!(found, Ok(*expected), "{other} {number} for {name}");
                } else {
                    assert_eq!(found, Err("does not belong to the certificate"), "{other} {number} for {name}");
                }
            }
        }
    }
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
        (pem::blocks(RSA_PKCS1).unwrap().remove(0).der, rsa),
        (pem::blocks(EC_SEC1).unwrap().remove(1).der, sec1),
    ] {
        assert!(read(&der).is_some());
        for len in 0..der.len() {
            assert_eq!(read(&der[..len]), None, "length {len}");
        }
    }
    proptest::proptest!(|(bytes: Vec<u8>)| {
        for read in [pkcs8, rsa, sec1] {
            let _ = read(&bytes);
        }
    });
}

#[test]
fn points_that_carry_both_coordinates_are_compared_whole() {
    let point = |form: u8, x: u8, y: u8| [&[form][..], &[x; 32], &[y; 32]].concat();
    let compressed = |form: u8, x: u8| [&[form][..], &[x; 32]].concat();
    for form in [0x04, 0x06] {
        assert!(is_same_point(&point(form, 1, 2), &point(0x04, 1, 2)));
        assert!(!is_same_point(&point(form, 1, 2), &point(0x04, 1, 4)), "the parity is the same, the point is not");
    }
    assert!(is_same_point(&compressed(0x02, 1), &point(0x04, 1, 2)));
    assert!(!is_same_point(&compressed(0x03, 1), &point(0x04, 1, 2)));
    assert!(!is_same_point(&compressed(0x02, 1), &compressed(0x03, 1)));
    assert!(!is_same_point(&[], &[]));
}
