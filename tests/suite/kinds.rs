//! Each type of secret with real bytes, and data at its bounds.

use latchkeep::{
    ApiKeyTarget, ApiKeyUse, Event, IamIdentity, Label, NewData, NewSecret, PasswordPolicy, SecretChanges, SecretData,
    SecretSpec, Username, VersionDetails, VersionRef,
};

use crate::support::{Home, api_key, arbitrary, lock, name, next, refused, session, sound, text};
use crate::walk::sound_log;

const CURRENT: VersionRef = VersionRef::Current;

/// A certificate that ends so many days after 2026-11-23, with its private key, both in PEM.
pub(crate) fn certificate(common_name: &str, days: u8) -> (String, String) {
    let mut params = rcgen::CertificateParams::new(vec![common_name.to_owned()]).unwrap();
    params.distinguished_name.push(rcgen::DnType::CommonName, common_name);
    params.not_before = rcgen::date_time_ymd(2026, 11, 1);
    params.not_after = rcgen::date_time_ymd(2026, 11, 23 + days);
    let key = rcgen::KeyPair::generate().unwrap();
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

#[test]
fn passwords_rotate_and_the_user_name_stays() {
    let home = Home::new();
    let store = home.create();
    let ops = session(&store);
    let username = Username::parse("root").unwrap();
    let id = ops
        .create(NewSecret::username_password(name("db"), &username, text("hunter2")).unwrap())
        .unwrap()
        .secret
        .unwrap();
    ops.rotate(id, NewData::password(text("correct horse"))).unwrap();
    ops.rotate(id, NewData::generated()).unwrap();
    let reading = ops.read(id, CURRENT).unwrap();
    let SecretData::UsernamePassword(data) = &reading.data else { panic!("another type") };
    assert_eq!(data.username(), "root");
    assert_eq!(data.password().expose().len(), 32);
    assert_eq!(ops.read(id, VersionRef::Previous).unwrap().text().unwrap(), "correct horse");
    refused(ops.rotate(id, NewData::password(text("short"))), "invalid_parameter");
    refused(ops.rotate(id, NewData::password(text(&"x".repeat(257)))), "invalid_parameter");
    refused(ops.rotate(id, next("another type")), "invalid_parameter");
    let policy = PasswordPolicy { length: 64, include_digits: false, include_symbols: false, include_uppercase: false };
    let spec = Some(SecretSpec::UsernamePassword { password_policy: policy });
    ops.update(id, SecretChanges { spec, ..Default::default() }).unwrap();
    ops.rotate(id, NewData::generated()).unwrap();
    let reading = ops.read(id, CURRENT).unwrap();
    let password = reading.text().unwrap();
    assert!(password.len() == 64 && password.bytes().all(|byte| byte.is_ascii_lowercase()));
    let other = Some(SecretSpec::Arbitrary);
    refused(ops.update(id, SecretChanges { spec: other, ..Default::default() }), "invalid_parameter");
    let short = PasswordPolicy { length: 11, ..policy };
    refused(ops.create(NewSecret::generated_password(name("x1"), username, short)), "invalid_parameter");
    sound(&store);
}

#[test]
fn kv_data_is_an_object_that_is_not_empty_and_does_not_nest_without_end() {
    let home = Home::new();
    let store = home.create();
    let ops = session(&store);
    let new = NewSecret::kv(name("config"), &text(r#" { "b" : 1, "a" : ["x", null] } "#)).unwrap();
    let id = ops.create(new).unwrap().secret.unwrap();
    assert_eq!(ops.read(id, CURRENT).unwrap().text().unwrap(), r#"{"b":1,"a":["x",null]}"#, "in the order it came");
    let endless = "{\"a\":".repeat(200_000);
    let brackets = format!("{{\"a\":{}", "[".repeat(200_000));
    let large = format!("{{\"a\":\"{}\"}}", "x".repeat(512 * 1_024));
    for bad in ["", "{}", "[1]", "{\"a\":1,\"a\":2}", "{\"a\":1", "\u{feff}{\"a\":1}", &endless, &brackets, &large] {
        let error = NewSecret::kv(name("bad"), &text(bad)).expect_err(&bad[..bad.len().min(20)]);
        assert_eq!(error.code(), "invalid_parameter");
    }
    let brim = format!("{{\"a\":\"{}\"}}", "x".repeat(512 * 1_024 - 8));
    ops.rotate(id, NewData::kv(&text(&brim)).unwrap()).unwrap();
    assert_eq!(ops.read(id, CURRENT).unwrap().text().unwrap(), brim);
    let expiring = NewSecret::kv(name("never"), &text("{\"a\":1}")).unwrap().expiring_at(home.in_secs(60));
    refused(ops.create(expiring), "invalid_parameter");
}

#[test]
fn a_certificate_shows_what_it_says_of_itself() {
    let home = Home::new();
    let store = home.create();
    let ops = session(&store);
    let (pem, key) = certificate("shop.example", 2);
    let new = NewSecret::imported_cert(name("cert"), text(&pem), Some(text(&key)), None).unwrap();
    let id = ops.create(new).unwrap().secret.unwrap();
    let secret = store.secret(id).unwrap();
    let VersionDetails::Certificate(details) = &secret.versions[0].details else { panic!("no details") };
    assert_eq!(&*details.common_name, "shop.example");
    assert!(details.has_private_key && !details.has_chain);
    assert_eq!(secret.expires_at(), Some(details.not_after));
    let reading = ops.read(id, CURRENT).unwrap();
    let SecretData::ImportedCert(data) = &reading.data else { panic!("another type") };
    assert_eq!(data.certificate().expose(), pem.as_bytes());
    assert_eq!(data.private_key().unwrap().expose(), key.as_bytes());
    let (longer, longer_key) = certificate("shop.example", 7);
    ops.rotate(id, NewData::imported_cert(text(&longer), Some(text(&longer_key)), None).unwrap()).unwrap();
    assert!(store.secret(id).unwrap().expires_at() > Some(details.not_after));
    let create = |certificate: &str, key: Option<&str>| {
        ops.create(NewSecret::imported_cert(name("bad"), text(certificate), key.map(text), None)?)
    };
    refused(create("no PEM at all", None), "invalid_parameter");
    refused(create(&pem, Some(&longer_key)), "invalid_parameter");
    refused(create(&key, None), "invalid_parameter");
    refused(create(&"x".repeat(100_001), None), "invalid_parameter");
    sound(&store);
}

#[test]
fn api_keys_are_made_by_the_store_and_never_rotated_by_hand() {
    let home = Home::new();
    let store = home.create();
    let ops = session(&store);
    let id = api_key(&ops, "deployer", ApiKeyUse::FreshPerRead, 3_600);
    let reading = ops.read(id, CURRENT).unwrap();
    let SecretData::IamCredentials(data) = &reading.data else { panic!("another type") };
    assert!(matches!(data.identity(), IamIdentity::Service(service) if &**service == "service-1"));
    assert!(data.api_key().expose().starts_with(b"lk_"));
    let VersionDetails::ApiKey { api_key_id } = store.secret(id).unwrap().versions[0].details.clone() else {
        panic!("no details")
    };
    assert_eq!(api_key_id.as_str(), data.api_key_id());
    refused(ops.rotate(id, NewData::generated()), "rotation_not_supported");
    refused(ops.restore(id), "rotation_not_supported");
    let regenerated =
        sound_log(&store).iter().filter(|record| matches!(record.event, Event::VersionRegenerated(_))).count();
    assert_eq!(regenerated, 1);
    let groups = |count: usize| {
        let labels = (0..count).map(|number| Label::parse(&format!("group-{number}")).unwrap());
        ApiKeyTarget::AccessGroups(labels.collect())
    };
    for (ttl, target) in [(59, groups(1)), (90 * 24 * 3_600 + 1, groups(1)), (60, groups(11))] {
        let new = NewSecret::iam_credentials(name("bad"), ttl, ApiKeyUse::FreshPerRead, target);
        refused(ops.create(new), "invalid_parameter");
    }
    let reused = NewSecret::iam_credentials(name("ci"), 60, ApiKeyUse::UntilLeaseEnds, groups(10));
    let reused = ops.create(reused).unwrap().secret.unwrap();
    ops.rotate(reused, NewData::generated()).unwrap();
    assert_eq!(store.secret(reused).unwrap().versions.len(), 2);
    sound(&store);
}

#[test]
fn a_million_characters_are_taken_and_one_more_is_refused() {
    let home = Home::new();
    let store = home.create();
    let ops = session(&store);
    let wide = "\u{1f512}".repeat(1_000_000);
    let id = arbitrary(&ops, "wide", &wide);
    ops.rotate(id, next(&"x".repeat(1_000_000))).unwrap();
    for payload in [format!("{wide}x"), "x".repeat(1_000_001), String::new()] {
        let error = NewSecret::arbitrary(name("bad"), text(&payload)).err().unwrap();
        assert_eq!(error.code(), "invalid_parameter");
    }
    let no_text = latchkeep::SecretBytes::copy_from(&[0xff, 0xfe]);
    assert_eq!(NewSecret::arbitrary(name("bad"), no_text).err().unwrap().code(), "invalid_parameter");
    ops.place_lock(id, VersionRef::Previous, lock("reader")).unwrap();
    store.close().unwrap();
    let store = home.open();
    assert!(session(&store).read(id, VersionRef::Previous).unwrap().text().unwrap() == wide);
    sound(&store);
}
