//! The constraints of an authority's certificate and of those above it, as openssl and other clients read them.

use std::sync::Arc;

use super::leaf::PrivateCertIssuer;
use super::openssl::{Desk, part, template, trial};
use crate::issuer::issuer::Issuer;

const P256: &[&str] = &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"];

impl Desk {
    /// Makes an authority below a root, each with extensions of its own, and returns an issuer with both certificates.
    fn below(&self, root: &[&str], own: &str) -> PrivateCertIssuer {
        self.authority("root", P256, "/CN=Root", root);
        assert!(self.done(&[&["genpkey", "-out", "below.key"], P256].concat()));
        self.said(&["req", "-new", "-key", "below.key", "-subj", "/CN=Below", "-out", "below.csr"]);
        let usage =
            "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n";
        self.write("ext", &format!("{usage}{own}"));
        let signed = ["x509", "-req", "-in", "below.csr", "-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial"];
        self.said(&[&signed[..], &["-days", "50", "-extfile", "ext", "-out", "below.pem"]].concat());
        let chain = format!("{}{}", self.read("below.pem"), self.read("root.pem"));
        let register = self.said(&["rand", "-hex", "8"]);
        let authority = self.open(&chain, &self.read("below.key"), register.trim()).unwrap();
        PrivateCertIssuer::new(Arc::new(authority), template())
    }

    /// Requests a certificate, and stores it in `leaf.pem`.
    fn asked(&self, issuer: &PrivateCertIssuer, parameters: &str) -> Result<(), String> {
        let trial = trial(parameters);
        let made = issuer.create(&trial.order(1), None).map_err(|error| error.to_string())?;
        self.write("leaf.pem", &part(&made, "certificate"));
        Ok(())
    }
}

/// OpenSSL accepts such a certificate; other clients refuse it, because it is valid for an excluded name.
#[test]
fn a_wildcard_over_an_excluded_name_is_refused() {
    let Some(desk) = Desk::new() else { return };
    let constraints = "nameConstraints=critical,permitted;DNS:internal.example,permitted;DNS:.other.example,\
                       excluded;DNS:bad.internal.example,excluded;DNS:.deep.er.internal.example";
    desk.authority("own", P256, "/CN=Own", &["-addext", constraints]);
    let authority = desk.open(&desk.read("own.pem"), &desk.read("own.key"), "register").unwrap();
    let issuer = PrivateCertIssuer::new(Arc::new(authority), template());
    for (name, is_taken) in [
        ("*.internal.example", false),
        ("*.er.internal.example", false),
        ("*.bad.internal.example", false),
        ("*.a.internal.example", true),
        ("*.xbad.internal.example", true),
        ("*.other.example", true),
    ] {
        let asked = desk.asked(&issuer, &format!(r#"{{"dns_names":["{name}"]}}"#));
        assert_eq!(asked.is_ok(), is_taken, "{name}: {asked:?}");
        let told = asked.err().unwrap_or_default();
        assert!(is_taken || told.contains(name) && told.contains("constrains names"), "{told}");
        assert!(desk.done(&[&["genpkey", "-out", "own.key"], P256].concat()));
        let alternative = format!("subjectAltName=DNS:{name}");
        let request = desk.said(&["req", "-new", "-key", "own.key", "-subj", "/O=Shop", "-addext", &alternative]);
        let asked = desk.asked(&issuer, &serde_json::json!({ "csr": request }).to_string());
        assert_eq!(asked.is_ok(), is_taken, "{name}, by a request: {asked:?}");
    }
}

/// They were once signed and activated, and every client refused them.
#[test]
fn names_are_held_to_what_each_certificate_of_the_chain_constrains() {
    let Some(desk) = Desk::new() else { return };
    let root = "nameConstraints=critical,permitted;DNS:internal.example,excluded;IP:10.2.0.0/255.255.0.0";
    let issuer = desk.below(&["-addext", root], "nameConstraints=critical,excluded;DNS:bad.internal.example\n");
    for (parameters, is_taken) in [
        (r#"{"dns_names":["a.internal.example"]}"#, true),
        (r#"{"dns_names":["a.other.example"]}"#, false),
        (r#"{"dns_names":["a.bad.internal.example"]}"#, false),
        (r#"{"ip_addresses":["10.1.2.3"]}"#, true),
        (r#"{"ip_addresses":["10.2.2.3"]}"#, false),
    ] {
        match desk.asked(&issuer, parameters) {
            Ok(()) => {
                let verify = ["verify", "-CAfile", "root.pem", "-untrusted", "below.pem", "leaf.pem"];
                assert!(is_taken && desk.done(&verify), "{parameters}");
            }
            Err(told) => assert!(!is_taken && told.contains("constrains names"), "{parameters}: {told}"),
        }
    }
}

/// Each leaf once said that it is for clients too, and no server accepted it from one.
#[test]
fn a_leaf_is_for_no_use_that_its_authorities_leave_out() {
    let Some(desk) = Desk::new() else { return };
    let used = |root: &[&str], own: &str| {
        let issuer = desk.below(root, own);
        desk.asked(&issuer, r#"{"dns_names":["a.internal.example"]}"#)?;
        Ok::<_, String>(desk.said(&["x509", "-in", "leaf.pem", "-noout", "-ext", "extendedKeyUsage"]))
    };
    let (server, client) = ("TLS Web Server Authentication", "TLS Web Client Authentication");
    for (root, own, uses) in [
        (&[][..], "", [true, true]),
        (&[], "extendedKeyUsage=serverAuth\n", [true, false]),
        (&["-addext", "extendedKeyUsage=clientAuth,codeSigning"], "", [false, true]),
        (
            &["-addext", "extendedKeyUsage=clientAuth,serverAuth"],
            "extendedKeyUsage=anyExtendedKeyUsage\n",
            [true, true],
        ),
    ] {
        let shown = used(root, own).unwrap();
        assert_eq!([shown.contains(server), shown.contains(client)], uses, "{root:?} {own}: {shown}");
    }
    let told = used(&["-addext", "extendedKeyUsage=clientAuth"], "extendedKeyUsage=serverAuth\n").unwrap_err();
    assert!(told.contains("neither servers nor clients"), "{told}");
    for unread in ["nameConstraints=critical,DER:04:00", "extendedKeyUsage=DER:04:00"] {
        desk.authority("odd", P256, "/CN=Odd", &["-addext", unread]);
        let told = desk.open(&desk.read("odd.pem"), &desk.read("odd.key"), "odd").unwrap_err().to_string();
        assert!(told.contains("cannot be read"), "{unread}: {told}");
    }
}
