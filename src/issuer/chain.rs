//! Owns which certificates may come with a certificate, and in which order: each is above an earlier one.
//!
//! Only names are compared; no signature is verified. Read next: [`super::certificate`].

use x509_parser::certificate::X509Certificate;
use x509_parser::x509::X509Name;

use super::certificate::{parse, text};
use super::pem;
use crate::domain::invalid::Invalid;
use crate::seal::secret_bytes::SecretBytes;

const FIELD: &str = "intermediate";

/// Checks that a chain has the order that clients accept: the first is that of the issuer, and each other is above an
/// earlier one.
pub(super) fn check_chain(chain: &SecretBytes, certificate: &X509Certificate<'_>) -> Result<(), Invalid> {
    let refuse = |rule: &'static str| Err(Invalid::new(FIELD, rule));
    let blocks = pem::blocks(text(FIELD, chain)?).map_err(|rule| Invalid::new(FIELD, rule))?;
    let chain = blocks.iter().map(|block| parse(FIELD, block)).collect::<Result<Vec<_>, _>>()?;
    let mut wanted = vec![Name::of(certificate.issuer())];
    let subjects: Vec<_> = chain.iter().map(|above| Name::of(above.subject())).collect();
    if !subjects.iter().any(|subject| wanted.contains(subject)) {
        return refuse("does not hold the issuer of the certificate");
    }
    for (at, (above, subject)) in chain.iter().zip(&subjects).enumerate() {
        if chain.iter().take(at).any(|before| before == above) {
            return refuse("holds a certificate twice");
        }
        if !wanted.contains(subject) {
            let mut others = chain.iter().filter(|other| *other != above);
            let is_above = others.any(|other| Name::of(other.issuer()) == *subject);
            return refuse(if is_above {
                "is not in order: the issuer of the certificate comes first, then the issuer of that, and so on"
            } else {
                "holds a certificate that stands above none of the others"
            });
        }
        wanted.push(Name::of(above.issuer()));
    }
    Ok(())
}

/// A name for comparison: RFC 5280, 7.1, as far as common tools implement it. Strings of different types are equal if
/// their text is, whatever the case of ASCII letters and the number of blanks.
#[derive(Debug, PartialEq, Eq)]
struct Name(Vec<Vec<(String, Value)>>);

#[derive(Debug, PartialEq, Eq)]
enum Value {
    Text(String),
    Raw(Vec<u8>),
}

impl Name {
    fn of(name: &X509Name<'_>) -> Self {
        let parts = name.iter_rdn().map(|set| {
            let one = |attribute: &x509_parser::x509::AttributeTypeAndValue<'_>| {
                let value = match attribute.as_str() {
                    Ok(text) => Value::Text(folded(text)),
                    Err(_) => Value::Raw(attribute.as_slice().to_vec()),
                };
                (attribute.attr_type().to_id_string(), value)
            };
            set.iter().map(one).collect()
        });
        Self(parts.collect())
    }
}

fn folded(text: &str) -> String {
    let words: Vec<_> = text.split_ascii_whitespace().map(str::to_ascii_lowercase).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use rcgen::string::PrintableString;
    use rcgen::{BasicConstraints, CertificateParams, DnType, DnValue, IsCa, Issuer, KeyPair};

    use super::super::certificate::read;
    use super::*;
    use crate::seal::data::SecretData;

    fn params(name: impl Into<DnValue>) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
    }

    /// Returns certificates as PEM, the first self-signed, each below the one before.
    fn line(names: &[&str]) -> Vec<String> {
        let (mut made, mut above): (Vec<String>, Option<(CertificateParams, KeyPair)>) = (Vec::new(), None);
        for name in names {
            let (params, key) = (params(*name), KeyPair::generate().unwrap());
            made.push(match &above {
                None => params.self_signed(&key).unwrap().pem(),
                Some((above, above_key)) => {
                    params.signed_by(&key, &Issuer::from_params(above, above_key)).unwrap().pem()
                }
            });
            above = Some((params, key));
        }
        made
    }

    fn take(leaf: &str, chain: &[&String]) -> Result<(), Invalid> {
        let chain: String = chain.iter().map(|pem| pem.as_str()).collect();
        let data = SecretData::imported_cert(leaf.to_owned().into(), Some(chain.into()), None)?;
        let SecretData::ImportedCert(parts) = data else { unreachable!("it was made as one") };
        read(&parts).map(drop)
    }

    #[test]
    fn a_chain_holds_each_certificate_above_once_and_in_order() {
        let made = line(&["root", "middle", "below", "leaf"]);
        let other = line(&["other root", "other"]);
        let [root, middle, below, leaf] = [0, 1, 2, 3].map(|at| &made[at]);
        for chain in [&[below][..], &[below, middle], &[below, middle, root]] {
            take(leaf, chain).unwrap();
        }
        let order = "is not in order";
        for (chain, rule) in [
            (&[middle][..], "does not hold the issuer"),
            (&[leaf], "does not hold the issuer"),
            (&[middle, below], order),
            (&[root, middle, below], order),
            (&[below, root, middle], order),
            (&[below, below], "twice"),
            (&[below, middle, below], "twice"),
            (&[below, leaf], "above none of the others"),
            (&[below, &other[1]], "above none of the others"),
            (&[below, &other[0]], "above none of the others"),
        ] {
            let refused = take(leaf, chain).unwrap_err();
            assert!(refused.rule().contains(rule), "{refused}, and it should be: {rule}");
        }
    }

    /// OpenSSL builds a chain of these; so do browsers.
    #[test]
    fn names_in_other_types_of_string_and_other_case_are_the_same() {
        let (key, below) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let leaf = params("leaf").signed_by(&below, &Issuer::from_params(&params("Test  Authority"), &key)).unwrap();
        let printable = DnValue::PrintableString(PrintableString::try_from("test authority").unwrap());
        take(&leaf.pem(), &[&params(printable).self_signed(&key).unwrap().pem()]).unwrap();
        let other = params("test authorities").self_signed(&key).unwrap().pem();
        assert!(take(&leaf.pem(), &[&other]).is_err());
    }
}
