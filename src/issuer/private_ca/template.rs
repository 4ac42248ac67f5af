//! Owns the template of leaf certificates: for which names, how long, with which key.
//!
//! Read next: [`super::leaf`].

use core::net::IpAddr;
use std::collections::BTreeSet;
use std::time::Duration;

use crate::domain::invalid::Invalid;
use crate::issuer::outcome::IssuerError;

use super::request::{Request, RequestedKey};

/// Names in one certificate, at most.
const NAMES_MAX: usize = 100;
/// Characters of a DNS name, and of one label of it (RFC 1035), at most.
const NAME_CHARS_MAX: usize = 253;
const LABEL_CHARS_MAX: usize = 63;
/// Shortest and longest life of a certificate: a minute, and the longest that browsers accept.
const TTL_MIN: Duration = Duration::from_secs(60);
const TTL_MAX: Duration = Duration::from_secs(398 * 24 * 3_600);

/// The key of a certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum CertificateKey {
    /// ECDSA on P-256: accepted everywhere.
    #[default]
    EcdsaP256,
    /// ECDSA on P-384.
    EcdsaP384,
    /// Ed25519: not accepted by browsers.
    Ed25519,
}

impl CertificateKey {
    pub(super) fn algorithm(self) -> &'static rcgen::SignatureAlgorithm {
        match self {
            Self::EcdsaP256 => &rcgen::PKCS_ECDSA_P256_SHA256,
            Self::EcdsaP384 => &rcgen::PKCS_ECDSA_P384_SHA384,
            Self::Ed25519 => &rcgen::PKCS_ED25519,
        }
    }
}

/// The template of leaf certificates. The parameters of a secret choose its names: `{"dns_names": ["a.example"]}`, and
/// if the template allows some, `"ip_addresses": ["10.0.0.1"]`. Or they contain a request, `"csr": "-----BEGIN
/// CERTIFICATE REQUEST ..."`, whose names are checked against the template.
///
/// ```
/// use std::time::Duration;
///
/// use latchkeep::LeafTemplate;
///
/// let template = LeafTemplate::new(Duration::from_secs(30 * 24 * 3_600))?
///     .allowing("shop.example")?
///     .allowing_below("internal.example")?;
/// # let _ = template;
/// # Ok::<(), latchkeep::Invalid>(())
/// ```
#[derive(Clone, Debug)]
pub struct LeafTemplate {
    pub(super) ttl: Duration,
    pub(super) key: CertificateKey,
    pub(super) revocation_url: Option<String>,
    names: BTreeSet<String>,
    below: BTreeSet<String>,
    wildcards: bool,
    networks: Vec<(IpAddr, u8)>,
}

/// The names of a certificate.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Names {
    pub(super) dns: Vec<String>,
    pub(super) addresses: Vec<IpAddr>,
}

impl LeafTemplate {
    /// Makes a template for certificates with this lifetime, and without names yet.
    ///
    /// # Errors
    ///
    /// [`Invalid`] unless the lifetime is a minute to 398 days.
    pub fn new(ttl: Duration) -> Result<Self, Invalid> {
        if !(TTL_MIN..=TTL_MAX).contains(&ttl) {
            return Err(Invalid::new("certificate life", "takes a minute to 398 days"));
        }
        let (names, below) = (BTreeSet::new(), BTreeSet::new());
        let (wildcards, networks) = (false, Vec::new());
        Ok(Self { ttl, key: CertificateKey::default(), revocation_url: None, names, below, wildcards, networks })
    }

    /// Allows one name.
    ///
    /// # Errors
    ///
    /// [`Invalid`] unless it is a DNS name in lower case, without a final dot or a wildcard.
    pub fn allowing(mut self, name: &str) -> Result<Self, Invalid> {
        check_name(name)?;
        self.names.insert(name.to_owned());
        Ok(self)
    }

    /// Allows every name below a domain, but not the domain itself.
    ///
    /// # Errors
    ///
    /// As [`LeafTemplate::allowing`].
    pub fn allowing_below(mut self, domain: &str) -> Result<Self, Invalid> {
        check_name(domain)?;
        self.below.insert(domain.to_owned());
        Ok(self)
    }

    /// Allows wildcards, `*.` and a domain: of each domain whose names are all allowed, and of those below it.
    #[must_use]
    pub const fn allowing_wildcards(mut self) -> Self {
        self.wildcards = true;
        self
    }

    /// Allows the IP addresses of a network: an address, `/`, and how many bits of it count; without them, only that
    /// address.
    ///
    /// # Errors
    ///
    /// [`Invalid`] unless it is a network.
    pub fn allowing_addresses(mut self, network: &str) -> Result<Self, Invalid> {
        let read = || {
            let (at, bits) = network.split_once('/').map_or((network, None), |(at, bits)| (at, Some(bits)));
            let at: IpAddr = at.parse().ok()?;
            let most = if at.is_ipv4() { 32 } else { 128 };
            let bits = bits.map_or(Some(most), |bits| bits.parse().ok())?;
            (bits <= most).then_some((at, bits))
        };
        let read =
            read().ok_or_else(|| Invalid::new("IP addresses", "takes an address, or a network such as 10.0.0.0/8"))?;
        self.networks.push(read);
        Ok(self)
    }

    /// Sets the kind of key of each certificate; each gets a fresh one.
    #[must_use]
    pub const fn with_key(mut self, key: CertificateKey) -> Self {
        self.key = key;
        self
    }

    /// Sets the URL of the revocation list in each certificate, where the host publishes it.
    ///
    /// # Errors
    ///
    /// [`Invalid`] unless it is 8 to 2,048 visible ASCII characters that begin with `http://`.
    pub fn with_revocation_url(mut self, url: &str) -> Result<Self, Invalid> {
        let fits = url.starts_with("http://") && (8..=2_048).contains(&url.len());
        if !fits || !url.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Invalid::new(
                "revocation list URL",
                "takes 8 to 2,048 visible ASCII characters, http:// first",
            ));
        }
        self.revocation_url = Some(url.to_owned());
        Ok(self)
    }

    /// Reads what the parameters of a secret ask for: names, or a request that has them and a key of its own.
    pub(super) fn asked(&self, parameters: Option<&str>) -> Result<(Names, Option<RequestedKey>), IssuerError> {
        let mut wanted: Wanted =
            serde_json::from_str(parameters.unwrap_or("{}")).map_err(|_| IssuerError::refused(RULE))?;
        let Some(text) = wanted.csr.take() else { return Ok((self.names(wanted)?, None)) };
        if !wanted.dns_names.is_empty() || !wanted.ip_addresses.is_empty() {
            return Err(IssuerError::refused(
                "the names are those of the request: no dns_names or ip_addresses beside csr",
            ));
        }
        let request = Request::read(&text).map_err(|rule| IssuerError::refused(&format!("the request {rule}")))?;
        let wanted = Wanted { dns_names: request.dns, ip_addresses: request.addresses, csr: None };
        Ok((self.names(wanted)?, Some(request.key)))
    }

    /// Checks names against the template. Names are not secret, so errors repeat them.
    fn names(&self, wanted: Wanted) -> Result<Names, IssuerError> {
        if !(1..=NAMES_MAX).contains(&wanted.dns_names.len().saturating_add(wanted.ip_addresses.len())) {
            return Err(IssuerError::refused(RULE));
        }
        for name in &wanted.dns_names {
            self.check(name)?;
        }
        let address = |text: &String| {
            let at: IpAddr = text.parse().map_err(|_| IssuerError::refused(&format!("{text} is no IP address")))?;
            let is_allowed = self.networks.iter().any(|(network, bits)| is_within(at, *network, *bits));
            is_allowed.then_some(at).ok_or_else(|| {
                IssuerError::refused(&format!("{text} is an address that this issuer may not give a certificate for"))
            })
        };
        let addresses = wanted.ip_addresses.iter().map(address).collect::<Result<_, _>>()?;
        Ok(Names { dns: wanted.dns_names, addresses })
    }

    fn check(&self, name: &str) -> Result<(), IssuerError> {
        let refused = |rule: &str| Err(IssuerError::refused(&format!("the DNS name {name} {rule}")));
        let (is_wildcard, base) = name.strip_prefix("*.").map_or((false, name), |base| (true, base));
        if let Err(invalid) = check_name(base) {
            return refused(invalid.rule());
        }
        if is_wildcard && !self.wildcards {
            return refused("is a wildcard, and this issuer gives none");
        }
        let is_allowed = if is_wildcard {
            self.below.contains(base) || self.is_below(base)
        } else {
            self.names.contains(base) || self.is_below(base)
        };
        if is_allowed { Ok(()) } else { refused("is none that this issuer may give a certificate for") }
    }

    fn is_below(&self, name: &str) -> bool {
        self.below.iter().any(|domain| name.strip_suffix(domain.as_str()).is_some_and(|rest| rest.ends_with('.')))
    }
}

/// Returns whether an address belongs to a network, of which this many bits count.
fn is_within(at: IpAddr, network: IpAddr, bits: u8) -> bool {
    let (at, network, width) = match (at, network) {
        (IpAddr::V4(at), IpAddr::V4(network)) => (u128::from(at.to_bits()), u128::from(network.to_bits()), 32_u32),
        (IpAddr::V6(at), IpAddr::V6(network)) => (at.to_bits(), network.to_bits(), 128),
        _ => return false,
    };
    let differing = (at ^ network).checked_shr(width.saturating_sub(u32::from(bits))).unwrap_or(0);
    differing == 0
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    #[serde(default)]
    dns_names: Vec<String>,
    #[serde(default)]
    ip_addresses: Vec<String>,
    #[serde(default)]
    csr: Option<String>,
}

const RULE: &str = "the parameters take dns_names, ip_addresses, or both: lists of text, 1 to 100 of them together; or csr, a request as PEM";

fn check_name(name: &str) -> Result<(), Invalid> {
    let is_label = |label: &str| {
        (1..=LABEL_CHARS_MAX).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    // A name whose last label is a number would be read as an address.
    let last_is_number = name.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    if name.len() <= NAME_CHARS_MAX && name.split('.').all(is_label) && !last_is_number {
        Ok(())
    } else {
        Err(Invalid::new("DNS name", "takes letters in lower case, digits, dashes and dots, and no final dot"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_gets_names_that_the_host_allows_and_no_others() {
        let ttl = Duration::from_secs(3_600);
        let template = LeafTemplate::new(ttl).unwrap().allowing("shop.example").unwrap();
        let template = template.allowing_below("internal.example").unwrap();
        let long = format!("{}.internal.example", "a".repeat(64));
        for (name, is_allowed) in [
            ("shop.example", true),
            ("a.internal.example", true),
            ("b.a.internal.example", true),
            ("internal.example", false),
            ("a.shop.example", false),
            ("evilinternal.example", false),
            ("evil-internal.example", false),
            ("internal.example.evil", false),
            ("*.internal.example", false),
            ("A.internal.example", false),
            ("a.internal.example.", false),
            (".internal.example", false),
            ("-a.internal.example", false),
            ("a_b.internal.example", false),
            ("a b.internal.example", false),
            ("\u{e4}.internal.example", false),
            ("a\0.internal.example", false),
            ("10.0.0.1", false),
            (&long, false),
            ("", false),
        ] {
            let parameters = serde_json::json!({ "dns_names": [name] }).to_string();
            assert_eq!(template.asked(Some(&parameters)).is_ok(), is_allowed, "{name}");
        }
        for parameters in [None, Some(r#"{"dns_names":[]}"#), Some(r#"{"dns_names":["shop.example"],"ca":true}"#)] {
            assert!(template.asked(parameters).is_err());
        }
        let wide = template.clone().allowing_wildcards().allowing_addresses("10.1.0.0/16").unwrap();
        let wide = wide.allowing_addresses("fd00::7").unwrap();
        for (parameters, words) in [
            (r#"{"dns_names":["*.internal.example","*.a.internal.example"]}"#, ""),
            (r#"{"dns_names":["*.shop.example"]}"#, "*.shop.example is none that"),
            (r#"{"dns_names":["*.example"]}"#, "*.example is none that"),
            (r#"{"dns_names":["a.*.internal.example"]}"#, "a.*.internal.example takes letters"),
            (r#"{"dns_names":["A.internal.example"]}"#, "A.internal.example takes letters in lower case"),
            (r#"{"dns_names":["a.other.example"]}"#, "a.other.example is none that"),
            (r#"{"ip_addresses":["10.1.2.3","fd00::7"]}"#, ""),
            (r#"{"ip_addresses":["10.2.2.3"]}"#, "10.2.2.3 is an address that"),
            (r#"{"ip_addresses":["fd00::8"]}"#, "fd00::8 is an address that"),
            (r#"{"ip_addresses":["10.1.2"]}"#, "10.1.2 is no IP address"),
        ] {
            match wide.asked(Some(parameters)) {
                Ok(_) => assert_eq!(words, "", "{parameters}"),
                Err(error) => assert!(!words.is_empty() && error.to_string().contains(words), "{error}"),
            }
        }
        for network in ["10.0.0.0/33", "10.0.0", "", "10.0.0.0/", "fd00::/129", "10.0.0.0/-1"] {
            assert!(template.clone().allowing_addresses(network).is_err(), "{network}");
        }
        let many = serde_json::json!({ "dns_names": vec!["shop.example"; 101] }).to_string();
        assert!(template.asked(Some(&many)).is_err());
        assert!(LeafTemplate::new(Duration::from_secs(59)).is_err() && LeafTemplate::new(Duration::MAX).is_err());
        assert!(LeafTemplate::new(ttl).unwrap().with_revocation_url("ftp://x").is_err());
    }
}
