//! Replies that are lost, statements that wait too long, and a server that dies while one runs.

use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use latchkeep::{
    Issuer, IssuerErrorKind, PostgresRole, PostgresTls, RoleTemplate, SecretBytes, SqlPrivilege, SqlTarget,
};

use crate::proxy::losing_reply_to;
use crate::support::{ADMIN_PASSWORD, Server, field, name, password_issuer, role_issuer, trial};

#[test]
fn a_lost_reply_is_unknown_and_what_was_done_is_found_or_done_again() {
    let Some(server) = Server::start() else { return };
    let trial = trial();
    let order = trial.order(1);

    let issuer = password_issuer(server.seen_through(losing_reply_to("ALTER ROLE", server.port)));
    let value = issuer.pick(&order).unwrap();
    let error = issuer.create(&order, Some(&value)).unwrap_err();
    assert_eq!(error.kind(), IssuerErrorKind::Unknown, "{error}");
    issuer.verify(&order, &value).unwrap();
    issuer.create(&order, Some(&value)).unwrap();
    issuer.verify(&order, &value).unwrap();

    let issuer = role_issuer(server.seen_through(losing_reply_to("CREATE ROLE", server.port)));
    let error = issuer.create(&order, None).unwrap_err();
    assert_eq!(error.kind(), IssuerErrorKind::Unknown, "{error}");
    let again = issuer.create(&order, None).unwrap_err();
    assert_eq!(again.kind(), IssuerErrorKind::Unknown, "nobody knows the password of the one that is there: {again}");
    let found = issuer.find(&order).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(issuer.list(order.store).unwrap(), [(order.rotation, found[0].clone())]);
    issuer.retire(&order, Some(&found[0])).unwrap();
    let made = issuer.create(&order, None).unwrap();
    issuer.verify(&order, &made.credential).unwrap();

    let lossy = role_issuer(server.seen_through(losing_reply_to("DROP ROLE", server.port)));
    let error = lossy.retire(&order, made.outside.as_ref()).unwrap_err();
    assert_eq!(error.kind(), IssuerErrorKind::Unknown, "{error}");
    lossy.retire(&order, made.outside.as_ref()).unwrap();
    assert_eq!(server.roles_of_ours(), "0");
}

/// Changes the account in a transaction that is left open for so long, so that others wait.
fn hold_account(server: &Server, secs: u32) -> std::process::Child {
    let sql = format!("BEGIN; ALTER ROLE billing CONNECTION LIMIT 9; SELECT pg_sleep({secs});");
    let mut psql = server.psql("app", "keeper", ADMIN_PASSWORD);
    let child = psql.arg("-c").arg(sql).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let sleeping = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    wait_until(|| server.sql("app", sleeping) == "1");
    child
}

fn wait_until(done: impl Fn() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < Duration::from_secs(60), "it did not come to that");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_statement_ends_at_the_limit_and_a_server_that_dies_under_it_leaves_it_unknown() {
    let Some(server) = Server::start() else { return };
    let trial = trial();
    let order = trial.order(1);
    let hurried = password_issuer(server.seen().giving_up_after(Duration::from_millis(500)));
    let value = hurried.pick(&order).unwrap();

    let mut holding = hold_account(&server, 30);
    let begun = Instant::now();
    let error = hurried.create(&order, Some(&value)).unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert_ne!(error.kind(), IssuerErrorKind::Refused, "{error}");

    let patient = password_issuer(server.seen().giving_up_after(Duration::from_secs(20)));
    let error = thread::scope(|scope| {
        let call = scope.spawn(|| patient.create(&order, Some(&value)).unwrap_err());
        wait_until(|| server.sql("app", "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") == "1");
        server.kill();
        call.join().unwrap()
    });
    assert_eq!(error.kind(), IssuerErrorKind::Unknown, "{error}");
    holding.wait().unwrap();
    server.begin();
    patient.create(&order, Some(&value)).unwrap();
    patient.verify(&order, &value).unwrap();
    let log = server.log();
    assert!(log.contains("ALTER ROLE") && !log.contains(&field(&value, "password")), "a password is in the log");
}

#[test]
fn what_the_server_says_no_to_is_refused() {
    let Some(server) = Server::start() else { return };
    let trial = trial();
    let order = trial.order(1);
    let refused = |error: latchkeep::IssuerError, words: &str| {
        assert_eq!(error.kind(), IssuerErrorKind::Refused, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    };

    let value = password_issuer(server.seen()).pick(&order).unwrap();
    let stranger = server.seen().with_admin_password(SecretBytes::copy_from(b"canary of somebody else"));
    refused(password_issuer(stranger).create(&order, Some(&value)).unwrap_err(), "refuses the login");
    refused(password_issuer(server.seen()).verify(&order, &value).unwrap_err(), "past its VALID UNTIL");

    // The sequence is of somebody who gave the admin no rights on it.
    server.sql("app", "CREATE SEQUENCE shop.\"a\u{7}count\"");
    let all = SqlTarget::AllSequences(name("shop"));
    let template = RoleTemplate::new().granting(&[SqlPrivilege::Usage], all);
    let error = PostgresRole::new(server.seen(), template).unwrap().create(&order, None).unwrap_err();
    assert!(!error.to_string().contains('\u{7}'), "{error}");
    refused(error, "permission denied for sequence a");

    server.sql("app", "DROP ROLE billing");
    refused(password_issuer(server.seen()).create(&order, Some(&value)).unwrap_err(), "there is no such role");

    server.sql("app", "DROP OWNED BY readers; DROP ROLE readers");
    refused(role_issuer(server.seen()).create(&order, None).unwrap_err(), "there is no such role");
    assert_eq!(server.roles_of_ours(), "0", "a role is made whole or not at all");

    let elsewhere =
        latchkeep::PostgresServer::new("127.0.0.1", server.port, name("nowhere"), name("keeper"), PostgresTls::off());
    let elsewhere = elsewhere.unwrap().with_admin_password(SecretBytes::copy_from(ADMIN_PASSWORD.as_bytes()));
    refused(role_issuer(elsewhere).create(&order, None).unwrap_err(), "there is no such database");
}
