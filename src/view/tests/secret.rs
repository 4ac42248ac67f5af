//! What is shown of secrets and versions.

use super::golden;
use super::sample::{actor, credential, issuance, policy, secret, time};
use crate::domain::id::{GroupId, LogId};
use crate::domain::name::{Description, GroupName, Label};
use crate::domain::position::Position;
use crate::domain::receipt;
use crate::domain::rotation::Retirement;
use crate::domain::secret::{ApiKeyTarget, ApiKeyUse, PasswordPolicy, SecretSpec};
use crate::domain::settings;
use crate::domain::version::{CertificateDetails, VersionData, VersionDetails};
use crate::view::{Group, Receipt, Secret, Version};

#[test]
fn secrets_have_the_names_of_the_reference() {
    let mut secret = secret();
    golden("secret", &Secret::of(&secret).with_crn(LogId::from_bytes([0xcc; 16])));
    secret.spec = SecretSpec::UsernamePassword { password_policy: PasswordPolicy::default() };
    assert_eq!(
        serde_json::to_value(Secret::of(&secret)).unwrap()["rotation"],
        serde_json::json!({ "auto_rotate": false })
    );
    secret.policy = Some(policy());
    secret.metadata.expires_at = Some(time("22:00:00"));
    secret.metadata.refuse_rotation_while_locked = Some(true);
    secret.expiry_held_since = Some(time("21:00:00"));
    golden("secret-username-password", &Secret::of(&secret));
}

#[test]
fn each_type_shows_what_it_has() {
    let mut secret = secret();
    let api_key = |target, api_key_use| SecretSpec::IamCredentials { ttl_secs: 3_600, api_key_use, target };
    let groups = ApiKeyTarget::AccessGroups([Label::parse("readers").unwrap()].into());
    secret.spec = api_key(groups, ApiKeyUse::FreshPerRead);
    let shown = serde_json::to_value(Secret::of(&secret)).unwrap();
    assert_eq!((&shown["access_groups"][0], &shown["reuse_api_key"]), (&"readers".into(), &false.into()));
    secret.spec = api_key(ApiKeyTarget::ServiceId(actor("deployer")), ApiKeyUse::UntilLeaseEnds);
    golden("secret-iam-credentials", &Secret::of(&secret));
    for (name, spec) in [
        ("secret-service-credentials", SecretSpec::ServiceCredentials { issuance: issuance() }),
        ("secret-custom-credentials", SecretSpec::CustomCredentials { issuance: issuance() }),
        ("secret-private-cert", SecretSpec::PrivateCert { issuance: issuance() }),
    ] {
        secret.spec = spec;
        let shown = Secret::of(&secret);
        assert_eq!(shown.issuer_name().unwrap().as_str(), "orders");
        golden(name, &shown);
    }
}

#[test]
fn versions_have_the_names_of_the_reference() {
    let mut secret = secret();
    golden("version-destroyed", &Version::of(&secret, &secret.versions[0]));
    golden("version", &Version::of(&secret, &secret.versions[1]));
    secret.spec = SecretSpec::PrivateCert { issuance: issuance() };
    let current = &mut secret.versions[2];
    current.credential = Some(credential(Retirement::Planned { at: time("13:00:00") }));
    current.acknowledged_by = [actor("shop")].into();
    current.data = VersionData::Unavailable { since: time("14:00:00") };
    current.details = VersionDetails::Certificate(Box::new(CertificateDetails {
        serial: "0A1B".into(),
        common_name: "shop.example".into(),
        issuer: "Orders CA".into(),
        not_before: time("00:00:00"),
        not_after: time("23:59:59"),
        has_private_key: true,
        has_chain: false,
    }));
    golden("version-private-cert", &Version::of(&secret, &secret.versions[2]));
    let shown = serde_json::to_value(Secret::of(&secret)).unwrap();
    assert_eq!((&shown["issuer"], &shown["certificate_template"]), (&"Orders CA".into(), &"orders".into()));
    assert_eq!(Version::all_of(&secret)[0].alias.unwrap().label(), "current");
}

#[test]
fn groups_and_receipts_are_shown() {
    let group = settings::Group {
        name: GroupName::parse("team").unwrap(),
        description: Some(Description::parse("the shop").unwrap()),
        created_at: time("08:00:00"),
        updated_at: time("09:00:00"),
        secrets: 2,
    };
    golden("group", &Group::of(GroupId::from_bytes([0xbb; 16]), &group));
    golden("group-default", &Group::default_group());
    let receipt = receipt::Receipt {
        position: Position::new(7),
        events: 2,
        incarnation: crate::domain::incarnation::Incarnation::ORIGINAL,
        recorded_at: time("10:00:00"),
        secret: None,
        revision: None,
        version: None,
        remembered: false,
    };
    golden("receipt", &Receipt::of(&receipt));
}
