//! Owns `latchkeep secret get`: the one place where secret data leaves the program.
//!
//! Read next: [`super::super::out`], its door.

use latchkeep::{Reading, Secret, SecretBytes, SecretData, dotenv, view};
use zeroize::Zeroizing;

use crate::args::{DataFormat, Field, Get};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::fields::Fields;
use crate::scene::Scene;
use crate::{find, place, shown};

pub(crate) fn run(args: &Get, scene: &mut Scene) -> Result<Exit, Failure> {
    let secret = find::secret(scene.store(), &args.secret)?;
    check(args, &secret)?;
    args.out.as_deref().map_or(Ok(()), |path| place::check(path, args.force))?;
    let reading = scene.session.read(secret.id, args.version).map_err(Failure::about(&secret))?;
    if scene.out.is_json() {
        let text = to_json(scene, args, &reading)?;
        scene.out.value(&text)?;
        return Ok(Exit::Done);
    }
    let value = pick(args, &reading.data)?;
    if let Some(path) = &args.out {
        place::write(path, &value, args.force)?;
        scene.out.line(format!(
            "wrote version {} of {} to {}",
            reading.number,
            secret.metadata.name,
            path.display()
        ))?;
        return Ok(Exit::Done);
    }
    scene.out.value(&value)?;
    if scene.out.is_terminal() && !args.raw && !value.ends_with(b"\n") {
        scene.out.value(b"\n")?;
    }
    Ok(Exit::Done)
}

/// Refuses what the type cannot give before anything is read: a read leaves a trace, and may make a new credential.
fn check(args: &Get, secret: &Secret) -> Result<(), Failure> {
    use latchkeep::SecretType::{Arbitrary, IamCredentials, ImportedCert, Kv, UsernamePassword};
    let (secret_type, has_issuer) = (secret.secret_type(), secret.spec.issuance().is_some());
    if args.format == DataFormat::Env && secret_type != Kv {
        return Err(Failure::usage(format!("--format env is for kv secrets; this one is {secret_type}")));
    }
    if args.key.is_some() && secret_type != Kv && !has_issuer {
        let message = format!("--key is for kv secrets and credentials of issuers; this one is {secret_type}");
        return Err(Failure::usage(message));
    }
    if has_issuer && secret.versions.is_empty() {
        return Err(Failure::not_found(format!("{} has no credential yet", secret.metadata.name)).hint(
            "latchkeep rotation run --once has its issuer make one; latchkeep rotation show tells where that stands",
        ));
    }
    let known: &[Field] = match secret_type {
        Arbitrary => &[Field::Payload],
        Kv => &[Field::Data],
        UsernamePassword => &[Field::Username, Field::Password],
        IamCredentials => &[Field::ApiKey, Field::ApiKeyId],
        ImportedCert => &[Field::Certificate, Field::PrivateKey, Field::Intermediate],
        // Which fields a credential has is its issuer's choice.
        _ => return Ok(()),
    };
    match args.field {
        Some(field) if !known.contains(&field) => {
            let names: Vec<&str> = known.iter().map(|field| field_name(*field)).collect();
            let message = format!("a secret of type {secret_type} has no field {}", field_name(field));
            Err(Failure::usage(message).hint(format!("it has {}", names.join(", "))))
        }
        _ => Ok(()),
    }
}

const fn field_name(field: Field) -> &'static str {
    match field {
        Field::Payload => "payload",
        Field::Data => "data",
        Field::Username => "username",
        Field::Password => "password",
        Field::Certificate => "certificate",
        Field::PrivateKey => "private_key",
        Field::Intermediate => "intermediate",
        Field::ApiKey => "api_key",
        Field::ApiKeyId => "api_key_id",
    }
}

fn copy(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(bytes.to_vec())
}

/// Gives the field of a credential of an issuer that was asked for; nothing when it was all of it.
fn issued_field(args: &Get) -> Option<&str> {
    let field = args.field.filter(|field| !matches!(field, Field::Data | Field::Payload)).map(field_name);
    args.key.as_deref().or(field)
}

/// Gives the part of the data that was asked for.
fn pick(args: &Get, data: &SecretData) -> Result<Zeroizing<Vec<u8>>, Failure> {
    if let (Some(name), SecretData::Kv(kv)) = (&args.key, data) {
        return Fields::of(kv.data())?.value(name);
    }
    if let SecretData::Issued(issued) = data {
        return match issued_field(args) {
            Some(name) => Fields::of(issued.credential())?.value(name),
            None => Ok(copy(issued.credential().expose())),
        };
    }
    if let (DataFormat::Env, SecretData::Kv(kv)) = (args.format, data) {
        let file = dotenv::from_json(kv.data()).map_err(|why| {
            Failure::usage(format!("no .env file can hold it: {why}"))
                .hint("--key NAME gives one value, --json all of them")
        })?;
        return Ok(copy(file.expose()));
    }
    let missing = |what: &str| Failure::not_found(format!("the certificate was stored without {what}"));
    let bytes = match (args.field, data) {
        (Some(Field::Username), SecretData::UsernamePassword(data)) => data.username().as_bytes(),
        (Some(Field::ApiKeyId), SecretData::IamCredentials(data)) => data.api_key_id().as_bytes(),
        (Some(Field::PrivateKey), SecretData::ImportedCert(data)) => {
            data.private_key().ok_or_else(|| missing("a private key"))?.expose()
        }
        (Some(Field::Intermediate), SecretData::ImportedCert(data)) => {
            data.intermediate().ok_or_else(|| missing("certificates above it"))?.expose()
        }
        _ => data.primary().expose(),
    };
    Ok(copy(bytes))
}

/// Gives metadata and the data that was asked for as one JSON object, without a copy of the data that is not wiped.
fn to_json(scene: &Scene, args: &Get, reading: &Reading) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let secret = scene.store().secret(reading.secret)?;
    let version = secret.version_by_id(reading.version);
    let mut fields = version.map(|version| shown::object(view::Version::of(&secret, version))).unwrap_or_default();
    fields.remove("locks");
    let head = serde_json::Value::Object(fields).to_string();
    let head = head.strip_suffix('}').unwrap_or(&head);
    let mut json = Zeroizing::new(Vec::with_capacity(head.len().saturating_add(JSON_ROOM)));
    json.extend_from_slice(head.as_bytes());
    match &reading.data {
        SecretData::Kv(data) => push_object(&mut json, "data", data.data(), args.key.as_deref())?,
        SecretData::Issued(data) => push_object(&mut json, "credentials", data.credential(), issued_field(args))?,
        data => push_parts(&mut json, args.field.map(field_name), data)?,
    }
    json.extend_from_slice(b"}\n");
    Ok(json)
}

/// Adds the parts of data that is no JSON object: the one that was asked for, or all.
fn push_parts(json: &mut Zeroizing<Vec<u8>>, asked: Option<&str>, data: &SecretData) -> Result<(), Failure> {
    let mut parts: Vec<(&str, &str)> = Vec::new();
    match data {
        SecretData::Arbitrary(data) => parts.push(("payload", data.payload().expose_text()?)),
        SecretData::UsernamePassword(data) => {
            parts.push(("username", data.username()));
            parts.push(("password", data.password().expose_text()?));
        }
        SecretData::IamCredentials(data) => {
            parts.push(("api_key", data.api_key().expose_text()?));
            if asked.is_some() {
                parts.push(("api_key_id", data.api_key_id()));
            }
        }
        SecretData::ImportedCert(data) => {
            parts.push(("certificate", data.certificate().expose_text()?));
            for (name, part) in [("private_key", data.private_key()), ("intermediate", data.intermediate())] {
                if let Some(part) = part {
                    parts.push((name, part.expose_text()?));
                }
            }
        }
        _ => {}
    }
    parts.retain(|(name, _)| asked.is_none_or(|asked| asked == *name));
    if let (true, Some(asked)) = (parts.is_empty(), asked) {
        return Err(Failure::not_found(format!("the data was stored without {asked}")));
    }
    for (name, text) in parts {
        push(json, name, text);
    }
    Ok(())
}

/// Room for the longest value in its longest escapes, so that nothing is left behind by growing.
const JSON_ROOM: usize = latchkeep::limits::PAYLOAD_CHARS_MAX.saturating_mul(6);

fn push(json: &mut Zeroizing<Vec<u8>>, name: &str, text: &str) {
    json.push(b',');
    // Writing text into memory does not fail.
    let _ = serde_json::to_writer(&mut **json, name);
    json.push(b':');
    let _ = serde_json::to_writer(&mut **json, text);
}

fn push_object(
    json: &mut Zeroizing<Vec<u8>>,
    name: &str,
    object: &SecretBytes,
    field: Option<&str>,
) -> Result<(), Failure> {
    json.push(b',');
    // Writing text into memory does not fail.
    let _ = serde_json::to_writer(&mut **json, name);
    json.push(b':');
    if let Some(field) = field {
        let fields = Fields::of(object)?;
        let raw = fields.raw(field)?;
        json.push(b'{');
        let _ = serde_json::to_writer(&mut **json, field);
        json.push(b':');
        json.extend_from_slice(raw.as_bytes());
        json.push(b'}');
    } else {
        json.extend_from_slice(object.expose());
    }
    Ok(())
}
