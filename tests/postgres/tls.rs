//! Connections under TLS: with a server that can be trusted, and with one that cannot.

use latchkeep::{Issuer, PostgresServer, PostgresTls, SecretBytes};
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, date_time_ymd};

use crate::support::{ADMIN_PASSWORD, Server, name, password_issuer, trial};

/// A certificate authority, and a certificate for the machine itself with its key; all PEM.
fn authority() -> (String, String, String) {
    authority_with_leaf(|_| {})
}

fn authority_with_leaf(change: impl FnOnce(&mut CertificateParams)) -> (String, String, String) {
    let [authority_key, key] = [(); 2].map(|()| KeyPair::generate().unwrap());
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = params.self_signed(&authority_key).unwrap().pem();
    let issuer = rcgen::Issuer::from_params(&params, &authority_key);
    let mut leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    change(&mut leaf);
    (root, leaf.signed_by(&key, &issuer).unwrap().pem(), key.serialize_pem())
}

#[test]
fn only_a_server_with_a_trusted_certificate_that_names_the_host_is_talked_to() {
    let Some(server) = Server::start() else { return };
    let (root, certificate, key) = authority();
    let other_root = authority().0;
    let seen = |host: &str, roots: &str| {
        let tls = PostgresTls::trusting(roots).unwrap();
        let seen = PostgresServer::new(host, server.port, name("app"), name("keeper"), tls).unwrap();
        password_issuer(seen.with_admin_password(SecretBytes::copy_from(ADMIN_PASSWORD.as_bytes())))
    };
    let trial = trial();
    let order = trial.order(1);
    let set = |issuer: latchkeep::PostgresPassword| {
        let value = issuer.pick(&order).unwrap();
        issuer
            .create(&order, Some(&value))
            .and_then(|_| issuer.verify(&order, &value))
            .map_err(|error| error.to_string())
    };

    let plain = set(seen("localhost", &root)).unwrap_err();
    assert!(plain.contains("the server offers no TLS"), "{plain}");

    server.write_private("server.crt", &certificate);
    server.write_private("server.key", &key);
    server.configure("ssl = on");
    server.kill();
    server.begin();
    set(seen("localhost", &root)).unwrap();
    for (host, roots, words) in [
        ("localhost", &other_root, "from no authority that is trusted here"),
        ("127.0.0.1", &root, "is for another host"),
        ("no-such-host.invalid", &root, "no address is known"),
    ] {
        let refused = set(seen(host, roots)).unwrap_err();
        assert!(refused.contains(words), "{host}: {refused}");
    }
    let ended = date_time_ymd(2020, 1, 1);
    for (begin, end, words) in [
        (date_time_ymd(2019, 1, 1), ended, "has expired"),
        (date_time_ymd(2250, 1, 1), date_time_ymd(2260, 1, 1), "not valid yet"),
    ] {
        let (root, certificate, key) = authority_with_leaf(|leaf| (leaf.not_before, leaf.not_after) = (begin, end));
        server.write_private("server.crt", &certificate);
        server.write_private("server.key", &key);
        server.kill();
        server.begin();
        let refused = set(seen("localhost", &root)).unwrap_err();
        assert!(refused.contains(words), "{refused}");
    }
    assert!(server.sql("app", "SELECT count(*) FROM pg_stat_ssl WHERE ssl").parse::<u32>().is_ok());
}

/// Whoever answers at the address asked for the password itself, and got it.
#[test]
fn without_tls_nobody_gets_a_password_by_asking_for_it() {
    use std::io::{Read as _, Write as _};
    for code in [3_u32, 5] {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asking = std::thread::spawn(move || {
            let (mut client, _) = listener.accept().unwrap();
            let mut start = [0; 4];
            client.read_exact(&mut start).unwrap();
            let mut rest = vec![0; u32::from_be_bytes(start) as usize - 4];
            client.read_exact(&mut rest).unwrap();
            let salt: &[u8] = if code == 5 { b"salt" } else { b"" };
            let len = u32::try_from(8 + salt.len()).unwrap();
            client.write_all(&[b"R", &len.to_be_bytes()[..], &code.to_be_bytes(), salt].concat()).unwrap();
            let mut said = Vec::new();
            let _ = client.read_to_end(&mut said);
            said
        });
        let seen = PostgresServer::new("127.0.0.1", port, name("app"), name("keeper"), PostgresTls::off()).unwrap();
        let seen = seen.with_admin_password(SecretBytes::copy_from(ADMIN_PASSWORD.as_bytes()));
        let trial = trial();
        let order = trial.order(1);
        let issuer = password_issuer(seen);
        let error = issuer.create(&order, Some(&issuer.pick(&order).unwrap())).unwrap_err();
        assert!(error.to_string().contains("asked for the password itself"), "{error}");
        assert_eq!(asking.join().unwrap(), b"", "something was answered");
    }
}

/// By choice, a server of this machine is answered.
#[test]
fn a_server_of_this_machine_is_answered_by_choice() {
    let Some(server) = Server::start() else { return };
    server.write_private(
        "pg_hba.conf",
        "local all all trust\nhost all root all scram-sha-256\nhost all all all password\n",
    );
    server.kill();
    server.begin();
    let trial = trial();
    let order = trial.order(1);
    let issuer = password_issuer(server.seen());
    let value = issuer.pick(&order).unwrap();
    assert!(issuer.create(&order, Some(&value)).unwrap_err().to_string().contains("asked for the password itself"));
    let issuer = password_issuer(server.seen().giving_passwords_here().unwrap());
    issuer.create(&order, Some(&value)).unwrap();
    issuer.verify(&order, &value).unwrap();
    server.kill();
    let error = issuer.verify(&order, &value).unwrap_err();
    assert!(error.to_string().contains("nothing listens"), "{error}");
}
