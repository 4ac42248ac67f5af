//! Requests that consumers bring, as openssl makes them.

use std::sync::Arc;

use super::leaf::PrivateCertIssuer;
use super::openssl::{Desk, part, template, trial};
use crate::issuer::issuer::Issuer;
use crate::issuer::outcome::Issued;

impl Desk {
    /// Makes a key and a request with it, and returns the request.
    fn request(&self, algorithm: &[&str], more: &[&str]) -> String {
        assert!(self.done(&[&["genpkey", "-out", "own.key"], algorithm].concat()), "{algorithm:?}");
        self.said(&[&["req", "-new", "-key", "own.key", "-out", "own.csr"], more].concat());
        self.read("own.csr")
    }

    fn issuer(&self) -> PrivateCertIssuer {
        self.authority("ca", P256, "/CN=Example internal", &[]);
        let authority = self.open(&self.read("ca.pem"), &self.read("ca.key"), "register").unwrap();
        PrivateCertIssuer::new(Arc::new(authority), template())
    }
}

const P256: &[&str] = &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"];
const NAMES: &[&str] = &[
    "-subj",
    "/O=Shop/CN=a.internal.example",
    "-addext",
    "subjectAltName=DNS:A.internal.example,DNS:*.b.internal.example,IP:10.0.0.7",
];

fn asked(issuer: &PrivateCertIssuer, request: &str) -> Result<Issued, String> {
    let parameters = serde_json::json!({ "csr": request }).to_string();
    issuer.create(&trial(&parameters).order(1), None).map_err(|error| error.to_string())
}

#[test]
fn a_request_gets_a_certificate_for_its_own_key_and_names() {
    let Some(desk) = Desk::new() else { return };
    let issuer = desk.issuer();
    for (algorithm, digest) in [
        (P256, "-sha256"),
        (P256, "-sha384"),
        (&["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"], "-sha384"),
        (&["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"], "-sha256"),
        (&["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"], "-sha256"),
        (&["-algorithm", "ED25519"], "-sha256"),
    ] {
        let request = desk.request(algorithm, &[NAMES, &[digest]].concat());
        let made = asked(&issuer, &request).unwrap();
        assert_eq!(crate::issuer::credential::text_field(&made.credential, "private_key").map(drop), None);
        desk.write("leaf.pem", &part(&made, "certificate"));
        desk.said(&["verify", "-x509_strict", "-CAfile", "ca.pem", "leaf.pem"]);
        let own = desk.said(&["pkey", "-in", "own.key", "-pubout"]);
        assert_eq!(desk.said(&["x509", "-in", "leaf.pem", "-noout", "-pubkey"]), own, "{algorithm:?}");
        let text = desk.said(&["x509", "-in", "leaf.pem", "-noout", "-text"]);
        assert!(text.contains("DNS:a.internal.example, DNS:*.b.internal.example, IP Address:10.0.0.7"), "{text}");
        assert!(text.contains("CA:FALSE") && !text.contains("O = Shop"), "{text}");
        let parameters = serde_json::json!({ "csr": request }).to_string();
        let (trial, outside) = (trial(&parameters), made.outside.clone().unwrap());
        issuer.verify(&trial.order(1), &made.credential).unwrap();
        assert!(issuer.adopt(&trial.order(1), &outside, &made.credential).is_ok());
        issuer.retire(&trial.order(1), Some(&outside)).unwrap();
        assert!(issuer.verify(&trial.order(1), &made.credential).is_err());
    }
    let bare = desk.request(P256, &["-subj", "/CN=shop.internal.example"]);
    desk.write("leaf.pem", &part(&asked(&issuer, &bare).unwrap(), "certificate"));
    let text = desk.said(&["x509", "-in", "leaf.pem", "-noout", "-text"]);
    assert!(text.contains("DNS:shop.internal.example"), "the common name, where there is no other");
}

#[test]
fn a_request_is_held_to_the_template_and_to_its_key() {
    let Some(desk) = Desk::new() else { return };
    let issuer = desk.issuer();
    let subject = ["-subj", "/CN=a.internal.example"];
    let with = |extension: &str| desk.request(P256, &[&subject[..], &["-addext", extension]].concat());
    for (request, why) in [
        (desk.request(P256, &["-subj", "/CN=bank.example"]), "bank.example is none"),
        (desk.request(P256, &["-subj", "/O=Shop"]), "names nothing"),
        (with("subjectAltName=DNS:a.internal.example,IP:11.0.0.1"), "11.0.0.1 is an address"),
        (with("subjectAltName=email:a@internal.example"), "no DNS name"),
        (with("basicConstraints=CA:TRUE"), "asks to be an authority"),
        (with("keyUsage=keyCertSign"), "asks to be an authority"),
        (with("extendedKeyUsage=codeSigning"), "another use"),
        (desk.request(&["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"], &subject), "a key that is none of"),
        (desk.request(&["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"], &subject), "a key that is none of"),
        ("no PEM".to_owned(), "one PEM block"),
        (desk.read("ca.pem"), "one PEM block"),
        (with("keyUsage=digitalSignature").repeat(2), "one PEM block"),
    ] {
        let told = asked(&issuer, &request).unwrap_err();
        assert!(told.contains(why), "{told}");
    }
    assert!(asked(&issuer, &with("extendedKeyUsage=serverAuth,clientAuth")).is_ok());
    // Another party's key, under a signature of a different one.
    let mut forged = crate::issuer::pem::blocks(&desk.request(P256, &subject)).unwrap().remove(0).der.to_vec();
    let last = forged.len() - 1;
    forged[last] ^= 1;
    let told = asked(&issuer, &crate::issuer::pem::encode("CERTIFICATE REQUEST", &forged)).unwrap_err();
    assert!(told.contains("not signed with its own key"), "{told}");
    let both = serde_json::json!({ "csr": with("keyUsage=digitalSignature"), "dns_names": ["a.internal.example"] });
    let told = issuer.create(&trial(&both.to_string()).order(1), None).unwrap_err();
    assert!(told.to_string().contains("beside csr"), "{told}");
}
