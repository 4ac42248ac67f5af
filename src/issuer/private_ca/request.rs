//! Owns the certificate requests that consumers bring (PKCS #10, RFC 2986): their key and their names.
//!
//! The key of a request never gets into the store. Read next: [`super::leaf`].

use core::net::IpAddr;

use rcgen::{PublicKeyData, SignatureAlgorithm};
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::oid_registry::{
    OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_NIST_EC_P384, OID_PKCS1_RSAENCRYPTION, OID_SIG_ED25519,
};
use x509_parser::prelude::FromDer as _;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

use crate::issuer::pem;

/// A request whose signature proves that its consumer has the key.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) dns: Vec<String>,
    pub(super) addresses: Vec<String>,
    pub(super) key: RequestedKey,
}

/// The public key of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RequestedKey {
    bits: Vec<u8>,
    algorithm: &'static SignatureAlgorithm,
}

impl PublicKeyData for RequestedKey {
    fn der_bytes(&self) -> &[u8] {
        &self.bits
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.algorithm
    }
}

impl Request {
    /// Reads a request, and verifies that it was signed with its key.
    ///
    /// Its names are those of its subject alternative name, or the common name if there is none. It may not ask to be
    /// an authority, or for another use than as a server or a client. Its other fields on the subject and the use of
    /// its key are ignored: the template decides those.
    ///
    /// # Errors
    ///
    /// The rule that it breaks, phrased to follow "the request".
    pub(super) fn read(text: &str) -> Result<Self, &'static str> {
        const RULE: &str = "takes one PEM block CERTIFICATE REQUEST that can be read";
        let blocks = pem::blocks(text).map_err(|_| RULE)?;
        let [block] = blocks.as_slice() else { return Err(RULE) };
        if !matches!(block.label, "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST") {
            return Err(RULE);
        }
        let Ok(([], read)) = X509CertificationRequest::from_der(&block.der) else { return Err(RULE) };
        let key = RequestedKey::of(&read.certification_request_info.subject_pki)?;
        read.verify_signature().map_err(|_| "is not signed with its own key, or in a way that is not taken")?;
        let mut request = Self { dns: Vec::new(), addresses: Vec::new(), key };
        for extension in read.requested_extensions().into_iter().flatten() {
            request.take(extension)?;
        }
        if request.dns.is_empty() && request.addresses.is_empty() {
            let mut names = read.certification_request_info.subject.iter_common_name();
            let name = names.next().and_then(|name| name.as_str().ok()).ok_or("names nothing")?;
            request.dns.push(name.to_ascii_lowercase());
        }
        Ok(request)
    }

    fn take(&mut self, extension: &ParsedExtension<'_>) -> Result<(), &'static str> {
        match extension {
            ParsedExtension::SubjectAlternativeName(names) => {
                names.general_names.iter().try_for_each(|name| self.name(name))
            }
            ParsedExtension::BasicConstraints(constraints) if constraints.ca => Err("asks to be an authority"),
            ParsedExtension::KeyUsage(usage) if usage.key_cert_sign() || usage.crl_sign() => {
                Err("asks to be an authority")
            }
            ParsedExtension::ExtendedKeyUsage(usage)
                if usage.any
                    || usage.code_signing
                    || usage.email_protection
                    || usage.time_stamping
                    || usage.ocsp_signing
                    || !usage.other.is_empty() =>
            {
                Err("asks for another use than as a server or a client")
            }
            ParsedExtension::ParseError { .. } | ParsedExtension::Unparsed => {
                Err("has an extension that cannot be read")
            }
            _ => Ok(()),
        }
    }

    fn name(&mut self, name: &GeneralName<'_>) -> Result<(), &'static str> {
        match name {
            GeneralName::DNSName(name) => self.dns.push(name.to_ascii_lowercase()),
            GeneralName::IPAddress(bytes) => {
                let v4 = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
                let at = v4.or_else(|_| <[u8; 16]>::try_from(*bytes).map(IpAddr::from));
                self.addresses.push(at.map_err(|_| "has an IP address of another length")?.to_string());
            }
            _ => return Err("asks for a name that is no DNS name and no IP address"),
        }
        Ok(())
    }
}

impl RequestedKey {
    fn of(key: &SubjectPublicKeyInfo<'_>) -> Result<Self, &'static str> {
        const RULE: &str = "has a key that is none of ECDSA on P-256 or P-384, RSA of 2,048 to 4,096 bits, and Ed25519";
        let oid = &key.algorithm.algorithm;
        let algorithm = if *oid == OID_KEY_TYPE_EC_PUBLIC_KEY {
            let curve = key.algorithm.parameters.as_ref().and_then(|curve| curve.as_oid().ok()).ok_or(RULE)?;
            let p256 = (curve == OID_EC_P256).then_some(&rcgen::PKCS_ECDSA_P256_SHA256);
            p256.or((curve == OID_NIST_EC_P384).then_some(&rcgen::PKCS_ECDSA_P384_SHA384))
        } else if *oid == OID_PKCS1_RSAENCRYPTION {
            let Ok(PublicKey::RSA(rsa)) = key.parsed() else { return Err(RULE) };
            (2_048..=4_096).contains(&rsa.key_size()).then_some(&rcgen::PKCS_RSA_SHA256)
        } else {
            (*oid == OID_SIG_ED25519).then_some(&rcgen::PKCS_ED25519)
        };
        let bits = key.subject_public_key.data.to_vec();
        Ok(Self { bits, algorithm: algorithm.ok_or(RULE)? })
    }
}
