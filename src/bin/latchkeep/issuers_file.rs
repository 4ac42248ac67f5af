//! Owns the making of issuers of what the file that names them says, with the name of the issuer in every complaint.
//!
//! The file is read by [`latchkeep::issuers_file`]. Read next: [`care`], and where this build has them the kinds.

mod care;
#[cfg(feature = "private-ca")]
mod later;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "private-ca")]
mod private_ca;
#[cfg(feature = "private-ca")]
mod register;
#[cfg(any(feature = "postgres", feature = "private-ca"))]
mod source;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use latchkeep::issuers_file::{ExecDescription, FILE_BYTES_MAX, IssuerDescription, IssuersFile};
use latchkeep::{Issuer, IssuerName, Session, WorkerOptions};

use crate::failure::Failure;
use crate::input;

/// How long a call may take when no issuer says more.
const LIMIT_DEFAULT: Duration = Duration::from_secs(30);

/// How much longer a call may take than its issuer says, which ends it itself first and tells more.
const CALL_EXTRA: Duration = Duration::from_secs(5);

/// An issuer, made as the file describes it.
struct Made {
    issuer: Arc<dyn Issuer>,
    /// The longest that one call takes.
    longest: Duration,
    /// Why it cannot do its work now, though it may later; or what a person should know of it.
    problem: Option<String>,
}

/// The issuers of a file.
pub(crate) struct Issuers {
    /// Those that can be asked, registered.
    pub(crate) options: WorkerOptions,
    /// Those that set the password of the account which the parameters of a secret name, whatever the secret is called.
    pub(crate) by_account: BTreeSet<IssuerName>,
    /// What is wrong with the others, each with the file, the line and the issuer; and with those that cannot work now.
    pub(crate) problems: Vec<String>,
}

/// For whom an issuer is made.
struct Host<'a> {
    /// What it reads in the store, it reads as its actor.
    session: &'a Session,
    /// What secrets call it.
    name: &'a IssuerName,
    /// Whether a person says that its register is lost.
    recovers: bool,
}

/// Registers the issuers of a file. What they need from the store they read as the session's actor. One that is described
/// wrongly, or cannot be set up now, does not hold up the others. The register of an issuer that a person names is recovered.
pub(crate) fn read(path: &Path, session: &Session, recovered: Option<&IssuerName>) -> Result<Issuers, Failure> {
    let file = path.display();
    let read = described_in(path, recovered)?;
    let (mut options, mut longest, mut problems) = (WorkerOptions::new(), LIMIT_DEFAULT, Vec::new());
    let mut by_account = BTreeSet::new();
    for issuer in read.issuers() {
        let described = issuer.description.as_ref().map_err(|error| {
            problems.push(format!("issuers file {file}, {error}"));
            format!("{} {}", error.field(), error.rule())
        });
        let Some(name) = issuer.name.clone() else { continue };
        if let Ok(IssuerDescription::PostgresPassword(_)) = described {
            by_account.insert(name.clone());
        }
        let mut wrong = |what: &str| {
            problems.push(format!("issuers file {file}, line {}: issuer {name}: {what}", issuer.line));
        };
        let host = Host { session, name: &name, recovers: recovered == Some(&name) };
        match described.map(|described| make(described, &host)) {
            Ok(Ok(made)) => {
                made.problem.iter().for_each(|problem| wrong(problem));
                longest = longest.max(made.longest);
                options = options.shared_issuer(name, made.issuer);
            }
            Ok(Err(what)) => {
                wrong(&what);
                options = options.unusable_issuer(name, &what);
            }
            Err(what) => options = options.unusable_issuer(name, what.trim()),
        }
    }
    Ok(Issuers { options: options.call_limit(longest.saturating_add(CALL_EXTRA)), by_account, problems })
}

/// Reads what a file says of its issuers, and whether it has the one whose register is to be recovered.
fn described_in(path: &Path, recovered: Option<&IssuerName>) -> Result<IssuersFile, Failure> {
    let file = path.display();
    care::unchanged(path).map_err(Failure::usage)?;
    let text = input::read_file(path, FILE_BYTES_MAX)?;
    let text = text.expose_text().map_err(|_| Failure::usage(format!("issuers file {file}: is not UTF-8 text")))?;
    let read = IssuersFile::parse(text).map_err(|error| Failure::usage(format!("issuers file {file}, {error}")))?;
    has_register(&read, recovered).map_err(|what| Failure::usage(format!("issuers file {file}: {what}")))?;
    Ok(read)
}

/// Refuses to recover the register of what has none.
fn has_register(read: &IssuersFile, recovered: Option<&IssuerName>) -> Result<(), String> {
    let Some(wanted) = recovered else { return Ok(()) };
    let mut named = read.issuers().iter().filter(|issuer| issuer.name.as_ref() == Some(wanted));
    // What is wrong with a description is told with its line.
    let has_one = named.any(|issuer| matches!(issuer.description, Ok(IssuerDescription::PrivateCa(_)) | Err(_)));
    if has_one {
        Ok(())
    } else {
        Err(format!("has no issuer {wanted} of kind private_ca, whose register could be recovered"))
    }
}

/// Makes one issuer of its description.
fn make(described: &IssuerDescription, host: &Host<'_>) -> Result<Made, String> {
    // Which kinds look into the store depends on the build.
    let _ = (host.session, host.name, host.recovers);
    match described {
        IssuerDescription::Exec(exec) => program(exec),
        #[cfg(feature = "postgres")]
        IssuerDescription::PostgresPassword(password) => postgres::password(password, host.session),
        #[cfg(feature = "postgres")]
        IssuerDescription::PostgresRole(role) => postgres::role(role, host.session),
        #[cfg(not(feature = "postgres"))]
        IssuerDescription::PostgresPassword(_) => Err(lacking("postgres_password", "postgres")),
        #[cfg(not(feature = "postgres"))]
        IssuerDescription::PostgresRole(_) => Err(lacking("postgres_role", "postgres")),
        #[cfg(feature = "private-ca")]
        IssuerDescription::PrivateCa(authority) => private_ca::make(authority, host),
        #[cfg(not(feature = "private-ca"))]
        IssuerDescription::PrivateCa(_) => Err(lacking("private_ca", "private-ca")),
        _ => Err("is of a kind that this program does not know".to_owned()),
    }
}

/// Makes an issuer that asks a program of the user's.
fn program(described: &ExecDescription) -> Result<Made, String> {
    // Whoever may change it is asked for credentials.
    care::unchanged(&described.program)?;
    let issuer = described.issuer().map_err(|invalid| invalid.to_string())?;
    Ok(Made { issuer: Arc::new(issuer), longest: described.limit, problem: None })
}

#[cfg(not(all(feature = "postgres", feature = "private-ca")))]
fn lacking(kind: &str, feature: &str) -> String {
    format!("this build of latchkeep has no kind {kind}; build it with --features {feature}")
}

#[cfg(test)]
mod tests;
