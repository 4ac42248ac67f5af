//! What accounts live through: rights, sessions, things they own, an end of their own, names that bite.

use std::process::Stdio;
use std::time::Duration;

use latchkeep::{Issuer, JsonObject, SecretBytes};

use crate::support::{Server, field, name, password_issuer, role_issuer, trial};

#[test]
fn a_role_has_the_rights_of_its_template_and_leaves_nothing_when_it_is_retired() {
    let Some(server) = Server::start() else { return };
    let issuer = role_issuer(server.seen());
    let trial = trial();
    let order = trial.order(1);
    let made = issuer.create(&order, None).unwrap();
    let (user, password) = (field(&made.credential, "username"), field(&made.credential, "password"));
    assert_eq!(made.outside.as_ref().map(|outside| outside.as_str()), Some(user.as_str()));
    let ask = |sql: &str| {
        let output = server.psql("app", &user, &password).arg("-c").arg(sql).output().unwrap();
        (output.status.success(), String::from_utf8(output.stdout).unwrap().trim().to_owned())
    };
    assert_eq!(ask("SELECT id FROM shop.orders"), (true, "7".to_owned()));
    assert!(ask("INSERT INTO shop.orders VALUES (8); CREATE TABLE shop.mine (id int)").0);
    for forbidden in ["DELETE FROM shop.orders", "CREATE ROLE other", "CREATE DATABASE other"] {
        assert!(!ask(forbidden).0, "{forbidden}");
    }

    let mut session = server.psql("app", &user, &password);
    let mut session = session.arg("-c").arg("SELECT pg_sleep(60)").stderr(Stdio::null()).spawn().unwrap();
    let sessions = format!("SELECT count(*) FROM pg_stat_activity WHERE usename = '{user}'");
    while server.sql("app", &sessions) == "0" {
        std::thread::sleep(Duration::from_millis(20));
    }
    issuer.retire(&order, made.outside.as_ref()).unwrap();
    assert!(!session.wait().unwrap().success(), "its session was ended");
    assert_eq!(server.roles_of_ours(), "0");
    let left = format!("lkleft_{}", user.strip_prefix("lk_").unwrap());
    assert_eq!(server.sql("app", "SELECT tableowner FROM pg_tables WHERE tablename = 'mine'"), left);
    assert!(!server.log().contains(&password), "a password is in the log");
}

#[test]
fn what_a_role_owns_elsewhere_keeps_it_but_not_its_login() {
    let Some(server) = Server::start() else { return };
    let issuer = role_issuer(server.seen());
    let trial = trial();
    let order = trial.order(1);
    let made = issuer.create(&order, None).unwrap();
    let user = field(&made.credential, "username");
    server.sql("postgres", &format!("CREATE TABLE public.kept (id int); ALTER TABLE public.kept OWNER TO {user}"));
    let error = issuer.retire(&order, made.outside.as_ref()).unwrap_err();
    assert!(error.to_string().contains("1 object in database postgres"), "{error}");
    assert!(issuer.verify(&order, &made.credential).is_err());
    server.sql("postgres", "DROP TABLE public.kept");
    issuer.retire(&order, made.outside.as_ref()).unwrap();
    assert_eq!(server.roles_of_ours(), "0");
}

/// The reason named nothing, and pointed to other databases.
#[test]
fn what_others_granted_keeps_a_role_and_is_named() {
    let Some(server) = Server::start() else { return };
    let issuer = role_issuer(server.seen());
    let trial = trial();
    let made = issuer.create(&trial.order(1), None).unwrap();
    let user = field(&made.credential, "username");
    let tables: Vec<_> = (0..100).map(|number| format!("shop.\"a\u{202e}\u{7}{}{number}\"", "x".repeat(40))).collect();
    for table in tables.iter().map(String::as_str).chain(["shop.orders"]) {
        server.sql("app", &format!("CREATE TABLE IF NOT EXISTS {table} (id int); GRANT SELECT ON {table} TO {user}"));
    }
    let refused = || issuer.retire(&trial.order(1), made.outside.as_ref()).unwrap_err().to_string();
    let error = refused();
    assert!(error.contains("privileges for table") && error.contains("in database app"), "{error}");
    assert!(error.len() < 700 && !error.contains(['\u{202e}', '\u{7}', '\n']), "{error}");
    server.sql("app", &format!("DROP TABLE {}", tables.join(", ")));
    let error = refused();
    assert!(error.contains("privileges for table shop.orders") && error.contains("2BP01"), "{error}");
    assert!(issuer.verify(&trial.order(1), &made.credential).is_err());
    server.sql("app", &format!("REVOKE ALL ON shop.orders FROM {user}"));
    issuer.retire(&trial.order(1), made.outside.as_ref()).unwrap();
    assert_eq!(server.roles_of_ours(), "0");
}

#[test]
fn a_role_ends_by_itself_when_it_is_to() {
    let Some(server) = Server::start() else { return };
    let trial = trial();
    let issuer = role_issuer(server.seen()).valid_for(Duration::from_secs(3_600));
    let made = issuer.create(&trial.order(1), None).unwrap();
    issuer.verify(&trial.order(1), &made.credential).unwrap();
    let end = "SELECT floor(extract(epoch FROM rolvaliduntil))::bigint FROM pg_roles WHERE rolname LIKE 'lk\\_%'";
    let end: u64 = server.sql("app", end).parse().unwrap();
    assert_eq!(made.expires_at.unwrap().as_nanos(), end * 1_000_000_000);
    let left: i64 =
        server.sql("app", &format!("SELECT {end} - floor(extract(epoch FROM now()))::bigint")).parse().unwrap();
    assert!((3_500..=3_600).contains(&left), "{left}");

    let short = role_issuer(server.seen()).valid_for(Duration::ZERO);
    let made = short.create(&trial.order(2), None).unwrap();
    assert!(short.verify(&trial.order(2), &made.credential).is_err(), "it had ended when it was made");
}

#[test]
fn a_role_is_adopted_with_its_password_alone() {
    let Some(server) = Server::start() else { return };
    let trial = trial();
    let issuer = role_issuer(server.seen()).valid_for(Duration::from_secs(3_600));
    let [first, second] = [1, 2].map(|number| issuer.create(&trial.order(number), None).unwrap());
    let outside = first.outside.as_ref().unwrap();
    let password = SecretBytes::from(field(&first.credential, "password"));
    for brought in [&password, &first.credential] {
        let adopted = issuer.adopt(&trial.order(1), outside, brought).unwrap();
        assert!(adopted.credential.equals_in_constant_time(&first.credential));
        assert_eq!((adopted.outside.as_ref(), adopted.expires_at), (Some(outside), first.expires_at));
        issuer.verify(&trial.order(1), &adopted.credential).unwrap();
    }
    let refused = issuer.adopt(&trial.order(1), outside, &second.credential).unwrap_err();
    assert!(refused.to_string().contains("another role"), "{refused}");
    let wrong = issuer.adopt(&trial.order(1), outside, &SecretBytes::copy_from(b"wrong")).unwrap();
    assert!(issuer.verify(&trial.order(1), &wrong.credential).is_err());
    server.sql("app", &format!("ALTER ROLE {} VALID UNTIL 'infinity'", outside.as_str()));
    assert_eq!(issuer.adopt(&trial.order(1), outside, &password).unwrap().expires_at, None);
}

#[test]
fn a_name_with_quotes_and_semicolons_is_a_name() {
    const NAME: &str = r#"o'Neil "the\ $$ role" ;--"#;
    let Some(server) = Server::start() else { return };
    let issuer = password_issuer(server.seen()).allowing(name(NAME)).unwrap();
    let parameters = serde_json::json!({ "role": NAME }).to_string();
    let trial = trial().with_parameters(JsonObject::parse(&parameters).unwrap());
    let order = trial.order(1);
    let value = issuer.pick(&order).unwrap();
    issuer.create(&order, Some(&value)).unwrap();
    issuer.verify(&order, &value).unwrap();
    assert_eq!(field(&value, "username"), NAME);
}
