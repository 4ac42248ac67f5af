//! Connections under TLS: with a server that can be trusted, and with one that cannot.

use latchkeep::{Issuer, PostgresServer, PostgresTls, SecretBytes};
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};

use crate::support::{ADMIN_PASSWORD, Server, name, password_issuer, trial};

/// A certificate authority, and a certificate for the machine itself with its key; all PEM.
fn authority() -> (String, String, String) {
    let [authority_key, key] = [(); 2].map(|()| KeyPair::generate().unwrap());
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = params.self_signed(&authority_key).unwrap().pem();
    let issuer = rcgen::Issuer::from_params(&params, &authority_key);
    let leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
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
    assert!(plain.contains("no protection that was asked for"), "{plain}");

    server.write_private("server.crt", &certificate);
    server.write_private("server.key", &key);
    server.configure("ssl = on");
    server.kill();
    server.begin();
    set(seen("localhost", &root)).unwrap();
    for (host, roots) in [("localhost", &other_root), ("127.0.0.1", &root)] {
        let refused = set(seen(host, roots)).unwrap_err();
        assert!(refused.contains("no protection that was asked for"), "{host}: {refused}");
    }
    assert!(server.sql("app", "SELECT count(*) FROM pg_stat_ssl WHERE ssl").parse::<u32>().is_ok());
}
