//! Authorities that others made, and how other programs read what ours sign.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use super::authority::CertificateAuthority;
use super::leaf::PrivateCertIssuer;
use super::template::{CertificateKey, LeafTemplate};
use super::tests::register_at;
use crate::domain::id::LogId;
use crate::domain::json::JsonObject;
use crate::domain::name::SecretName;
use crate::domain::time::Timestamp;
use crate::issuer::credential::text_field;
use crate::issuer::issuer::Issuer;
use crate::issuer::kit::Trial;
use crate::issuer::outcome::{Issued, IssuerError};
use crate::omission::not_run;
use crate::seal::secret_bytes::SecretBytes;

const DAY: Duration = Duration::from_secs(24 * 3_600);

fn now() -> Timestamp {
    Timestamp::from_nanos(u64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos()).unwrap())
}

/// A directory where openssl works.
pub(super) struct Desk(tempfile::TempDir);

impl Desk {
    /// Returns `None`, with a message, when there is no openssl.
    pub(super) fn new() -> Option<Self> {
        let desk = Self(tempfile::tempdir().unwrap());
        if desk.done(&["version"]) {
            return Some(desk);
        }
        not_run("tests of certificates with openssl (src/issuer/private_ca)", "openssl is not installed");
        None
    }

    pub(super) fn done(&self, args: &[&str]) -> bool {
        Command::new("openssl").current_dir(self.0.path()).args(args).output().is_ok_and(|done| done.status.success())
    }

    pub(super) fn said(&self, args: &[&str]) -> String {
        let done = Command::new("openssl").current_dir(self.0.path()).args(args).output().unwrap();
        assert!(done.status.success(), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    }

    pub(super) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.path().join(name)).unwrap()
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.path().join(name), text).unwrap();
    }

    /// Makes an authority with a key of some kind, and more extensions.
    pub(super) fn authority(&self, name: &str, algorithm: &[&str], subject: &str, more: &[&str]) {
        let (key, certificate) = (format!("{name}.key"), format!("{name}.pem"));
        assert!(self.done(&[&["genpkey", "-out", &key], algorithm].concat()), "{algorithm:?}");
        let args = ["req", "-x509", "-new", "-key", &key, "-out", &certificate, "-days", "99", "-multivalue-rdn"];
        let args = [&args[..], &["-subj", subject, "-addext", "keyUsage=critical,keyCertSign,cRLSign"], more].concat();
        self.said(&args);
    }

    pub(super) fn open(
        &self,
        certificate: &str,
        key: &str,
        register: &str,
    ) -> Result<CertificateAuthority, IssuerError> {
        let register = register_at(&self.0.path().join(register));
        CertificateAuthority::open(certificate, &SecretBytes::from(key.to_owned()), Box::new(register), now)
    }
}

pub(super) fn template() -> LeafTemplate {
    let template = LeafTemplate::new(DAY * 30).unwrap().allowing_below("internal.example").unwrap();
    template.allowing_below("other.example").unwrap().allowing_wildcards().allowing_addresses("10.0.0.0/8").unwrap()
}

pub(super) fn trial(parameters: &str) -> Trial {
    let names = JsonObject::parse(parameters).unwrap();
    Trial::new(LogId::from_bytes([4; 16]), SecretName::parse("shop-cert").unwrap()).with_parameters(names)
}

pub(super) fn part(issued: &Issued, name: &str) -> String {
    text_field(&issued.credential, name).unwrap().expose_text().unwrap().to_owned()
}

/// Lets openssl judge a valid and a revoked certificate of an authority.
fn judge(desk: &Desk, authority: CertificateAuthority, what: &str) {
    let issuer = PrivateCertIssuer::new(Arc::new(authority), template());
    let trial = trial(r#"{"dns_names":["a.internal.example","*.internal.example"],"ip_addresses":["10.1.2.3"]}"#);
    let [good, bad] = [1, 2].map(|number| issuer.create(&trial.order(number), None).unwrap());
    issuer.verify(&trial.order(1), &good.credential).unwrap();
    issuer.retire(&trial.order(2), bad.outside.as_ref()).unwrap();
    let list = issuer.authority.revocation_list().unwrap();
    desk.write("trusted.pem", &format!("{}{list}", issuer.authority.certificate()));
    for (issued, is_good) in [(&good, true), (&bad, false)] {
        desk.write("leaf.pem", &part(issued, "certificate"));
        let verify = ["verify", "-x509_strict", "-crl_check", "-CAfile", "trusted.pem", "leaf.pem"];
        assert_eq!(desk.done(&verify), is_good, "{what}");
    }
    desk.write("leaf.pem", &part(&good, "certificate"));
    let shown = desk.said(&["x509", "-in", "leaf.pem", "-noout", "-text"]);
    assert!(shown.contains("DNS:*.internal.example") && shown.contains("IP Address:10.1.2.3"), "{shown}");
}

#[test]
fn authorities_of_all_kinds_of_keys_and_names_sign_as_themselves() {
    let Some(desk) = Desk::new() else { return };
    let p256: &[&str] = &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"];
    let p384: &[&str] = &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"];
    let rsa: &[&str] = &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"];
    for (number, (algorithm, subject)) in [
        (p256, "/CN=Theirs"),
        // As in every authority of Active Directory: an attribute twice, and several in one place.
        (p256, "/DC=corp/DC=example/CN=Theirs"),
        (p384, "/O=x/OU=a/OU=b/CN=Theirs"),
        (rsa, "/O=x/OU=a+CN=Theirs"),
        (&["-algorithm", "ED25519"], "/CN=Theirs"),
    ]
    .into_iter()
    .enumerate()
    {
        let name = number.to_string();
        desk.authority(&name, algorithm, subject, &[]);
        let (certificate, key) = (desk.read(&format!("{name}.pem")), desk.read(&format!("{name}.key")));
        judge(&desk, desk.open(&certificate, &key, &format!("register{name}")).unwrap(), subject);
        // The older forms of keys, with what openssl writes before them.
        let file = format!("{name}.key");
        let older = match algorithm {
            ["-algorithm", "EC", ..] => desk.said(&["ec", "-in", &file]),
            ["-algorithm", "RSA", ..] => desk.said(&["rsa", "-traditional", "-in", &file]),
            _ => continue,
        };
        assert!(older.contains("BEGIN EC PRIVATE KEY") || older.contains("BEGIN RSA PRIVATE KEY"));
        let older =
            format!("\u{feff}-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n{older}");
        judge(&desk, desk.open(&certificate, &older, &format!("register{name}")).unwrap(), subject);
    }
}

/// Once, a key of another curve opened the authority, and its list replaced the one that every client could verify.
#[test]
fn a_key_that_does_not_belong_signs_nothing_and_the_reason_is_the_true_one() {
    let Some(desk) = Desk::new() else { return };
    let ec = |curve: &'static str| ["-algorithm", "EC", "-pkeyopt", curve];
    desk.authority("own", &ec("ec_paramgen_curve:P-256"), "/CN=Own", &[]);
    for (name, algorithm) in [
        ("p256", &ec("ec_paramgen_curve:P-256")[..]),
        ("p384", &ec("ec_paramgen_curve:P-384")),
        ("p521", &ec("ec_paramgen_curve:P-521")),
        ("rsa", &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]),
        ("ed25519", &["-algorithm", "ED25519"]),
        ("ed448", &["-algorithm", "ED448"]),
    ] {
        desk.authority(name, algorithm, "/CN=Own", &[]);
        let error = desk.open(&desk.read("own.pem"), &desk.read(&format!("{name}.key")), "r").unwrap_err();
        assert!(error.to_string().contains("does not belong"), "{name}: {error}");
    }
    let own = |rule: &str, key: &str| {
        let error = desk.open(&desk.read("own.pem"), key, "r").unwrap_err();
        assert!(error.to_string().contains(rule), "{error}");
    };
    let encrypted = desk.said(&["pkcs8", "-topk8", "-in", "own.key", "-passout", "pass:x"]);
    own("is encrypted", &encrypted);
    own("is not PEM", "x");
    own("(with its public half)", &desk.said(&["ec", "-in", "own.key", "-no_public"]));
    for name in ["p521", "ed448"] {
        let error = desk.open(&desk.read(&format!("{name}.pem")), &desk.read(&format!("{name}.key")), "r").unwrap_err();
        assert!(error.to_string().contains("of a kind that cannot be used"), "{error}");
    }
    assert_eq!(desk.read("r"), "", "nothing was entered");
}

/// Its keys were once PKCS #8 in the second version, which OpenSSL 3.0 does not read.
#[test]
fn the_key_of_each_kind_of_certificate_is_read_and_belongs() {
    let Some(desk) = Desk::new() else { return };
    let made = CertificateAuthority::generate("Ours", DAY * 365, now()).unwrap();
    let authority = Arc::new(desk.open(&made.certificate, made.key.expose_text().unwrap(), "r").unwrap());
    for key in [CertificateKey::EcdsaP256, CertificateKey::EcdsaP384, CertificateKey::Ed25519] {
        let issuer = PrivateCertIssuer::new(Arc::clone(&authority), template().with_key(key));
        let trial = trial(r#"{"dns_names":["a.internal.example"]}"#);
        let made = issuer.create(&trial.order(1), None).unwrap();
        issuer.verify(&trial.order(1), &made.credential).unwrap();
        desk.write("leaf.key", &part(&made, "private_key"));
        desk.write("leaf.pem", &part(&made, "certificate"));
        let public = desk.said(&["pkey", "-in", "leaf.key", "-pubout"]);
        assert_eq!(public, desk.said(&["x509", "-in", "leaf.pem", "-noout", "-pubkey"]), "{key:?}");
        let version = desk.said(&["asn1parse", "-in", "leaf.key"]);
        assert!(version.lines().nth(1).unwrap().ends_with(":00"), "{version}");
    }
}

/// It once issued what no client accepts, and called it verified.
#[test]
fn names_that_the_authority_may_not_sign_for_are_refused() {
    let Some(desk) = Desk::new() else { return };
    let p256: &[&str] = &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"];
    let constraints = "nameConstraints=critical,permitted;DNS:internal.example,excluded;DNS:bad.internal.example,\
                       permitted;IP:10.1.0.0/255.255.0.0";
    desk.authority("own", p256, "/CN=Own", &["-addext", constraints]);
    let authority = desk.open(&desk.read("own.pem"), &desk.read("own.key"), "r").unwrap();
    desk.write("trusted.pem", authority.certificate());
    let issuer = PrivateCertIssuer::new(Arc::new(authority), template());
    for (parameters, is_taken) in [
        (r#"{"dns_names":["a.internal.example"]}"#, true),
        // OpenSSL accepts it; other clients refuse it, because it is valid for an excluded name.
        (r#"{"dns_names":["*.internal.example"]}"#, false),
        (r#"{"dns_names":["a.internal.example","a.other.example"]}"#, false),
        (r#"{"dns_names":["a.bad.internal.example"]}"#, false),
        (r#"{"dns_names":["bad.internal.example"]}"#, false),
        (r#"{"ip_addresses":["10.1.2.3"]}"#, true),
        (r#"{"ip_addresses":["10.2.2.3"]}"#, false),
    ] {
        let trial = trial(parameters);
        match issuer.create(&trial.order(1), None) {
            Ok(made) => {
                desk.write("leaf.pem", &part(&made, "certificate"));
                assert!(is_taken && desk.done(&["verify", "-CAfile", "trusted.pem", "leaf.pem"]), "{parameters}");
            }
            Err(error) => assert!(!is_taken && error.to_string().contains("constrains names"), "{parameters}: {error}"),
        }
    }
}

/// Once, after a new key, the list of the old one was signed by the new one: clients that trusted the old one had none.
#[test]
fn a_register_belongs_to_one_key_and_a_chain_stands_behind_the_certificate() {
    let Some(desk) = Desk::new() else { return };
    let p256: &[&str] = &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"];
    desk.authority("root", p256, "/CN=Root", &[]);
    desk.authority("new", p256, "/CN=Below", &[]);
    assert!(desk.done(&["genpkey", "-out", "below.key", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]));
    desk.said(&["req", "-new", "-key", "below.key", "-subj", "/CN=Below", "-out", "below.csr"]);
    desk.write(
        "ext",
        "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n",
    );
    for (days, name) in [("50", "below.pem"), ("60", "renewed.pem")] {
        desk.said(&[
            "x509",
            "-req",
            "-in",
            "below.csr",
            "-CA",
            "root.pem",
            "-CAkey",
            "root.key",
            "-CAcreateserial",
            "-days",
            days,
            "-extfile",
            "ext",
            "-out",
            name,
        ]);
    }
    let chain = format!("{}{}", desk.read("below.pem"), desk.read("root.pem"));
    let authority = desk.open(&chain, &desk.read("below.key"), "r").unwrap();
    assert!(authority.ends() < now().plus(DAY * 51));
    let issuer = PrivateCertIssuer::new(Arc::new(authority), template());
    let trial = trial(r#"{"dns_names":["a.internal.example"]}"#);
    let made = issuer.create(&trial.order(1), None).unwrap();
    desk.write("leaf.pem", &part(&made, "certificate"));
    desk.write("chain.pem", &part(&made, "ca_chain"));
    assert!(desk.done(&["verify", "-CAfile", "root.pem", "-untrusted", "chain.pem", "leaf.pem"]));
    drop(issuer);
    // Another certificate for the same key is the same authority; another key is another one.
    drop(desk.open(&desk.read("renewed.pem"), &desk.read("below.key"), "r").unwrap());
    let error = desk.open(&desk.read("new.pem"), &desk.read("new.key"), "r").unwrap_err();
    assert!(error.to_string().contains("belongs to another key"), "{error}");
    let other = PrivateCertIssuer::new(
        Arc::new(desk.open(&desk.read("new.pem"), &desk.read("new.key"), "r2").unwrap()),
        template(),
    );
    let error = other.retire(&trial.order(1), made.outside.as_ref()).unwrap_err();
    assert!(error.to_string().contains("has to be revoked where it was signed"), "{error}");
    let unrelated = format!("{}{}", desk.read("below.pem"), desk.read("new.pem"));
    assert!(
        desk.open(&unrelated, &desk.read("below.key"), "r").unwrap_err().to_string().contains("not the chain above")
    );
}

/// Once, a fresh list was refused by every client whose clock was a second behind.
#[test]
fn a_client_whose_clock_is_behind_takes_a_fresh_list() {
    let Some(desk) = Desk::new() else { return };
    let made = CertificateAuthority::generate("Ours", DAY * 365, now()).unwrap();
    let authority = desk.open(&made.certificate, made.key.expose_text().unwrap(), "r").unwrap();
    let issuer = PrivateCertIssuer::new(Arc::new(authority), template());
    let trial = trial(r#"{"dns_names":["a.internal.example"]}"#);
    let [good, bad] = [1, 2].map(|number| issuer.create(&trial.order(number), None).unwrap());
    issuer.retire(&trial.order(2), bad.outside.as_ref()).unwrap();
    desk.write("trusted.pem", &format!("{}{}", made.certificate, issuer.authority.revocation_list().unwrap()));
    desk.write("good.pem", &part(&good, "certificate"));
    desk.write("bad.pem", &part(&bad, "certificate"));
    let behind = (now().as_nanos() / 1_000_000_000 - 240).to_string();
    let verify = ["verify", "-attime", &behind, "-crl_check", "-CAfile", "trusted.pem"];
    assert!(desk.done(&[&verify[..], &["good.pem"]].concat()));
    assert!(!desk.done(&[&verify[..], &["bad.pem"]].concat()));
}

#[test]
fn the_numbers_of_lists_never_run_back() {
    let Some(desk) = Desk::new() else { return };
    let made = CertificateAuthority::generate("Ours", DAY * 365, now()).unwrap();
    let number = |back: Duration| {
        let register = register_at(&desk.0.path().join("r"));
        let then = Timestamp::from_nanos(now().as_nanos() - u64::try_from(back.as_nanos()).unwrap());
        let authority = CertificateAuthority::open(&made.certificate, &made.key, Box::new(register), move || then);
        desk.write("list.pem", &authority.unwrap().revocation_list().unwrap());
        let shown = desk.said(&["crl", "-in", "list.pem", "-noout", "-crlnumber"]);
        u64::from_str_radix(shown.trim().trim_start_matches("crlNumber=0x"), 16).unwrap()
    };
    let mut last = 0;
    for back in [Duration::ZERO, DAY, DAY * 20, Duration::ZERO] {
        let next = number(back);
        assert!(next > last, "{back:?}");
        last = next;
    }
}
