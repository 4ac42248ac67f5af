//! A certificate authority, its certificates and its list, as other programs read them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::authority::{CertificateAuthority, NewAuthority};
use super::leaf::PrivateCertIssuer;
use super::register::CertificateRegister;
use super::register_file::FileRegister;
use super::template::{CertificateKey, LeafTemplate};
use crate::domain::id::LogId;
use crate::domain::json::JsonObject;
use crate::domain::name::SecretName;
use crate::domain::time::Timestamp;
use crate::engine::clock::{Clock, ManualClock};
use crate::issuer::credential::text_field;
use crate::issuer::issuer::Issuer;
use crate::issuer::kit::{Trial, check};
use crate::issuer::outcome::Issued;
use crate::omission::not_run;
use crate::seal::secret_bytes::SecretBytes;

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// An authority with a clock and a register, which can be closed and opened again.
struct World {
    home: tempfile::TempDir,
    made: NewAuthority,
    clock: ManualClock,
}

impl World {
    fn new() -> Self {
        let clock = ManualClock::at(Timestamp::parse("2026-11-23T12:00:00Z").unwrap());
        let made = CertificateAuthority::generate("Example internal", DAY * 365, clock.now()).unwrap();
        Self { home: tempfile::tempdir().unwrap(), made, clock }
    }

    fn register(&self) -> std::path::PathBuf {
        self.home.path().join("register")
    }

    fn authority(&self) -> Arc<CertificateAuthority> {
        let register = register_at(&self.register());
        let clock = self.clock.clone();
        let opened =
            CertificateAuthority::open(&self.made.certificate, &self.made.key, Box::new(register), move || clock.now());
        Arc::new(opened.unwrap())
    }
}

/// Opens a register, or makes it.
pub(super) fn register_at(path: &Path) -> FileRegister {
    if path.exists() { FileRegister::open(path) } else { FileRegister::create(path) }.unwrap()
}

fn template() -> LeafTemplate {
    let template = LeafTemplate::new(DAY * 30).unwrap().allowing_below("internal.example").unwrap();
    template.with_revocation_url("http://pki.internal.example/list.crl").unwrap()
}

fn trial() -> Trial {
    let names = JsonObject::parse(r#"{"dns_names":["a.internal.example","b.internal.example"]}"#).unwrap();
    Trial::new(LogId::from_bytes([4; 16]), SecretName::parse("shop-cert").unwrap()).with_parameters(names)
}

fn revoked(authority: &CertificateAuthority) -> Vec<String> {
    let list = authority.revocation_list().unwrap();
    let list = crate::issuer::pem::blocks(&list).unwrap().remove(0).der;
    let own = crate::issuer::pem::blocks(authority.certificate()).unwrap().remove(0).der;
    let (_, own) = x509_parser::parse_x509_certificate(&own).unwrap();
    let (_, list) = x509_parser::parse_x509_crl(&list).unwrap();
    list.verify_signature(own.public_key()).unwrap();
    assert_eq!(list.issuer().as_raw(), own.subject().as_raw());
    list.iter_revoked_certificates().map(|one| one.raw_serial_as_string()).collect()
}

fn serial(issued: &Issued) -> String {
    text_field(&issued.credential, "serial_number").unwrap().expose_text().unwrap().to_owned()
}

#[test]
fn the_issuer_keeps_its_promises_with_each_kind_of_key() {
    let world = World::new();
    let authority = world.authority();
    for (number, key) in
        [CertificateKey::EcdsaP256, CertificateKey::EcdsaP384, CertificateKey::Ed25519].into_iter().enumerate()
    {
        let issuer = PrivateCertIssuer::new(Arc::clone(&authority), template().with_key(key));
        let store = LogId::from_bytes([u8::try_from(number).unwrap() + 1; 16]);
        let parameters = JsonObject::parse(r#"{"dns_names":["a.internal.example"]}"#).unwrap();
        let refused = JsonObject::parse(r#"{"dns_names":["bank.example"]}"#).unwrap();
        let trial =
            Trial::new(store, SecretName::parse("shop-cert").unwrap()).with_parameters(parameters).refusing(refused);
        let report = check(Arc::new(issuer), &trial);
        assert!(report.is_clean(), "{key:?}\n{report}");
        assert!(authority.read(|book| book.living(store).next().is_none()), "the kit left certificates behind");
    }
}

#[test]
fn a_certificate_says_what_the_template_says() {
    let world = World::new();
    let trial = trial();
    let authority = world.authority();
    let made = PrivateCertIssuer::new(authority, template()).create(&trial.order(1), None).unwrap();
    let text = text_field(&made.credential, "certificate").unwrap();
    let der = crate::issuer::pem::blocks(text.expose_text().unwrap()).unwrap().remove(0).der;
    let (_, read) = x509_parser::parse_x509_certificate(&der).unwrap();
    assert_eq!(read.raw_serial_as_string(), serial(&made));
    assert_eq!(read.raw_serial().len(), 20);
    assert!(!read.is_ca());
    assert_eq!(read.validity().not_after.timestamp(), 1_798_027_200);
    assert_eq!(made.expires_at.unwrap().to_string(), "2026-12-23T12:00:00Z");
    let names = &read.subject_alternative_name().unwrap().unwrap().value.general_names;
    assert_eq!(names.len(), 2);
    assert_eq!(read.subject().to_string(), "CN=a.internal.example");
    let usage = read.extended_key_usage().unwrap().unwrap().value;
    assert!(usage.server_auth && usage.client_auth && !usage.any);
    assert!(String::from_utf8_lossy(&der).contains("http://pki.internal.example/list.crl"));
}

#[test]
fn what_is_retired_is_on_the_list_also_after_the_authority_was_opened_again() {
    let world = World::new();
    let trial = trial();
    let [first, second] = [1, 2].map(|number| {
        let issuer = PrivateCertIssuer::new(world.authority(), template());
        issuer.create(&trial.order(number), None).unwrap()
    });
    let authority = world.authority();
    assert_eq!(revoked(&authority), [""; 0]);
    PrivateCertIssuer::new(Arc::clone(&authority), template()).retire(&trial.order(1), first.outside.as_ref()).unwrap();
    assert_eq!(revoked(&authority), [serial(&first)]);
    drop(authority);

    let authority = world.authority();
    assert_eq!(revoked(&authority), [serial(&first)]);
    let issuer = PrivateCertIssuer::new(Arc::clone(&authority), template());
    assert!(issuer.verify(&trial.order(1), &first.credential).unwrap_err().to_string().contains("revoked"));
    issuer.verify(&trial.order(2), &second.credential).unwrap();
    world.clock.advance(DAY * 31);
    assert!(issuer.verify(&trial.order(2), &second.credential).unwrap_err().to_string().contains("expired"));
    assert_eq!(revoked(&authority), [""; 0], "what has ended by itself needs no list");
    world.clock.advance(DAY * 365);
    assert!(issuer.create(&trial.order(3), None).unwrap_err().to_string().contains("has expired"));
}

#[test]
fn a_certificate_ends_with_its_authority_at_the_latest() {
    let world = World::new();
    let issuer = PrivateCertIssuer::new(world.authority(), template());
    world.clock.advance(DAY * 360);
    let made = issuer.create(&trial().order(1), None).unwrap();
    assert_eq!(made.expires_at.unwrap().to_string(), "2027-11-23T12:00:00Z");
}

#[test]
fn certificates_of_another_authority_and_other_keys_are_not_taken() {
    let (world, other) = (World::new(), World::new());
    let trial = trial();
    let order = trial.order(1);
    let issuer = PrivateCertIssuer::new(world.authority(), template());
    let [own, another] = [(); 2].map(|()| issuer.create(&order, None).unwrap());
    let foreign = PrivateCertIssuer::new(other.authority(), template()).create(&order, None).unwrap();
    assert!(
        issuer.verify(&order, &foreign.credential).unwrap_err().to_string().contains("not signed by this authority")
    );
    let part =
        |issued: &Issued, name: &str| text_field(&issued.credential, name).unwrap().expose_text().unwrap().to_owned();
    let mixed =
        serde_json::json!({ "certificate": part(&own, "certificate"), "private_key": part(&another, "private_key") });
    let mixed = SecretBytes::from(mixed.to_string());
    assert!(issuer.verify(&order, &mixed).unwrap_err().to_string().contains("does not belong"));

    let register = || Box::new(register_at(&world.home.path().join("second")));
    let open = |certificate: &str, key: &SecretBytes| {
        CertificateAuthority::open(certificate, key, register(), || Timestamp::EPOCH).unwrap_err().to_string()
    };
    for _ in 0..2 {
        assert!(open(&world.made.certificate, &other.made.key).contains("does not belong"));
    }
    let leaf_key = text_field(&own.credential, "private_key").unwrap();
    assert!(open(&part(&own, "certificate"), &leaf_key).contains("none of an authority"));
    assert!(open("", &other.made.key).contains("PEM blocks CERTIFICATE"));
}

#[test]
fn a_torn_line_of_the_register_is_written_over_and_a_damaged_one_is_told() {
    let world = World::new();
    let trial = trial();
    let made = PrivateCertIssuer::new(world.authority(), template()).create(&trial.order(1), None).unwrap();
    let whole = std::fs::read_to_string(world.register()).unwrap();
    let line = "{\"issued\":{\"serial\":\"";
    assert!(whole.starts_with("{\"authority\":{\"key\":\"") && whole.contains(line), "{whole}");
    assert!(whole.ends_with("\"2026-12-23T12:00:00Z\"}}\n"), "{whole}");

    std::fs::write(world.register(), format!("{whole}{line}{}", "0".repeat(500))).unwrap();
    let issuer = PrivateCertIssuer::new(world.authority(), template());
    assert_eq!(issuer.find(&trial.order(1)).unwrap(), [made.outside.clone().unwrap()]);
    issuer.retire(&trial.order(1), made.outside.as_ref()).unwrap();
    drop(issuer);
    assert_eq!(std::fs::read_to_string(world.register()).unwrap().lines().count(), 3);
    assert_eq!(revoked(&world.authority()), [serial(&made)]);

    std::fs::write(world.register(), format!("{whole}{line}\n")).unwrap();
    let damaged = FileRegister::open(world.register()).unwrap().load().unwrap_err();
    assert!(damaged.to_string().contains("line 3"), "{damaged}");
}

#[test]
fn openssl_agrees_when_it_is_there() {
    let now = || Timestamp::from_nanos(u64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos()).unwrap());
    let home = tempfile::tempdir().unwrap();
    let ours = CertificateAuthority::generate("Example internal", DAY * 365, now()).unwrap();
    // An authority of its own making names its key in another way.
    let theirs = openssl(
        home.path(),
        &[
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-keyout",
            "key.pem",
            "-out",
            "own.pem",
            "-days",
            "99",
            "-subj",
            "/CN=Theirs",
            "-addext",
            "keyUsage=keyCertSign,cRLSign",
        ],
    );
    if theirs != Some(true) {
        let what = "the test that openssl takes our certificates (src/issuer/private_ca/tests.rs)";
        return not_run(what, "openssl is not installed, or makes no authority");
    }
    let read = |name: &str| std::fs::read_to_string(home.path().join(name)).unwrap();
    let theirs = NewAuthority { certificate: read("own.pem"), key: SecretBytes::from(read("key.pem")) };
    for (number, made) in [ours, theirs].iter().enumerate() {
        let register = register_at(&home.path().join(number.to_string()));
        let authority = CertificateAuthority::open(&made.certificate, &made.key, Box::new(register), now).unwrap();
        let issuer = PrivateCertIssuer::new(Arc::new(authority), template());
        let trial = trial();
        let [good, bad] = [1, 2].map(|number| issuer.create(&trial.order(number), None).unwrap());
        issuer.retire(&trial.order(2), bad.outside.as_ref()).unwrap();
        let write = |name: &str, text: &str| std::fs::write(home.path().join(name), text).unwrap();
        write("ca.pem", &format!("{}{}", made.certificate, issuer.authority.revocation_list().unwrap()));
        for (issued, is_good) in [(&good, true), (&bad, false)] {
            write("leaf.pem", text_field(&issued.credential, "certificate").unwrap().expose_text().unwrap());
            let verify = ["verify", "-x509_strict", "-crl_check", "-CAfile", "ca.pem", "leaf.pem"];
            assert_eq!(openssl(home.path(), &verify), Some(is_good), "authority {number}");
        }
    }
}

/// Runs another implementation; returns `None` when there is none.
fn openssl(home: &Path, args: &[&str]) -> Option<bool> {
    Some(std::process::Command::new("openssl").current_dir(home).args(args).output().ok()?.status.success())
}

/// A certificate that a store does not know is adopted with its key, by its serial number alone.
#[test]
fn a_certificate_is_adopted_with_its_key() {
    let (world, trial) = (World::new(), trial());
    let issuer = PrivateCertIssuer::new(world.authority(), template());
    let [first, second] = [1, 2].map(|number| issuer.create(&trial.order(number), None).unwrap());
    let [named, other] = [&first, &second].map(|issued| issued.outside.clone().unwrap());
    let adopted = issuer.adopt(&trial.order(1), &named, &first.credential).unwrap();
    assert!(adopted.credential.equals_in_constant_time(&first.credential));
    assert_eq!((adopted.outside, adopted.expires_at), (Some(named.clone()), first.expires_at));
    for (outside, data, why) in [
        (&other, first.credential.expose(), "another serial number"),
        (&named, br#"{"certificate":"x","private_key":"y"}"#.as_slice(), "can be read"),
        (&named, br#"{"private_key":"y"}"#, "holds no certificate"),
        (&named, br#"{"certificate":"x"}"#, "holds no private key"),
        (&named, b"password", "holds no certificate"),
    ] {
        let refused = issuer.adopt(&trial.order(1), outside, &SecretBytes::copy_from(data)).unwrap_err();
        assert!(refused.to_string().contains(why), "{refused}");
    }
}
