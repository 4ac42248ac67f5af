//! Owns `latchkeep secret create`.
//!
//! Read next: [`super::super::input`], for the value.

use std::path::Path;

use latchkeep::{
    ApiKeyTarget, ApiKeyUse, CertificateSummary, Issuance, JsonObject, NewSecret, PasswordPolicy, Refusal,
    RotationPolicy, SecretBytes, view,
};
use serde_json::json;

use crate::args::{CertificateArgs, Create, IssuanceArgs, PasswordArgs, TypeArg};
use crate::exit::Exit;
use crate::failure::{self, Failure};
use crate::input::{self, Purpose};
use crate::scene::Scene;
use crate::{find, shown};

/// Bytes of a file with a part of a certificate, at most; the store's own bound is the same.
const PART_BYTES_MAX: usize = latchkeep::limits::CERTIFICATE_BYTES_MAX;

pub(crate) fn run(args: &Create, scene: &mut Scene) -> Result<Exit, Failure> {
    let new = describe(new(args, scene)?, args, scene)?;
    let receipt = scene.session.create(new).map_err(|error| not_made(scene, error))?;
    let Some(id) = receipt.secret else { return Ok(Exit::Done) };
    let secret = scene.store().secret(id)?;
    if scene.out.is_json() {
        let mut fields = shown::object(view::Secret::of(&secret));
        fields.insert("version_id".to_owned(), json!(receipt.version));
        shown::put_receipt(&mut fields, &receipt);
        scene.out.json(&fields.into())?;
    } else {
        let version = match secret.spec.issuance() {
            Some(issuance) => format!("no version yet; latchkeep rotation run --once has {} make one", issuance.issuer),
            None => "version 1".to_owned(),
        };
        scene.out.line(format!("made {}/{}, {version}", secret.secret_type(), secret.metadata.name))?;
    }
    Ok(Exit::Done)
}

/// Says of a name that is taken what helps: of a secret that is being deleted, and of one whose issuer rotates it.
fn not_made(scene: &Scene, error: latchkeep::Error) -> Failure {
    let taken = match error.refusal() {
        Some(Refusal::SecretNameTaken { by }) => scene.store().secret(*by).ok(),
        _ => None,
    };
    let failure = Failure::from(error);
    match taken {
        Some(taken) if taken.is_deleting => failure
            .hint("the secret that has it is being deleted: latchkeep rotation run --once ends its credentials first"),
        Some(taken) if taken.spec.issuance().is_some() => {
            failure.hint("latchkeep rotation run NAME --once has the issuer of the secret that is there add a version")
        }
        _ => failure,
    }
}

/// Tells whether a value has to be brought along.
pub(super) const fn takes_value(args: &Create) -> bool {
    matches!(args.secret_type, TypeArg::Arbitrary | TypeArg::Kv | TypeArg::UsernamePassword)
}

/// Holds the arguments to what the type takes: a value that would be passed over in silence is a trap.
pub(super) fn check(args: &Create) -> Result<(), Failure> {
    let source = &args.source;
    let brought = source.from_file.is_some() || source.from_stdin || source.prompt || source.from_env.is_some();
    let wrong = match args.secret_type {
        TypeArg::ImportedCert if brought || source.generate => "a certificate comes from --certificate FILE",
        TypeArg::IamCredentials if brought || source.generate => "the store makes API keys itself; no value is taken",
        TypeArg::Arbitrary | TypeArg::Kv if source.generate => "only passwords can be generated; bring the value along",
        TypeArg::ImportedCert if args.certificate.certificate.is_none() => {
            "a certificate is missing; --certificate FILE names it"
        }
        TypeArg::ImportedCert => return Ok(()),
        TypeArg::UsernamePassword if args.password.username.is_none() => {
            "a user name is missing; --username NAME gives it"
        }
        secret_type if secret_type.has_issuer() && args.issuance.issuer.is_none() => {
            "an issuer is missing; --issuer NAME names it"
        }
        secret_type if !secret_type.has_issuer() && args.issuance.issuer.is_some() => {
            "--issuer is for service-credentials, custom-credentials and private-cert"
        }
        secret_type if secret_type.has_issuer() && (brought || source.generate) => {
            "an issuer makes the credentials; no value is taken"
        }
        _ if args.certificate.certificate.is_some() => "--certificate is for imported-cert",
        _ => return Ok(()),
    };
    Err(Failure::usage(wrong))
}

fn new(args: &Create, scene: &mut Scene) -> Result<NewSecret, Failure> {
    let name = args.name.clone();
    let what = format!("the value of {name}");
    let mut value = |purpose| input::value(&args.source, &mut scene.stdin, purpose, &what);
    Ok(match args.secret_type {
        TypeArg::Arbitrary => NewSecret::arbitrary(name, value(Purpose::Exact)?)?,
        TypeArg::Kv => NewSecret::kv(name, &value(Purpose::Fields)?)?,
        TypeArg::UsernamePassword => {
            let username = args.password.username.clone();
            let username =
                username.ok_or_else(|| Failure::usage("a user name is missing; --username NAME gives it"))?;
            let policy = policy(&args.password);
            if args.source.generate {
                NewSecret::generated_password(name, username, policy)
            } else {
                NewSecret::username_password(name, &username, value(Purpose::Line)?)?.with_password_policy(policy)
            }
        }
        TypeArg::IamCredentials => {
            let api_key = &args.api_key;
            let target = match &api_key.service_id {
                Some(id) => ApiKeyTarget::ServiceId(id.clone()),
                None if !api_key.access_group.is_empty() => {
                    ApiKeyTarget::AccessGroups(api_key.access_group.clone().into())
                }
                None => {
                    return Err(Failure::usage("nobody is named that the API keys are for")
                        .hint("--service-id ID names a service, --access-group GROUP its groups"));
                }
            };
            let kept = if api_key.reuse_api_key { ApiKeyUse::UntilLeaseEnds } else { ApiKeyUse::FreshPerRead };
            NewSecret::iam_credentials(name, api_key.ttl.secs(), kept, target)
        }
        TypeArg::ImportedCert => {
            let parts = read_certificate(&args.certificate)?;
            NewSecret::imported_cert(name, parts.certificate, parts.private_key, parts.chain)?
        }
        TypeArg::ServiceCredentials => NewSecret::service_credentials(name, issuance(&args.issuance)?),
        TypeArg::CustomCredentials => NewSecret::custom_credentials(name, issuance(&args.issuance)?),
        TypeArg::PrivateCert => NewSecret::private_cert(name, issuance(&args.issuance)?),
    })
}

/// Gives who makes the credentials.
fn issuance(args: &IssuanceArgs) -> Result<Issuance, Failure> {
    let issuer = args.issuer.clone();
    let mut issuance =
        Issuance::by(issuer.ok_or_else(|| Failure::usage("an issuer is missing; --issuer NAME names it"))?);
    issuance.parameters = parameters(args.parameters.as_deref(), args.csr.as_deref())?;
    issuance.grace_secs = args.grace.unwrap_or_default();
    issuance.consumers = args.consumer.clone().into();
    Ok(issuance)
}

/// Reads parameters, or a request for a certificate, which are parameters that hold it alone.
pub(super) fn parameters(said: Option<&str>, csr: Option<&Path>) -> Result<Option<JsonObject>, Failure> {
    let Some(path) = csr else { return said.map(object).transpose() };
    let read = input::read_file(path, latchkeep::limits::METADATA_BYTES_MAX)?;
    let request = serde_json::json!({ "csr": read.expose_text()? });
    Ok(Some(request.to_string().parse::<JsonObject>()?))
}

/// Reads an object; a text that begins as one does is one, all others name a file.
fn object(said: &str) -> Result<JsonObject, Failure> {
    if said.trim_start().starts_with('{') {
        return Ok(said.parse::<JsonObject>()?);
    }
    let read = input::read_file(Path::new(said), latchkeep::limits::METADATA_BYTES_MAX)?;
    let object = read.expose_text()?.parse::<JsonObject>();
    object.map_err(|invalid| Failure::usage(format!("{said}: {invalid}")))
}

/// The parts of a certificate, read.
pub(super) struct Parts {
    pub(super) certificate: SecretBytes,
    pub(super) private_key: Option<SecretBytes>,
    pub(super) chain: Option<SecretBytes>,
}

/// Reads the files of a certificate.
pub(super) fn read_certificate(args: &CertificateArgs) -> Result<Parts, Failure> {
    let certificate = args.certificate.as_deref();
    let certificate =
        certificate.ok_or_else(|| Failure::usage("a certificate is missing; --certificate FILE names it"))?;
    let read = |path: &std::path::Path| input::read_file(path, PART_BYTES_MAX);
    let certificate = read(certificate)?;
    let private_key = args.private_key.as_deref().map(read).transpose()?;
    let (certificate, chain) = match &args.chain {
        Some(chain) => (certificate, Some(read(chain)?)),
        None => parted(certificate),
    };
    if let Ok(CertificateSummary { key_belongs: Some(false), .. }) =
        CertificateSummary::of(&certificate, private_key.as_ref())
    {
        failure::warn(
            "whether the private key belongs to the certificate could not be checked: it does not carry its public half, or is of a kind that is not read here",
        );
    }
    Ok(Parts { certificate, private_key, chain })
}

/// Parts a file as others write it, a certificate and the chain above it.
fn parted(file: SecretBytes) -> (SecretBytes, Option<SecretBytes>) {
    const END: &[u8] = b"-----END CERTIFICATE-----";
    let bytes = file.expose();
    let end = bytes.windows(END.len()).position(|part| part == END).map(|at| at.saturating_add(END.len()));
    let parts = end.and_then(|end| bytes.split_at_checked(end));
    match parts.filter(|(_, rest)| rest.windows(END.len()).any(|part| part == END)) {
        Some((first, rest)) => {
            let first = [first, b"\n"].concat();
            (SecretBytes::from(first), Some(SecretBytes::copy_from(rest.trim_ascii_start())))
        }
        None => (file, None),
    }
}

const fn policy(args: &PasswordArgs) -> PasswordPolicy {
    PasswordPolicy {
        length: args.length,
        include_digits: !args.no_digits,
        include_symbols: !args.no_symbols,
        include_uppercase: !args.no_uppercase,
    }
}

fn describe(mut new: NewSecret, args: &Create, scene: &Scene) -> Result<NewSecret, Failure> {
    let about = &args.about;
    if let Some(group) = &about.group {
        new = new.in_group(find::group(scene.store(), group)?);
    }
    if let Some(description) = &about.description {
        new = new.described(description.clone());
    }
    if let Some(metadata) = &about.metadata {
        new = new.with_custom_metadata(metadata.clone());
    }
    if let Some(metadata) = &about.version_metadata {
        new = new.with_version_metadata(metadata.clone());
    }
    if let Some(expires) = about.expires {
        new = new.expiring_at(expires);
    }
    if let Some(retention) = about.retention {
        new = new.retaining(retention);
    }
    if let Some(interval) = args.issuance.rotate_every {
        new = new.rotating(RotationPolicy::every(interval));
    }
    if about.refuse_rotation_while_locked {
        new = new.refusing_rotation_while_locked(true);
    }
    Ok(new.labelled(about.label.iter().cloned()))
}
