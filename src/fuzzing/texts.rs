//! Owns the targets on what people and programs write: JSON, names, times, `.env` files, key files, PEM, answers of issuers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::audit::unique;
use crate::domain::id::{LogId, SecretId};
use crate::domain::json::JsonObject;
use crate::domain::limits::{JSON_DEPTH_MAX, KV_BYTES_MAX};
use crate::domain::name::{Actor, CorrelationId, Description, GroupName, IssuerName, LockName, OutsideId, SecretName};
use crate::domain::time::Timestamp;
use crate::dotenv;
use crate::issuer::certificate::CertificateSummary;
use crate::issuer::{certificate, pem};
use crate::seal::data::{ImportedCert, SecretData};
use crate::seal::key_file;
use crate::seal::kv_text::compact;
use crate::seal::secret_bytes::SecretBytes;

/// How deep a value nests, counted on the tree that another reader made.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(values) => 1 + values.iter().map(depth).max().unwrap_or(0),
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// What another reader finds in a text: an object within the bounds, none of whose objects has a field twice.
fn object_in(bytes: &[u8]) -> Option<Value> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = unique(&mut reader).ok().filter(|_| reader.end().is_ok())?;
    (value.is_object() && depth(&value) <= JSON_DEPTH_MAX).then_some(value)
}

/// A JSON object is taken when another reader takes it within the bounds, but for numbers with too many digits; it means the
/// same, and is read back from the text that it is kept as.
pub fn json_object(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let value = object_in(bytes).filter(|_| text.len() <= KV_BYTES_MAX);
    let Ok(object) = JsonObject::parse(text) else {
        assert!(value.is_none() || text.contains(|char: char| char.is_ascii_digit()));
        return;
    };
    assert_eq!(object_in(object.as_str().as_bytes()), value);
    assert!(value.is_some());
    assert_eq!(JsonObject::parse(object.as_str()).as_ref(), Ok(&object));
    assert_eq!(object.is_empty(), value == Some(serde_json::json!({})));
    has_no_gap(object.as_str().as_bytes());
}

/// `kv` data is taken exactly when another reader takes it within the bounds, means the same, and has no white space left.
pub fn kv_text(bytes: &[u8]) {
    let value = object_in(bytes).filter(|value| *value != serde_json::json!({}));
    let Ok(compacted) = compact(&SecretBytes::copy_from(bytes)) else {
        assert!(value.is_none() || bytes.len() > KV_BYTES_MAX);
        return;
    };
    assert!(value.is_some() && object_in(compacted.expose()) == value);
    assert_eq!(compact(&compacted).unwrap().expose(), compacted.expose());
    has_no_gap(compacted.expose());
}

/// Holds JSON to white space inside texts alone.
fn has_no_gap(json: &[u8]) {
    let mut in_string = false;
    let mut bytes = json.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => in_string = !in_string,
            b'\\' if in_string => _ = bytes.next(),
            _ => assert!(in_string || !byte.is_ascii_whitespace()),
        }
    }
}

/// Names, ids and times that are taken are shown as the text they were read from, or as one that is read as the same.
pub fn names_and_times(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    macro_rules! same {
        ($($name:ident),+) => {
            $( if let Ok(read) = $name::parse(text) {
                assert_eq!((read.as_str(), read.to_string().as_str()), (text, text), stringify!($name));
                // A description alone may be empty.
                let least = usize::from(stringify!($name) != "Description");
                assert!((least..=4_096).contains(&text.len()), "{} of {} bytes", stringify!($name), text.len());
                let is_plain = !text.contains(|char: char| char.is_control() && !matches!(char, '\n' | '\r' | '\t'));
                assert!(is_plain, "{} with a control character", stringify!($name));
            } )+
        };
    }
    same!(SecretName, GroupName, LockName, Actor, CorrelationId, Description, OutsideId, IssuerName);
    if let Ok(name) = LockName::parse(text) {
        assert!((2..=64).contains(&text.len()) && name.as_str().starts_with(|char: char| char.is_ascii_alphabetic()));
    }
    if let Ok(id) = SecretId::parse(text) {
        assert_eq!(SecretId::parse(&id.to_string()), Ok(id));
        assert!(text.replace('-', "").eq_ignore_ascii_case(&id.to_string().replace('-', "")));
    }
    if let Ok(id) = LogId::parse(text) {
        assert_eq!(LogId::parse(&id.to_hex()), Ok(id));
    }
    let independent = text.parse::<jiff::Timestamp>().ok();
    if let Ok(time) = Timestamp::parse(text) {
        assert_eq!(Timestamp::parse(&time.to_string()), Ok(time));
        assert_eq!(independent.map(|time| time.as_nanosecond()), Some(i128::from(time.as_nanos())), "{text}");
    }
}

/// A `.env` file that is read is written as one that reads the same.
pub fn dotenv(bytes: &[u8]) {
    let Ok(json) = dotenv::to_json(&SecretBytes::copy_from(bytes)) else { return };
    let fields: serde_json::Map<String, Value> = serde_json::from_slice(json.expose()).unwrap();
    assert!(!fields.is_empty() && fields.values().all(Value::is_string));
    assert!(fields.keys().all(|name| name.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric())));
    // Readers of such files differ on some texts: those are not written.
    let Ok(file) = dotenv::from_json(&json) else { return };
    assert_eq!(dotenv::to_json(&file).unwrap().expose(), json.expose());
    // Whoever reads it line by line finds each name at the beginning of one.
    let text = file.expose_text().unwrap();
    assert!(fields.keys().all(|name| text.lines().any(|line| line.starts_with(&format!("{name}=")))));
}

/// A key file that is read is the one file of its key, but for carriage returns and empty lines at its end.
pub fn key_file(bytes: &[u8]) {
    let whole = |text: &[u8]| {
        let Ok(key) = key_file::parse(text) else { return false };
        let lines = |text: &[u8]| {
            let text = String::from_utf8(text.to_vec()).unwrap();
            let lines = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line).to_owned());
            lines.filter(|line| !line.is_empty()).collect::<Vec<_>>()
        };
        assert_eq!(lines(&key_file::render(&key)), lines(text));
        true
    };
    whole(bytes);
    if let Some((key, script)) = bytes.split_first_chunk::<32>() {
        let key = crate::seal::sealing_key::KeyBytes::copy_from(key).unwrap();
        let file = key_file::render(&key);
        assert!(whole(&file));
        let changed = super::mutate(&file, script);
        assert!(!whole(&changed) || changed.iter().ne(file.iter()) || changed == **file);
    }
}

/// Blocks of PEM are written as text that reads as the same blocks; of a certificate that is taken, key and times fit.
pub fn certificate(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    if let Ok(blocks) = pem::blocks(text) {
        assert!((1..=pem::BLOCKS_MAX).contains(&blocks.len()));
        let written: String = blocks.iter().map(|block| block_text(block.label, &block.der)).collect();
        let again = pem::blocks(&written).unwrap();
        let parts = |blocks: &[pem::Block<'_>]| -> Vec<(String, Vec<u8>)> {
            blocks.iter().map(|block| (block.label.to_owned(), block.der.to_vec())).collect()
        };
        assert_eq!(parts(&again), parts(&blocks));
    }
    // The certificate and its key, parted by NUL.
    let (certificate, private_key) = text.split_once('\0').map_or((text, None), |(one, two)| (one, Some(two)));
    let Some(imported) = imported(certificate, private_key) else { return };
    let Ok(facts) = certificate::read(&imported) else { return };
    let serial = facts.serial.strip_prefix('-').unwrap_or(&facts.serial);
    assert!(!serial.is_empty() && serial.bytes().all(|byte| byte == b':' || byte.is_ascii_hexdigit()));
    assert!(facts.dns_names.len() <= facts.dns_names_total);
    // A key belongs to one public key alone.
    for fixture in [include_str!("../issuer/fixtures/ec-cert.pem"), include_str!("../issuer/fixtures/rsa-cert.pem")] {
        let both = belongs(private_key, certificate) && belongs(private_key, fixture);
        assert!(!both || public_key(fixture) == public_key(certificate), "one key for two certificates");
    }
}

/// Tells whether a private key was checked, and belongs to the certificate.
fn belongs(private_key: Option<&str>, certificate: &str) -> bool {
    let part = |text: &str| SecretBytes::copy_from(text.as_bytes());
    let summary = CertificateSummary::of(&part(certificate), private_key.map(part).as_ref());
    summary.is_ok_and(|summary| summary.key_belongs == Some(true))
}

fn imported(certificate: &str, private_key: Option<&str>) -> Option<ImportedCert> {
    let part = |text: &str| SecretBytes::copy_from(text.as_bytes());
    match SecretData::imported_cert(part(certificate), None, private_key.map(part)) {
        Ok(SecretData::ImportedCert(imported)) => Some(imported),
        _ => None,
    }
}

/// Algorithm and key of a certificate. Parameters of RSA are no part of a key: readers pass over them (RFC 3279, 2.3.1). Of a
/// point it is X and the parity of Y, which is what a compressed one tells: whether a point lies on its curve is not checked.
fn public_key(certificate: &str) -> Option<(String, Vec<u8>)> {
    let der = pem::blocks(certificate).ok()?.into_iter().next()?.der.to_vec();
    let (_, certificate) = x509_parser::parse_x509_certificate(&der).ok()?;
    let key = certificate.public_key();
    let bits = key.subject_public_key.data.to_vec();
    let bits = match bits.as_slice() {
        [0x04 | 0x06 | 0x07, point @ ..] if point.len() % 2 == 0 => {
            [&point[..point.len() / 2], &[point.last()? & 1]].concat()
        }
        [form @ (0x02 | 0x03), x @ ..] => [x, &[form & 1]].concat(),
        _ => bits,
    };
    Some((key.algorithm.algorithm.to_id_string(), bits))
}

fn block_text(label: &str, der: &[u8]) -> String {
    let digits = STANDARD.encode(der);
    let lines: Vec<&str> = digits.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}
