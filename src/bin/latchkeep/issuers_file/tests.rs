//! The file of issuers with hostile input: what is refused, in which words, and that no value is shown.

use std::path::PathBuf;

use latchkeep::{Actor, Session, StoreOptions, Unlock};
use latchkeep::{NewSecret, SecretBytes, SecretName};

use super::{Issuers, read};

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
        home.private("password", &format!("{CANARY}\n"));
        home.private("empty", "\n");
        home
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// A file that its owner alone may read.
    fn private(&self, name: &str, text: &str) -> PathBuf {
        let path = self.file(name, text);
        mode(&path, 0o600);
        path
    }

    /// Reads a file of issuers, in which `HOME` stands for the directory; gives what is wrong with them.
    fn problems(&self, text: &str) -> Vec<String> {
        let text = text.replace("HOME", self.dir.path().to_str().unwrap());
        let problems = match read(&self.file("issuers.json", &text), &self.session, None) {
            Ok(Issuers { problems, .. }) => problems,
            Err(failure) => vec![failure.message().to_owned()],
        };
        assert!(problems.iter().all(|problem| !problem.contains("canary")), "{problems:?}");
        problems
    }

    /// Reads a description of one issuer; gives why it is refused, or cannot do its work now.
    fn told(&self, described: &str) -> Option<String> {
        self.problems(&format!("{{\"db\": {described}}}")).pop()
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

fn mode(path: &std::path::Path, mode: u32) {
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
}

/// The last of two was taken without a word, and one issuer that was wrong kept all the others from their work.
#[test]
fn a_field_twice_is_refused_with_its_line_and_one_issuer_does_not_hold_up_the_others() {
    let home = Home::new();
    let problems = home.problems(
        "\u{feff}{\n\"good\": {\"kind\": \"exec\", \"program\": \"/bin/true\"},\n\"twice\": {\n  \"kind\": \"exec\",\n  \
         \"program\": \"/canary\",\n  \"program\": \"/bin/true\"},\n\"odd\": {\"kind\": \"exec\", \"program\": \"/bin/true\", \"x\": 1},\n\
         \"deep\": {\"kind\": \"exec\", \"program\": \"/bin/true\", \"env\": {\"A\": \"canary\",\n\"A\": \"2\"}}}",
    );
    for (problem, expected) in problems.iter().zip([
        "line 6: issuer twice: program is given twice",
        "line 7: issuer odd: x is no field",
        "line 9: issuer deep: env.A is given twice",
    ]) {
        assert!(problem.contains(expected), "{problem}");
    }
    assert_eq!(problems.len(), 3, "the good one is none of them: {problems:?}");
    for (text, expected) in [
        ("{\"a\": {},\n\"a\": {}}", "line 2: issuer a: is given twice"),
        ("[]", "a JSON object of issuers"),
        ("// canary\n{}", "line 1"),
        ("{} {}", "line 1"),
    ] {
        assert!(home.problems(text)[0].contains(expected), "{:?}", home.problems(text));
    }
}

#[test]
fn what_others_may_change_is_not_asked_for_credentials() {
    let home = Home::new();
    let program = home.file("program", "#!/bin/sh\n");
    let described = r#"{"kind": "exec", "program": "HOME/program"}"#;
    for (bits, expected) in [(0o755, ""), (0o777, "chmod go-w"), (0o720, "may be changed by others (mode 0720)")] {
        mode(&program, bits);
        home.check(described, expected);
    }
    let file = home.file("open.json", "{}");
    mode(&file, 0o666);
    assert!(read(&file, &home.session, None).err().unwrap().message().contains("chmod go-w"));
}

#[test]
fn a_kind_is_named_and_a_value_that_cannot_be_there_is_not_shown() {
    let home = Home::new();
    home.check("[]", "takes a JSON object");
    home.check("{\"program\": \"/bin/true\"}", "kind is missing");
    home.check("{\"kind\": 7}", "kind takes a text");
    home.check("{\"kind\": \"oracle\"}", "kind takes exec, postgres_password, postgres_role or private_ca");
    home.check("{\"kind\": \"exec\", \"program\": \"/bin/true\"}", "");
    home.check("{\"kind\": \"exec\", \"program\": [\"canary\"]}", "program takes a text");
    home.check("{\"kind\": \"exec\", \"program\": \"/bin/true\", \"args\": \"canary\"}", "args takes a list");
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
            (r#""tls": {"ca_file": "HOME/password", "verify": false}"#, "server.tls.verify is no field"),
            (r#""tls": "off", "port": 70000"#, "server.port takes 0 to 65535"),
            (r#""tls": "off", "limit_secs": 0"#, "limit_secs takes 1 to 3600"),
            (r#""tls": "off", "sslmode": "require""#, "server.sslmode is no field"),
            (r#""tls": "off", "plain_passwords": true"#, "is not this machine"),
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
        home.check(&password(r#""server": "postgres://keeper:canary@db""#), "server takes a JSON object");
        home.check(r#"{"kind": "postgres_password", "roles": ["billing"]}"#, "server is missing");
    }

    #[test]
    fn the_password_of_the_admin_is_in_a_file_or_in_the_store_and_nowhere_else() {
        let home = Home::new();
        super::mode(&home.file("open", "canary"), 0o644);
        for (more, expected) in [
            (r#""password_file": "HOME/password""#, ""),
            (r#""password_file": "HOME/nowhere""#, "cannot be read"),
            (r#""password_file": "HOME/empty""#, "is empty"),
            (r#""password_file": "HOME/open""#, "holds a secret and is open to others (mode 0644): chmod 600"),
            (r#""password_file": "HOME""#, "is no file"),
            (r#""password_file": ["canary"]"#, "takes a text"),
            (r#""password_secret": "admin""#, ""),
            (r#""password_secret": "arbitrary/admin""#, ""),
            (r#""password_secret": "kv/fields""#, "no such field"),
            (r#""password_secret": "nobody""#, "there is no secret nobody"),
            (r#""password_secret": "magic/admin""#, "no type of secret"),
            (r#""password_file": "HOME/password", "password_secret": "admin""#, "does not go together"),
            (r#""password": "canary""#, "password belongs into no file of issuers"),
            (r#""PassWord": "canary""#, "PassWord belongs into no file of issuers"),
            (r#""url": "canary""#, "password_file or password_secret"),
        ] {
            home.check(&password(&server(&format!("{OFF}, {more}"))), expected);
        }
        home.check(&role(r#""password": "canary""#), "password belongs into no file of issuers");
        // What the issuer asks each time is what is there then.
        let described = latchkeep::issuers_file::SecretSource::Secret("admin".into());
        let source = super::super::source::Source::of(&described, "password", &home.session);
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
            (role(r#""acting_as": "makers""#), ""),
            (role(r#""acting_as": "keeper""#), "a member of the admin role"),
            (role(r#""member_of": ["readers"], "connections_max": 3, "leaving_to": "heir", "valid_for_secs": 60"#), ""),
            (role(r#""valid_for_secs": 59"#), "valid_for_secs takes"),
            (role(r#""sql": "DROP TABLE x""#), "sql is no field"),
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
mod private_ca;
