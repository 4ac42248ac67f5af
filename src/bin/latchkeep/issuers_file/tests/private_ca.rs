//! Authorities in the file of issuers.

use std::path::PathBuf;
use std::time::Duration;

use latchkeep::issuer_kit::Trial;
use latchkeep::issuers_file::IssuersFile;
use latchkeep::view::RotationStatus;
use latchkeep::{
    CertificateAuthority, Clock, Issuance, IssuerName, JsonObject, LogId, NewSecret, Reason, RotationWorker,
    SecretBytes, SecretId, SecretName, SystemClock, VersionRef,
};

use super::Home;
use crate::issuers_file::{Host, Issuers, read};

fn home() -> Home {
    let home = Home::new();
    let year = Duration::from_secs(365 * 24 * 3_600);
    let made = CertificateAuthority::generate("Example", year, SystemClock.now()).unwrap();
    let other = CertificateAuthority::generate("Other", year, SystemClock.now()).unwrap();
    home.file("ca.pem", &made.certificate);
    home.private("ca.key", made.key.expose_text().unwrap());
    home.private("other.key", other.key.expose_text().unwrap());
    let key = SecretBytes::copy_from(made.key.expose());
    home.session.create(NewSecret::arbitrary(SecretName::parse("ca-key").unwrap(), key).unwrap()).unwrap();
    home
}

fn described(more: &str) -> String {
    format!(
        r#"{{"kind": "private_ca", "certificate_file": "HOME/ca.pem", "register_file": "HOME/register",
            "revocation_list_file": "HOME/list.pem", {more}}}"#
    )
}

#[test]
fn an_authority_takes_its_key_from_a_file_or_the_store() {
    let leaf = r#""ttl_secs": 86400, "below": ["internal.example"]"#;
    for (more, expected) in [
        (r#""key_file": "HOME/ca.key""#, ""),
        (r#""key_secret": "ca-key""#, ""),
        (r#""key_file": "HOME/other.key""#, "does not belong"),
        (r#""key_file": "HOME/nowhere""#, "cannot be read"),
        (r#""key_file": "HOME/ca.pem""#, "is open to others"),
        (r#""key_secret": "admin""#, "is not PEM"),
        (r#""key_secret": "later""#, "there is no secret later"),
        (r#""leaf_key": "ed25519""#, "and so is key_secret"),
        (r#""key": "canary""#, "key belongs into no file of issuers"),
        (r#""private_key": "canary""#, "key_file or key_secret"),
    ] {
        let home = home();
        home.check(&described(&format!("{leaf}, {more}")), expected);
        let list = std::fs::read_to_string(home.dir.path().join("list.pem")).unwrap_or_default();
        assert_eq!(list.contains("X509 CRL"), expected.is_empty(), "{more}");
    }
}

/// A store with a certificate of issuer `ca`, and one that was revoked before it.
fn in_use() -> (Home, SecretId, PathBuf) {
    let home = home();
    let text = described(r#""ttl_secs": 86400, "names": ["a.example"], "key_secret": "ca-key""#);
    let text = format!("{{\"ca\": {text}}}").replace("HOME", home.dir.path().to_str().unwrap());
    let file = home.file("issuers.json", &text);
    let worker = RotationWorker::new(home.session.store(), read(&file, &home.session, None).unwrap().options);
    let parameters = JsonObject::parse(r#"{"dns_names": ["a.example"]}"#).unwrap();
    let issuance = Issuance { parameters: Some(parameters), ..Issuance::by(IssuerName::parse("ca").unwrap()) };
    let new = NewSecret::private_cert(SecretName::parse("shop").unwrap(), issuance);
    let secret = home.session.create(new).unwrap().secret.unwrap();
    worker.run_due().unwrap();
    worker.rotate(&home.session, secret).unwrap();
    worker.run_due().unwrap();
    home.session.retire(secret, VersionRef::Previous).unwrap();
    worker.run_due().unwrap();
    (home, secret, file)
}

/// An unmounted disk, or an older copy, made revoked certificates valid again without a word.
#[test]
fn a_register_that_lost_something_stops_its_issuer_alone_until_a_person_has_it_recovered() {
    let (home, secret, file) = in_use();
    let at = |name: &str| home.dir.path().join(name);
    let list = || std::fs::read_to_string(at("list.pem")).unwrap();
    let (whole, published, ca) =
        (std::fs::read_to_string(at("register")).unwrap(), list(), IssuerName::parse("ca").unwrap());
    let problems = |recovered| read(&file, &home.session, recovered).unwrap().problems.join("\n");
    let removes = || std::fs::remove_file(at("register")).unwrap();
    let set = |text: &str| std::fs::write(at("register"), text).unwrap();
    let older: String = whole.split_inclusive('\n').take(3).collect();

    for (loses, words) in [
        (&removes as &dyn Fn(), "though its revocation list does"),
        (&|| set(""), "though its revocation list does"),
        (&|| set(&older), "what was revoked since would be valid again; mount or restore"),
        (&|| (removes(), std::fs::remove_file(at("list.pem")).unwrap()).0, "though the store has certificates of it"),
    ] {
        loses();
        let told = problems(None);
        assert!(told.contains(words) && told.contains("--recover-register ca"), "{told}");
        assert!(std::fs::read_to_string(at("list.pem")).map_or(true, |list| list == published), "{told}");
        // What waits for it says so.
        let worker = RotationWorker::new(home.session.store(), read(&file, &home.session, None).unwrap().options);
        worker.rotate(&home.session, secret).unwrap();
        worker.run_due().unwrap();
        let why = RotationStatus::why_not(&home.session.store().secret(secret).unwrap(), SystemClock.now()).unwrap();
        assert!(why.contains(words), "{why}");
        home.session.abort_rotation(secret, Reason::parse("enough").unwrap()).unwrap();
        drop(worker);
        set(&whole);
        std::fs::write(at("list.pem"), &published).unwrap();
    }

    assert!(read(&file, &home.session, Some(&IssuerName::parse("shop").unwrap())).is_err());
    removes();
    assert_eq!(problems(Some(&ca)), "");
    assert_eq!(problems(None), "");
    assert_ne!(list(), published);
    assert_eq!(list().len(), published.len(), "it names what was revoked");
}

#[test]
fn what_is_retired_is_on_the_list_that_everybody_may_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = home();
    let text = described(r#""ttl_secs": 86400, "names": ["a.example"], "key_secret": "ca-key""#);
    let text = format!("{{\"ca\": {text}}}").replace("HOME", home.dir.path().to_str().unwrap());
    let Issuers { options, .. } = read(&home.file("issuers.json", &text), &home.session, None).unwrap();
    let worker = RotationWorker::new(home.session.store(), options);
    let parameters = JsonObject::parse(r#"{"dns_names": ["a.example"]}"#).unwrap();
    let issuance = Issuance { parameters: Some(parameters), ..Issuance::by(IssuerName::parse("ca").unwrap()) };
    let new = NewSecret::private_cert(SecretName::parse("shop").unwrap(), issuance);
    let secret = home.session.create(new).unwrap().secret.unwrap();
    worker.run_due().unwrap();
    assert_eq!(home.session.store().secret(secret).unwrap().versions.len(), 1);
    let list = || std::fs::read_to_string(home.dir.path().join("list.pem")).unwrap();
    let before = list();
    home.session.delete(secret).unwrap();
    worker.run_due().unwrap();
    assert!(home.session.store().secret(secret).is_err());
    assert!(list().len() > before.len(), "a certificate was revoked");
    let mode = std::fs::metadata(home.dir.path().join("list.pem")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o644);
}

/// An issuer whose key another issuer of the file makes could not be begun with; it is set up when it is asked.
#[test]
fn an_authority_whose_key_comes_later_is_set_up_then() {
    let home = home();
    let text = described(r#""ttl_secs": 86400, "names": ["a.example"], "key_secret": "later""#);
    let text = format!("{{\"ca\": {text}}}").replace("HOME", home.dir.path().to_str().unwrap());
    let read = read(&home.file("issuers.json", &text), &home.session, None).unwrap();
    assert!(read.problems[0].contains("there is no secret later"), "{:?}", read.problems);
    let worker = RotationWorker::new(home.session.store(), read.options);
    let key = std::fs::read(home.dir.path().join("ca.key")).unwrap();
    let name = SecretName::parse("later").unwrap();
    home.session.create(NewSecret::arbitrary(name, SecretBytes::copy_from(&key)).unwrap()).unwrap();
    let parameters = JsonObject::parse(r#"{"dns_names": ["a.example"]}"#).unwrap();
    let issuance = Issuance { parameters: Some(parameters), ..Issuance::by(IssuerName::parse("ca").unwrap()) };
    let new = NewSecret::private_cert(SecretName::parse("shop").unwrap(), issuance);
    let secret = home.session.create(new).unwrap().secret.unwrap();
    worker.run_due().unwrap();
    assert_eq!(home.session.store().secret(secret).unwrap().versions.len(), 1);
}

#[test]
fn certificates_are_held_to_their_bounds() {
    let home = home();
    for (more, expected) in [
        (r#""ttl_secs": 86400, "names": ["a.example"], "leaf_key": "ecdsa_p384""#, ""),
        (r#""ttl_secs": 86400"#, "and so are below and addresses"),
        (r#""ttl_secs": 86400, "addresses": ["10.0.0.0/8"], "below": ["a.example"], "wildcards": true"#, ""),
        (r#""ttl_secs": 86400, "addresses": ["10.0.0.0/99"]"#, "IP addresses"),
        (r#""ttl_secs": 34300000, "names": ["a.example"]"#, "the certificate of its authority ends at"),
        (r#""ttl_secs": 59, "names": ["a.example"]"#, "a minute to 398 days"),
        (r#""ttl_secs": 86400, "names": ["*.example"]"#, "DNS name"),
        (r#""ttl_secs": 86400, "names": ["a.example"], "leaf_key": "rsa""#, "leaf_key takes"),
        (r#""ttl_secs": 86400, "names": ["a.example"], "revocation_url": "ftp://x""#, "revocation list URL"),
        (r#""ttl_secs": 86400, "names": ["a.example"], "wildcard": true"#, "wildcard is no field"),
    ] {
        home.check(&described(&format!(r#"{more}, "key_file": "HOME/ca.key""#)), expected);
    }
}

/// The issuer of the file took whatever certificate was brought along, and forgot when it ends.
#[test]
fn a_certificate_is_adopted_as_the_listed_one_alone_and_with_its_end() {
    let home = home();
    let text = described(r#""ttl_secs": 86400, "names": ["a.example"], "key_file": "HOME/ca.key""#);
    let text = format!("{{\"ca\": {text}}}").replace("HOME", home.dir.path().to_str().unwrap());
    let read = IssuersFile::parse(&text).unwrap();
    let described = read.issuers().iter().next().unwrap().description.as_ref().unwrap();
    let host = Host { session: &home.session, name: &IssuerName::parse("ca").unwrap(), recovers: false };
    let issuer = crate::issuers_file::make(described, &host).unwrap().issuer;
    let trial = Trial::new(LogId::from_bytes([4; 16]), SecretName::parse("shop").unwrap())
        .with_parameters(JsonObject::parse(r#"{"dns_names": ["a.example"]}"#).unwrap());
    let [one, two] = [1, 2].map(|number| issuer.create(&trial.order(number), None).unwrap());
    let outside = one.outside.clone().unwrap();
    let adopted = issuer.adopt(&trial.order(1), &outside, &one.credential).unwrap();
    assert!(adopted.expires_at.is_some() && adopted.expires_at == one.expires_at);
    let error = issuer.adopt(&trial.order(1), &outside, &two.credential).unwrap_err();
    assert!(error.to_string().contains("another serial number"), "{error}");
}
