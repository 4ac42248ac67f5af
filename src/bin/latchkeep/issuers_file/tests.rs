//! The file of issuers with hostile input: what is refused, in which words, and that no value is shown.

use std::path::PathBuf;

use latchkeep::{Actor, Session, StoreOptions, Unlock};
use latchkeep::{NewSecret, SecretBytes, SecretName};

use super::read;

const CANARY: &str = "canary-of-the-admin";

struct Home {
    dir: tempfile::TempDir,
    session: Session,
}

impl Home {
    /// A store with one secret, `admin`, and files: a password, an empty one, and what is no certificate.
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = StoreOptions::in_memory(Unlock::bytes(SecretBytes::copy_from(&[7; 32]))).create().unwrap();
        let session = store.acting_as(Actor::parse("tester").unwrap());
        let name = SecretName::parse("admin").unwrap();
        session.create(NewSecret::arbitrary(name, SecretBytes::copy_from(CANARY.as_bytes())).unwrap()).unwrap();
        let name = SecretName::parse("fields").unwrap();
        session.create(NewSecret::kv(name, &SecretBytes::copy_from(b"{\"user\":\"me\"}")).unwrap()).unwrap();
        let home = Self { dir, session };
        home.file("password", &format!("{CANARY}\n"));
        home.file("empty", "\n");
        home
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Reads a description of one issuer, in which `HOME` stands for the directory; gives why it is refused, if it is.
    fn told(&self, described: &str) -> Option<String> {
        let described = described.replace("HOME", self.dir.path().to_str().unwrap());
        let file = self.file("issuers.json", &format!("{{\"db\": {described}}}"));
        let failure = read(&file, &self.session).err()?;
        assert!(!failure.message().contains("canary"), "{}", failure.message());
        Some(failure.message().to_owned())
    }

    #[track_caller]
    fn check(&self, described: &str, expected: &str) {
        match self.told(described) {
            None => assert_eq!(expected, "", "{described} is taken"),
            Some(told) => {
                assert!(!expected.is_empty() && told.contains(expected), "{described}: {told}");
                assert!(told.contains("issuer db: "), "{told}");
            }
        }
    }
}

#[test]
fn a_kind_is_named_and_a_value_that_cannot_be_there_is_not_shown() {
    let home = Home::new();
    home.check("[]", "takes a JSON object");
    home.check("{\"program\": \"/bin/true\"}", "missing field `kind`");
    home.check("{\"kind\": 7}", "`kind` takes text");
    home.check(
        "{\"kind\": \"oracle\"}",
        "oracle is no kind; exec, postgres_password, postgres_role and private_ca are",
    );
    home.check("{\"kind\": \"exec\", \"program\": \"/bin/true\"}", "");
    home.check("{\"kind\": \"exec\", \"program\": [\"canary\"]}", "something stands where it cannot");
    home.check("{\"kind\": \"exec\", \"program\": \"/bin/true\", \"args\": \"canary\"}", "expected a sequence");
}

#[cfg(not(feature = "postgres"))]
#[test]
fn what_this_build_lacks_is_told_with_its_feature() {
    for kind in ["postgres_password", "postgres_role"] {
        Home::new().check(&format!("{{\"kind\": \"{kind}\"}}"), "build it with --features postgres");
    }
}

#[cfg(not(feature = "private-ca"))]
#[test]
fn an_authority_that_this_build_lacks_is_told_with_its_feature() {
    Home::new().check("{\"kind\": \"private_ca\"}", "build it with --features private-ca");
}

#[cfg(feature = "postgres")]
mod postgres {
    use super::{CANARY, Home};

    const OFF: &str = r#""tls": "off""#;

    fn server(more: &str) -> String {
        format!(r#""server": {{"host": "db.internal", "database": "app", "user": "keeper", {more}}}"#)
    }

    fn password(server: &str) -> String {
        format!(r#"{{"kind": "postgres_password", {server}, "roles": ["billing"]}}"#)
    }

    fn role(more: &str) -> String {
        format!(r#"{{"kind": "postgres_role", {}, {more}}}"#, server(OFF))
    }

    #[test]
    fn a_server_is_held_to_what_it_needs() {
        let home = Home::new();
        for (more, expected) in [
            (OFF, ""),
            (r#""tls": "off", "port": 6432, "limit_secs": 60"#, ""),
            (r#""port": 5432"#, "tls takes"),
            (r#""tls": "prefer""#, "tls takes"),
            (r#""tls": {"ca_file": "HOME/password"}"#, "TLS roots"),
            (r#""tls": {"ca_file": "HOME/nowhere"}"#, "could not open"),
            (r#""tls": {"ca_file": "HOME/password", "verify": false}"#, "unknown field `verify`"),
            (r#""tls": "off", "port": 70000"#, "something stands where it cannot"),
            (r#""tls": "off", "limit_secs": 0"#, "limit_secs takes 1 to 3600"),
            (r#""tls": "off", "sslmode": "require""#, "unknown field `sslmode`"),
        ] {
            home.check(&password(&server(more)), expected);
        }
        for (host, expected) in [
            ("/run/postgresql", ""),
            ("", "visible ASCII"),
            ("postgres://keeper:canary@db", "nothing around it"),
            ("keeper:canary@db", "nothing around it"),
            ("db password=canary", "nothing around it"),
        ] {
            let tls = if host.starts_with('/') { "" } else { r#", "tls": "off""# };
            let server = format!(r#""server": {{"host": "{host}", "database": "app", "user": "keeper"{tls}}}"#);
            home.check(&password(&server), expected);
        }
        home.check(&password(r#""server": "postgres://keeper:canary@db""#), "expected struct Server");
        home.check(r#"{"kind": "postgres_password", "roles": ["billing"]}"#, "missing field `server`");
    }

    #[test]
    fn the_password_of_the_admin_is_in_a_file_or_in_the_store_and_nowhere_else() {
        let home = Home::new();
        for (more, expected) in [
            (r#""password_file": "HOME/password""#, ""),
            (r#""password_file": "HOME/nowhere""#, "cannot be read"),
            (r#""password_file": "HOME/empty""#, "is empty"),
            (r#""password_file": ["canary"]"#, "something stands where it cannot"),
            (r#""password_secret": "admin""#, ""),
            (r#""password_secret": "arbitrary/admin""#, ""),
            (r#""password_secret": "kv/fields""#, "no such field"),
            (r#""password_secret": "nobody""#, "there is no secret nobody"),
            (r#""password_secret": "magic/admin""#, "no type of secret"),
            (r#""password_file": "HOME/password", "password_secret": "admin""#, "do not go together"),
            (r#""password": "canary""#, "password: no secret belongs into this file"),
            (r#""PassWord": "canary""#, "PassWord: no secret belongs into this file"),
            (r#""url": "canary""#, "password_file or password_secret"),
        ] {
            home.check(&password(&server(&format!("{OFF}, {more}"))), expected);
        }
        home.check(&role(r#""password": "canary""#), "password: no secret belongs into this file");
        // What the issuer asks each time is what is there then.
        let source = super::super::source::Source::of((None, Some("admin".into())), "password", &home.session);
        let Ok(Some(source)) = source else { panic!("the secret is there") };
        assert_eq!(source.read().unwrap().expose(), CANARY.as_bytes());
        let id = home.session.store().secrets()[0].id;
        let next = latchkeep::NewData::arbitrary(latchkeep::SecretBytes::copy_from(b"another\n")).unwrap();
        let named = home.session.store().secrets().into_iter().find(|secret| secret.metadata.name.as_str() == "admin");
        home.session.rotate(named.map_or(id, |secret| secret.id), next).unwrap();
        assert_eq!(source.read().unwrap().expose(), b"another");
    }

    #[test]
    fn roles_and_templates_are_put_together_of_names() {
        let home = Home::new();
        let roles = |roles: &str| format!(r#"{{"kind": "postgres_password", {}, "roles": {roles}}}"#, server(OFF));
        home.check(&roles(r#"["billing", "web"]"#), "");
        home.check(&roles("[]"), "at least one role");
        home.check(&roles(r#"["keeper"]"#), "is the admin role");
        home.check(&roles(r#"["billing", ""]"#), "SQL identifier");
        let grant =
            |privileges: &str, on: &str| role(&format!(r#""grants": [{{"privileges": {privileges}, "on": {on}}}]"#));
        for (described, expected) in [
            (role(r#""member_of": ["readers"]"#), ""),
            (role(r#""member_of": ["keeper"]"#), "a member of the admin role"),
            (role(r#""member_of": ["readers"], "connections_max": 3, "leaving_to": "heir", "valid_for_secs": 60"#), ""),
            (role(r#""valid_for_secs": 59"#), "valid_for_secs takes"),
            (role(r#""sql": "DROP TABLE x""#), "unknown field `sql`"),
            (grant(r#"["usage", "create"]"#, r#"{"schema": "shop"}"#), ""),
            (grant(r#"["select"]"#, r#"{"schema": "shop", "table": "orders; --"}"#), ""),
            (grant(r#"["select"]"#, r#"{"schema": "shop", "all": "tables"}"#), ""),
            (grant(r#"["usage"]"#, r#"{"schema": "shop", "all": "sequences"}"#), ""),
            (grant(r#"["execute"]"#, r#"{"schema": "shop", "all": "functions"}"#), ""),
            (grant(r#"["connect"]"#, r#"{"database": "app"}"#), ""),
            (grant(r#"["select"]"#, r#"{"schema": "shop", "all": "views"}"#), "on takes"),
            (grant(r#"["select"]"#, r#"{"table": "orders"}"#), "on takes"),
            (grant(r#"["select"]"#, "{}"), "on takes"),
            (grant(r#"["select"]"#, r#"{"database": "app", "schema": "shop"}"#), "on takes"),
            (grant("[]", r#"{"schema": "shop"}"#), "privileges takes at least one"),
            (grant(r#"["all", "select"]"#, r#"{"schema": "shop"}"#), "privileges takes connect"),
            (grant(r#"["SELECT ON x TO PUBLIC; --"]"#, r#"{"schema": "shop"}"#), "privileges takes connect"),
        ] {
            home.check(&described, expected);
        }
    }
}

#[cfg(feature = "private-ca")]
mod private_ca {
    use std::time::Duration;

    use latchkeep::{
        CertificateAuthority, Clock, Issuance, IssuerName, JsonObject, NewSecret, RotationWorker, SecretBytes,
        SecretName, SystemClock,
    };

    use super::Home;

    fn home() -> Home {
        let home = Home::new();
        let year = Duration::from_secs(365 * 24 * 3_600);
        let made = CertificateAuthority::generate("Example", year, SystemClock.now()).unwrap();
        let other = CertificateAuthority::generate("Other", year, SystemClock.now()).unwrap();
        home.file("ca.pem", &made.certificate);
        home.file("ca.key", made.key.expose_text().unwrap());
        home.file("other.key", other.key.expose_text().unwrap());
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
            (r#""key_secret": "admin""#, "does not belong"),
            (r#""leaf_key": "ed25519""#, "key_file or key_secret has to say"),
            (r#""key": "canary""#, "key: no secret belongs into this file"),
            (r#""private_key": "canary""#, "key_file or key_secret"),
        ] {
            let home = home();
            home.check(&described(&format!("{leaf}, {more}")), expected);
            let list = std::fs::read_to_string(home.dir.path().join("list.pem")).unwrap_or_default();
            assert_eq!(list.contains("X509 CRL"), expected.is_empty(), "{more}");
        }
    }

    #[test]
    fn what_is_retired_is_on_the_list_that_everybody_may_read() {
        use std::os::unix::fs::PermissionsExt as _;
        let home = home();
        let text = described(r#""ttl_secs": 86400, "names": ["a.example"], "key_secret": "ca-key""#);
        let text = format!("{{\"ca\": {text}}}").replace("HOME", home.dir.path().to_str().unwrap());
        let options = super::read(&home.file("issuers.json", &text), &home.session).unwrap();
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

    #[test]
    fn certificates_are_held_to_their_bounds() {
        let home = home();
        for (more, expected) in [
            (r#""ttl_secs": 86400, "names": ["a.example"], "leaf_key": "ecdsa_p384""#, ""),
            (r#""ttl_secs": 86400"#, "names or below"),
            (r#""ttl_secs": 59, "names": ["a.example"]"#, "a minute to 398 days"),
            (r#""ttl_secs": 86400, "names": ["*.example"]"#, "DNS name"),
            (r#""ttl_secs": 86400, "names": ["a.example"], "leaf_key": "rsa""#, "leaf_key takes"),
            (r#""ttl_secs": 86400, "names": ["a.example"], "revocation_url": "ftp://x""#, "revocation list URL"),
            (r#""ttl_secs": 86400, "names": ["a.example"], "wildcards": true"#, "unknown field `wildcards`"),
        ] {
            home.check(&described(&format!(r#"{more}, "key_file": "HOME/ca.key""#)), expected);
        }
    }
}
