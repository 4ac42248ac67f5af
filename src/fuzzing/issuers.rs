//! Owns the target on files of issuers.

use serde_json::{Map, Value, json};

use crate::issuers_file::{
    DescribedIssuer, ISSUERS_MAX, IssuerDescription, IssuersFile, IssuersFileError, LIST_MAX, TEXT_BYTES_MAX,
};

/// Values of at least so many bytes are looked for in what an error says: longer ones than any name of a field that the program
/// knows, which it may name where the text has none.
const VALUE_BYTES_MIN: usize = 24;

/// Characters that an error may take: a line, a rule, and names of which each is cut.
const ERROR_CHARS_MAX: usize = 1_024;

/// What a field means that a file leaves out, here and nowhere else.
const DEFAULTS: [(&str, &[&str]); 13] = [
    ("args", &["[]"]),
    ("env", &["{}"]),
    ("class", &["\"opaque\""]),
    ("limit_secs", &["30", "10"]),
    ("port", &["5432"]),
    ("tls", &["\"off\""]),
    ("plain_passwords", &["false"]),
    ("member_of", &["[]"]),
    ("grants", &["[]"]),
    ("names", &["[]"]),
    ("below", &["[]"]),
    ("addresses", &["[]"]),
    ("wildcards", &["false"]),
];

/// What is read of a file is what another reader of JSON finds in it, and is written as a file that reads the same. What is
/// refused is refused with a line and a rule, and without a value.
pub fn issuers_file(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let other = serde_json::from_str::<Value>(text.strip_prefix('\u{feff}').unwrap_or(text));
    let file = match IssuersFile::parse(text) {
        Ok(file) => file,
        Err(error) => return clear(&error, text, other.as_ref().ok()),
    };
    // Values that another reader cannot take, and nests that are too deep for it, are in no description that is read.
    let Ok(Value::Object(other)) = other else {
        return assert!(file.issuers().iter().any(|issuer| issuer.description.is_err()));
    };
    assert!(file.issuers().len() == other.len() && other.len() <= ISSUERS_MAX);
    for (issuer, (name, value)) in file.issuers().iter().zip(&other) {
        check_issuer(issuer, text, name, value);
    }
    let is_right = |issuer: &&DescribedIssuer| issuer.description.is_ok();
    if file.issuers().iter().all(|issuer| is_right(&issuer)) {
        let mut reader = serde_json::Deserializer::from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
        crate::audit::unique(&mut reader).expect("a field that is given twice is refused");
    }
    let again = IssuersFile::parse(&file.to_json()).unwrap();
    let parts = |issuer: &DescribedIssuer| (issuer.name.clone(), issuer.description.clone().unwrap());
    let expected: Vec<_> = file.issuers().iter().filter(is_right).map(parts).collect();
    assert_eq!(again.issuers().iter().map(parts).collect::<Vec<_>>(), expected);
}

/// Holds what is read of one issuer to what another reader finds.
fn check_issuer(issuer: &DescribedIssuer, text: &str, name: &str, value: &Value) {
    match &issuer.description {
        Ok(description) => {
            assert_eq!(issuer.name.as_ref().unwrap().as_str(), name);
            assert_eq!(value["kind"], kind(description));
            assert!(kind(description) == "exec" || !names_a_password(value));
            let written = IssuersFile::parse(&json!({ name: value }).to_string()).unwrap().to_json();
            let written: Value = serde_json::from_str(&written).unwrap();
            says_the_same(&written[name], value);
        }
        Err(error) => {
            assert!(error.line() >= issuer.line);
            clear(error, text, Some(value));
        }
    }
}

fn kind(description: &IssuerDescription) -> &'static str {
    match description {
        IssuerDescription::Exec(_) => "exec",
        IssuerDescription::PostgresPassword(_) => "postgres_password",
        IssuerDescription::PostgresRole(_) => "postgres_role",
        IssuerDescription::PrivateCa(_) => "private_ca",
    }
}

/// Holds what is written of a value to the value: all that was given is there, and all else is a default.
fn says_the_same(written: &Value, given: &Value) {
    let (Value::Object(written), Value::Object(given)) = (written, given) else {
        if let (Value::Array(written), Value::Array(given)) = (written, given) {
            assert!(given.len() <= LIST_MAX && written.len() == given.len());
            return written.iter().zip(given).for_each(|(written, given)| says_the_same(written, given));
        }
        assert!(given.as_str().is_none_or(|text| text.len() <= TEXT_BYTES_MAX));
        return assert_eq!(written, given);
    };
    for (name, value) in given.iter().filter(|(_, value)| !value.is_null()) {
        says_the_same(&written[name], value);
    }
    for (name, value) in written.iter().filter(|(name, _)| given.get(*name).is_none_or(Value::is_null)) {
        let is_default = |(field, values): &(&str, &[&str])| field == name && values.contains(&&*value.to_string());
        assert!(name == "leaf_key" && value == "ecdsa_p256" || DEFAULTS.iter().any(is_default), "{name}: {value}");
    }
}

/// Tells whether a field is there, at any depth, that can only hold a password.
fn names_a_password(value: &Value) -> bool {
    match value {
        Value::Object(fields) => {
            let is_password = |name: &String| ["password", "passwd", "secret"].contains(&&*name.to_lowercase());
            fields.keys().any(is_password) || fields.values().any(names_a_password)
        }
        Value::Array(values) => values.iter().any(names_a_password),
        _ => false,
    }
}

/// Holds an error to a line of the text and a rule, and to no value that is in it. Names may be shown; a rule is a part of the
/// program.
fn clear(error: &IssuersFileError, text: &str, value: Option<&Value>) {
    let lines = text.matches('\n').count() + 1;
    let shown = error.to_string();
    assert!((1..=lines).contains(&error.line()) && !error.rule().is_empty(), "{shown}");
    assert!(shown.chars().count() <= ERROR_CHARS_MAX && !shown.contains(char::is_control), "{shown}");
    let (mut names, mut values) = (Vec::new(), Vec::new());
    value.iter().for_each(|value| texts(value, &mut names, &mut values));
    // A path joins names by dots, and may so be the same as a value with a dot.
    let can_be_told = |value: &&str| value.len() >= VALUE_BYTES_MIN && !value.contains(['.', '[']);
    for value in values.into_iter().filter(can_be_told) {
        // The other reader keeps the last of two fields alone, and so may miss a name.
        let is_name = names.iter().any(|name| name.contains(value)) || text.contains(&format!("{value}\":"));
        assert!(is_name || !error.field().contains(value), "a value is shown");
    }
}

/// Collects names of fields, and texts that are values.
fn texts<'a>(value: &'a Value, names: &mut Vec<&'a str>, values: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => values.push(text),
        Value::Array(elements) => elements.iter().for_each(|element| texts(element, names, values)),
        Value::Object(fields) => object(fields, names, values),
        _ => {}
    }
}

fn object<'a>(fields: &'a Map<String, Value>, names: &mut Vec<&'a str>, values: &mut Vec<&'a str>) {
    for (name, value) in fields {
        names.push(name);
        texts(value, names, values);
    }
}
