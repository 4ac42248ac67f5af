//! Owns the meaning of an error of the server or of the connection for the worker: refused, not available, or unknown.
//!
//! It never repeats the server's message, which may contain parts of a statement: its SQLSTATE (PostgreSQL manual,
//! appendix A) is put into our words. Only the objects that depend on a role that is being dropped, and the object to which
//! access is denied, are named as by the server. Read next: [`super::session`].

use std::error::Error as _;
use std::io;

use rustls::{CertificateError, Error as TlsError};
use tokio_postgres::Error;

use super::answering::AskedForPassword;
use super::identifier::SqlIdentifier;
use crate::issuer::outcome::{IssuerError, IssuerErrorKind};

/// The progress of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing was sent yet.
    Connecting,
    /// A query that changes nothing was sent.
    Asking,
    /// A statement that changes something was sent.
    Changing,
}

/// What went wrong.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The server, or the connection to it.
    Server(Error),
    /// The network, before there was a connection.
    Network(io::Error),
    /// No address is known for the host's name.
    NoSuchHost,
    /// It took longer than the limit.
    TooLong,
}

/// The SQLSTATE of an existing object: `duplicate_object`, or `unique_violation` when both came at the same time.
pub(super) const DUPLICATES: [&str; 2] = ["42710", "23505"];
/// The SQLSTATE of a role that does not exist.
pub(super) const UNDEFINED: &str = "42704";
/// The SQLSTATE of an object that others depend on.
const DEPENDED_ON: &str = "2BP01";
/// The SQLSTATE of `insufficient_privilege`.
const DENIED: &str = "42501";
/// Characters of what the server names, at most: of dependent objects it names up to a hundred.
const NAMED_CHARS_MAX: usize = 200;

impl Trouble {
    /// Returns the SQLSTATE, if a server sent one.
    pub(super) fn code(&self) -> Option<&str> {
        match self {
            Self::Server(error) => error.code().map(tokio_postgres::error::SqlState::code),
            Self::Network(_) | Self::NoSuchHost | Self::TooLong => None,
        }
    }

    /// Returns the error for a role without login that something keeps, as seen in `database`; `None` for another
    /// trouble. The server names tables, functions and the like of that database, and counts what is in others.
    pub(super) fn kept(&self, database: &SqlIdentifier) -> Option<IssuerError> {
        let Self::Server(error) = self else { return None };
        if self.code() != Some(DEPENDED_ON) {
            return None;
        }
        let named = named(error.as_db_error()?.detail().unwrap_or("it names nothing"));
        Some(IssuerError::refused(&format!(
            "retiring a role: it has no login any more, but other things depend on it (SQLSTATE {DEPENDED_ON}), granted by others \
             perhaps, or owned in another database; looked for in database {}, the server names: {named}",
            database.as_str()
        )))
    }

    /// Returns the server's words for what it denies: a kind of object and its name, and no part of the statement.
    fn denied(&self) -> String {
        let Self::Server(error) = self else { return String::new() };
        let said = error.as_db_error().filter(|error| error.code().code() == DENIED);
        said.map(|error| format!("; the server says: {}", named(error.message()))).unwrap_or_default()
    }

    /// Returns the error for a call that was `doing` this.
    pub(super) fn told(&self, phase: Phase, doing: &str) -> IssuerError {
        let reason = match (self, self.code()) {
            (_, Some(code)) => format!("{doing}: {} (SQLSTATE {code}){}", words(code), self.denied()),
            (Self::TooLong, None) if phase == Phase::Connecting => {
                format!("{doing}: nothing answered at the server's address within the time limit")
            }
            (Self::TooLong, None) => format!("{doing}: the server took longer than the time limit"),
            (Self::NoSuchHost, None) => format!("{doing}: no address is known for the server's name"),
            (Self::Network(error), None) => format!("{doing}: {}", on_the_way(error)),
            (Self::Server(error), None) if phase == Phase::Connecting => format!("{doing}: {}", connecting(error)),
            (Self::Server(_), None) => format!("{doing}: the connection was lost"),
        };
        match kind(phase, self.code()) {
            IssuerErrorKind::Refused => IssuerError::refused(&reason),
            IssuerErrorKind::Unavailable => IssuerError::unavailable(&reason),
            IssuerErrorKind::Unknown => IssuerError::unknown(&reason),
        }
    }
}

/// Returns the server's words in one line, cut to a length that people read.
fn named(text: &str) -> String {
    let lines: Vec<_> = text.lines().collect();
    lines.join("; ").chars().take(NAMED_CHARS_MAX).collect()
}

/// Returns why there is no connection.
fn connecting(error: &Error) -> &'static str {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if inner.is::<AskedForPassword>() {
            return PASSWORD_ITSELF;
        }
        if let Some(error) = inner.downcast_ref::<TlsError>() {
            return under_tls(error);
        }
        if let Some(error) = inner.downcast_ref::<io::Error>() {
            return on_the_way(error);
        }
        if inner.to_string() == NO_TLS {
            return "the server offers no TLS";
        }
        cause = inner.source();
    }
    "what answers at the server's address does not speak as PostgreSQL does"
}

/// The words of the client, which has no kind of error for it.
const NO_TLS: &str = "server does not support TLS";

const PASSWORD_ITSELF: &str = "the server asked for the password itself, or an MD5 hash of it, and without TLS gets neither; \
                               let it ask by scram-sha-256";

fn on_the_way(error: &io::Error) -> &'static str {
    if let Some(inner) = error.get_ref() {
        if inner.is::<AskedForPassword>() {
            return PASSWORD_ITSELF;
        }
        if let Some(error) = inner.downcast_ref::<TlsError>() {
            return under_tls(error);
        }
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "nothing listens at the server's address and port",
        io::ErrorKind::NotFound => "there is no socket of a server in that directory",
        io::ErrorKind::PermissionDenied => "the system does not let this process use the server's socket",
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            "the network does not lead to the server's address"
        }
        io::ErrorKind::TimedOut => "nothing answered at the server's address",
        _ => "the connection broke before the server let anybody in",
    }
}

fn under_tls(error: &TlsError) -> &'static str {
    match error {
        TlsError::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature) => {
            "the server's certificate comes from no authority that is trusted here"
        }
        TlsError::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => "the server's certificate is for another host",
        TlsError::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
            "the server's certificate has expired"
        }
        TlsError::InvalidCertificate(CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. }) => {
            "the server's certificate is not valid yet"
        }
        TlsError::InvalidCertificate(_) => "the server's certificate is not one that can be trusted",
        _ => "the server and this client do not agree on TLS",
    }
}

/// Returns the meaning of a SQLSTATE, or of its absence.
fn kind(phase: Phase, code: Option<&str>) -> IssuerErrorKind {
    let Some(code) = code else {
        let unknown = phase == Phase::Changing;
        return if unknown { IssuerErrorKind::Unknown } else { IssuerErrorKind::Unavailable };
    };
    let class = code.get(..2).unwrap_or_default();
    match (class, code) {
        // Not enough of something; cancelled, locked, deadlocked; a standby: rolled back, or never begun.
        ("53" | "40", _) if code != "40003" => IssuerErrorKind::Unavailable,
        (_, "57014" | "55P03" | "55006" | "55000" | "25006" | "57P03" | "57P04" | "57P05") => {
            IssuerErrorKind::Unavailable
        }
        // The connection, a server that stops or crashes, an inner error, or "completion unknown".
        ("08" | "57" | "58" | "XX" | "40", _) if phase == Phase::Changing => IssuerErrorKind::Unknown,
        ("08" | "57" | "58" | "XX" | "40", _) => IssuerErrorKind::Unavailable,
        _ if phase == Phase::Changing && DUPLICATES.contains(&code) => IssuerErrorKind::Unknown,
        _ => IssuerErrorKind::Refused,
    }
}

fn words(code: &str) -> &'static str {
    match code {
        "28P01" => {
            "the server refuses the login: the password is another, or there is no such role, or it is past its VALID UNTIL"
        }
        "28000" => "the server refuses the login: it lets nobody in like that, or the role has no login",
        "3D000" => "there is no such database",
        "3F000" => "there is no such schema",
        "42P01" => "there is no such table",
        DENIED => "the role that asked may not do that, or, from release 16 on, not to a role that another one made",
        "0LP01" => "such a right cannot be granted there, or not by the role that asked",
        DEPENDED_ON => "other things depend on it",
        // Caused on purpose, see `no_admin`.
        "22012" => {
            "a group of the template leads to the role that acts for the store, so that each role would be one too"
        }
        "53300" => "the server has no connection left",
        "57P01" | "57P02" | "57P03" => "the server is going down or coming up",
        UNDEFINED => "there is no such role, or not all that the template names",
        code if DUPLICATES.contains(&code) => {
            "a role of this name is there already; it may be one that nobody heard of"
        }
        _ => "the server said no",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_means_the_same_whenever_it_comes() {
        use IssuerErrorKind::{Refused, Unavailable, Unknown};
        for (code, connecting, asking, changing) in [
            (None, Unavailable, Unavailable, Unknown),
            (Some("28P01"), Refused, Refused, Refused),
            (Some("3D000"), Refused, Refused, Refused),
            (Some("42501"), Refused, Refused, Refused),
            (Some("42601"), Refused, Refused, Refused),
            (Some("42710"), Refused, Refused, Unknown),
            (Some("23505"), Refused, Refused, Unknown),
            (Some("53300"), Unavailable, Unavailable, Unavailable),
            (Some("40P01"), Unavailable, Unavailable, Unavailable),
            (Some("40003"), Unavailable, Unavailable, Unknown),
            (Some("57014"), Unavailable, Unavailable, Unavailable),
            (Some("57P01"), Unavailable, Unavailable, Unknown),
            (Some("57P02"), Unavailable, Unavailable, Unknown),
            (Some("57P03"), Unavailable, Unavailable, Unavailable),
            (Some("08006"), Unavailable, Unavailable, Unknown),
            (Some("XX000"), Unavailable, Unavailable, Unknown),
            (Some(""), Refused, Refused, Refused),
        ] {
            let kinds = [Phase::Connecting, Phase::Asking, Phase::Changing].map(|phase| kind(phase, code));
            assert_eq!(kinds, [connecting, asking, changing], "{code:?}");
        }
    }
}
