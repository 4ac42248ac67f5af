//! Real things go in and come out byte for byte: a TLS key, an SSH key, a service's `.env`.

use std::os::unix::fs::PermissionsExt;

use crate::support::Home;

/// An OpenSSH private key in form; its body is made up.
const SSH_KEY: &str = "-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW
QyNTUxOQAAACBmYWtlLWtleS1mb3ItdGVzdHMtb25seS0wMTIzNAAAAJgAAAAAAAAAAAAA
AAtzc2gtZWQyNTUxOQAAACBmYWtlLWtleS1mb3ItdGVzdHMtb25seS0wMTIzNA==
-----END OPENSSH PRIVATE KEY-----
";

const ENV: &str = "# billing\nexport DATABASE_URL=postgres://b:p%40ss@db/b?x=1 # main\n\nGREETING='two words'\nPEM='one\ntwo'\nEMPTY=\n";

fn certificate(names: &[&str]) -> (String, String) {
    let key = rcgen::KeyPair::generate().unwrap();
    let params =
        rcgen::CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap();
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

#[test]
fn an_ssh_key_keeps_its_last_line_end() {
    let home = Home::new();
    let file = home.file("id_ed25519", SSH_KEY);
    home.run(&["secret", "create", "arbitrary", "deploy-key", "--from-file", &file]).done();
    assert_eq!(home.run(&["secret", "get", "deploy-key"]).done().text(), SSH_KEY);

    let out = home.arg("out");
    home.run(&["secret", "get", "deploy-key", "--out", &out]).done();
    assert_eq!(std::fs::read_to_string(&out).unwrap(), SSH_KEY);
    assert_eq!(std::fs::metadata(&out).unwrap().permissions().mode() & 0o777, 0o600);
    home.run(&["secret", "get", "deploy-key", "--out", &out]).failed(2, &["exists already", "--force"]);
    home.run(&["secret", "get", "deploy-key", "--out", &out, "--force"]).done();
}

#[test]
fn a_tls_key_is_locked_rotated_refused_and_freed() {
    let home = Home::new();
    let pairs = [(); 3].map(|()| certificate(&["www.example.com"]));
    let files: Vec<(String, String)> = pairs
        .iter()
        .enumerate()
        .map(|(n, (pem, key))| (home.file(&format!("{n}.pem"), pem), home.file(&format!("{n}.key"), key)))
        .collect();
    let with = |n: usize| ["--certificate", &files[n].0, "--private-key", &files[n].1].map(str::to_owned);
    let run = |args: &[&str], n: usize| {
        let more = with(n);
        let args: Vec<&str> = args.iter().copied().chain(more.iter().map(String::as_str)).collect();
        home.run(&args)
    };
    run(&["secret", "create", "imported-cert", "www"], 0).done();
    assert_eq!(home.run(&["secret", "get", "www"]).done().text(), pairs[0].0);
    assert_eq!(home.run(&["secret", "get", "www", "--field", "private_key"]).done().text(), pairs[0].1);
    home.run(&["secret", "get", "www", "--field", "intermediate"]).failed(6, &["stored without"]);

    home.run(&["lock", "create", "www", "proxy"]).done();
    let rotated = run(&["secret", "rotate", "www"], 1).done();
    assert!(rotated.text().contains("version 2 is current"), "{}", rotated.text());
    assert!(rotated.text().contains("went with it: proxy"), "{}", rotated.text());
    run(&["secret", "rotate", "www"], 2).failed(3, &["lock proxy on version 1 (previous)", "--version previous"]);
    home.run(&["lock", "delete", "www", "proxy", "--version", "previous"]).done();
    run(&["secret", "rotate", "www"], 2).done();
    assert_eq!(home.run(&["secret", "get", "www", "--field", "private_key"]).done().text(), pairs[2].1);

    let shown = home.run(&["secret", "show", "www", "--json"]).done().json();
    assert_eq!(shown["versions"][0]["private_key_included"], true);
    assert!(shown["expiration_date"].is_string());

    let other = home.file("other.key", &pairs[0].1);
    home.run(&["secret", "rotate", "www", "--certificate", &files[1].0, "--private-key", &other])
        .failed(2, &["private key"]);
}

#[test]
fn an_env_file_goes_in_and_comes_out() {
    let home = Home::new();
    let file = home.file(".env", ENV);
    home.run(&["secret", "create", "kv", "billing-env", "--from-env", &file]).done();
    let get = |more: &[&str]| home.run(&[&["secret", "get", "billing-env"], more].concat()).done().text();
    assert_eq!(
        get(&[]),
        r#"{"DATABASE_URL":"postgres://b:p%40ss@db/b?x=1","GREETING":"two words","PEM":"one\ntwo","EMPTY":""}"#
    );
    assert_eq!(
        get(&["--format", "env"]),
        "DATABASE_URL='postgres://b:p%40ss@db/b?x=1'\nGREETING='two words'\nPEM='one\ntwo'\nEMPTY=\n"
    );
    assert_eq!(get(&["--key", "PEM"]), "one\ntwo");
    home.run(&["secret", "get", "billing-env", "--key", "NONE"]).failed(6, &["no field NONE", "DATABASE_URL"]);

    let again = home.file("again.env", get(&["--format", "env"]));
    home.run(&["secret", "rotate", "billing-env", "--from-env", &again]).done();
    assert!(get(&[]).contains("two words"));
    home.feed(&["secret", "rotate", "billing-env", "--from-stdin"], r#"{"ONE": 1}"#).done();
    assert_eq!(get(&["--format", "env"]), "ONE=1\n");
    assert!(home.run(&["secret", "get", "billing-env", "--version", "previous"]).done().text().contains("two words"));
}

#[test]
fn a_password_is_generated_by_its_policy_and_never_shown_unasked() {
    let home = Home::new();
    let args = ["secret", "create", "username-password", "db", "--username", "admin", "--generate", "--length", "40"];
    let made = home.run(&args).done();
    let password = home.run(&["secret", "get", "db"]).done().text();
    assert_eq!(password.chars().count(), 40);
    assert!(!made.text().contains(&password));
    assert_eq!(home.run(&["secret", "get", "db", "--field", "username"]).done().text(), "admin");
    home.run(&["secret", "rotate", "db", "--generate"]).done();
    let next = home.run(&["secret", "get", "db"]).done().text();
    assert!(next != password && next.chars().count() == 40);
    home.feed(&["secret", "rotate", "db", "--from-stdin"], "typed by hand\n").done();
    assert_eq!(home.run(&["secret", "get", "db"]).done().text(), "typed by hand");
}

#[test]
fn a_dynamic_credential_is_new_at_each_read_until_it_is_locked() {
    let home = Home::new();
    let args = ["secret", "create", "iam-credentials", "deployer", "--ttl", "1h", "--service-id", "ci"];
    home.run(&args).done();
    let first = home.run(&["secret", "get", "deployer"]).done().text();
    let second = home.run(&["secret", "get", "deployer"]).done().text();
    assert_ne!(first, second);
    let records = || home.run(&["status", "--json"]).done().json()["log_size"].as_u64();
    let before = records();
    let taken = home.file("taken", "");
    home.run(&["secret", "get", "deployer", "--out", &taken]).failed(2, &["exists already"]);
    home.run(&["secret", "get", "deployer", "--out", "none/key"]).failed(2, &["no place for a file"]);
    home.run(&["secret", "get", "deployer", "--field", "password"]).failed(2, &["no field password"]);
    assert_eq!(records(), before, "no key was made for a read that could not be given out");
    home.run(&["lock", "create", "deployer", "job"]).done();
    let refused = home.run(&["secret", "get", "deployer"]).failed(3, &["lock job on version 1 (current)"]);
    assert!(refused.out.is_empty());
    home.run(&["secret", "rotate", "deployer", "--generate"]).failed(7, &["dynamic"]);
    home.run(&["lock", "delete", "deployer", "job"]).done();
    assert_ne!(home.run(&["secret", "get", "deployer"]).done().text(), second);
}

/// What certbot and others write: the certificate, and the chain above it in the same file.
#[test]
fn a_file_with_the_whole_chain_is_parted() {
    let home = Home::new();
    let [authority_key, key] = [(); 2].map(|()| rcgen::KeyPair::generate().unwrap());
    let mut above = rcgen::CertificateParams::new(Vec::new()).unwrap();
    above.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let issuer = rcgen::Issuer::from_params(&above, &authority_key);
    let leaf = rcgen::CertificateParams::new(vec!["www.example.com".to_owned()]).unwrap();
    let leaf = leaf.signed_by(&key, &issuer).unwrap().pem().replace("\r\n", "\n");
    let above = above.self_signed(&authority_key).unwrap().pem().replace("\r\n", "\n");
    let (full, key) = (home.file("fullchain.pem", format!("{leaf}{above}")), home.file("key.pem", key.serialize_pem()));
    home.run(&["secret", "create", "imported-cert", "www", "--certificate", &full, "--private-key", &key]).done();
    assert_eq!(home.run(&["secret", "get", "www"]).done().text(), leaf);
    assert_eq!(home.run(&["secret", "get", "www", "--field", "intermediate"]).done().text(), above);
}

/// A password with a line break in it, or a NUL, is hardly one: it was taken in silence.
#[test]
fn a_password_takes_one_line() {
    let home = Home::new();
    for text in ["pass\nword", "password\n\n", "pass\0word", "password\r"] {
        let file = home.file("password", text);
        let create = ["secret", "create", "username-password", "db", "--username", "billing", "--from-file", &file];
        home.run(&create).failed(2, &["takes one line"]);
    }
    let file = home.file("password", "password\r\n");
    home.run(&["secret", "create", "username-password", "db", "--username", "billing", "--from-file", &file]).done();
    assert_eq!(home.run(&["secret", "get", "db"]).done().text(), "password");
}
