//! Owns the connection parameters of a PostgreSQL server: address, admin role, its password, TLS, time limit.
//!
//! It never keeps the admin password in a text that can be shown. Read next: [`super::session`].

use core::net::IpAddr;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use super::identifier::SqlIdentifier;
use crate::domain::invalid::Invalid;
use crate::issuer::credential::{self, Field};
use crate::issuer::outcome::IssuerError;
use crate::seal::secret_bytes::SecretBytes;

/// How long connecting may take, and the work again as long, by default.
const LIMIT_DEFAULT: Duration = Duration::from_secs(10);
/// Bytes of a host's name, or of the path of a socket's directory.
const HOST_BYTES_MAX: usize = 255;

/// Returns the password of the admin role each time it is needed.
type PasswordSource = Arc<dyn Fn() -> Result<SecretBytes, IssuerError> + Send + Sync>;

/// How a connection to a server is protected.
#[derive(Clone)]
pub struct PostgresTls(pub(super) Option<Arc<ClientConfig>>);

impl PostgresTls {
    /// Uses no TLS: for sockets of the same machine, or a network with its own protection. Over a network, a server
    /// that asks for a password itself or for an MD5 hash of it gets none: without TLS, an attacker could ask
    /// ([`PostgresServer::giving_passwords_here`]).
    #[must_use]
    pub const fn off() -> Self {
        Self(None)
    }

    /// Always uses TLS, with a server whose certificate comes from one of these certificate authorities (PEM) and names
    /// the host.
    ///
    /// # Errors
    ///
    /// [`Invalid`] when the text contains no certificate, or one that cannot be read.
    pub fn trusting(roots_pem: &str) -> Result<Self, Invalid> {
        const RULE: &str = "takes the certificates of certificate authorities, PEM";
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(roots_pem.as_bytes()) {
            let certificate = certificate.map_err(|_| Invalid::new("TLS roots", RULE))?;
            roots.add(certificate).map_err(|_| Invalid::new("TLS roots", RULE))?;
        }
        if roots.is_empty() {
            return Err(Invalid::new("TLS roots", RULE));
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|_| Invalid::new("TLS roots", "cannot be used: no protocol version is known"))?;
        Ok(Self(Some(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))))
    }
}

impl fmt::Debug for PostgresTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "PostgresTls(trusting)" } else { "PostgresTls(off)" })
    }
}

/// A PostgreSQL server, and the role that makes and retires accounts there. Cheap to clone.
///
/// Each issuer documents the rights that the admin role needs. Servers from release 11 on.
///
/// ```
/// use latchkeep::{PostgresServer, PostgresTls, SecretBytes, SqlIdentifier};
///
/// let admin = SqlIdentifier::parse("latchkeep_admin")?;
/// let server = PostgresServer::new("db.internal", 5432, SqlIdentifier::parse("app")?, admin, PostgresTls::off())?
///     .with_admin_password(SecretBytes::copy_from(b"from the host's own store"));
/// # let _ = server;
/// # Ok::<(), latchkeep::Invalid>(())
/// ```
#[derive(Clone)]
pub struct PostgresServer {
    pub(super) host: Arc<str>,
    pub(super) port: u16,
    pub(super) database: SqlIdentifier,
    pub(super) admin: SqlIdentifier,
    password: Option<PasswordSource>,
    pub(super) tls: PostgresTls,
    pub(super) gives_passwords: bool,
    pub(super) limit: Duration,
}

impl PostgresServer {
    /// Sets the server: a host's name or address, or the directory of its socket (a path that starts with `/`); the
    /// database of the accounts; the role that acts for the store.
    ///
    /// # Errors
    ///
    /// [`Invalid`] unless `host` is 1 to 255 visible ASCII characters, and when TLS is requested on a socket of the
    /// machine.
    pub fn new(
        host: &str,
        port: u16,
        database: SqlIdentifier,
        admin: SqlIdentifier,
        tls: PostgresTls,
    ) -> Result<Self, Invalid> {
        if !(1..=HOST_BYTES_MAX).contains(&host.len()) || !host.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Invalid::new("PostgreSQL host", "takes 1 to 255 visible ASCII characters"));
        }
        if host.starts_with('/') && tls.0.is_some() {
            return Err(Invalid::new("PostgreSQL host", "is a socket of this machine, which has no TLS"));
        }
        // A socket belongs to the machine, and its administrator chose its place.
        let gives_passwords = host.starts_with('/') || tls.0.is_some();
        let host = host.into();
        Ok(Self { host, port, database, admin, password: None, tls, gives_passwords, limit: LIMIT_DEFAULT })
    }

    /// Answers a server that asks for a password itself, or for an MD5 hash of it, also without TLS, on this machine.
    /// Sockets, and servers with TLS, are always answered.
    ///
    /// # Errors
    ///
    /// [`Invalid`] when the host is not `localhost`, an address of this machine itself, or a socket, and there is no
    /// TLS.
    pub fn giving_passwords_here(mut self) -> Result<Self, Invalid> {
        let is_here = *self.host == *"localhost" || self.host.parse::<IpAddr>().is_ok_and(|at| at.is_loopback());
        if !is_here && !self.gives_passwords {
            return Err(Invalid::new(
                "PostgreSQL host",
                "is not this machine: without TLS a password would go to whoever answers; use TLS, or SCRAM alone",
            ));
        }
        self.gives_passwords = true;
        Ok(self)
    }

    /// Sets the password of the admin role; without one, the server must accept it by other means.
    #[must_use]
    pub fn with_admin_password(self, password: SecretBytes) -> Self {
        self.with_admin_password_from(move || Ok(SecretBytes::copy_from(password.expose())))
    }

    /// Sets the source of the admin role's password, which is called each time: the password may itself be a secret
    /// that rotates.
    #[must_use]
    pub fn with_admin_password_from(
        mut self,
        ask: impl Fn() -> Result<SecretBytes, IssuerError> + Send + Sync + 'static,
    ) -> Self {
        self.password = Some(Arc::new(ask));
        self
    }

    /// Sets how long connecting may take, and the work on the connection again as long; 10 seconds by default.
    #[must_use]
    pub const fn giving_up_after(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    pub(super) fn admin_password(&self) -> Result<Option<SecretBytes>, IssuerError> {
        self.password.as_ref().map(|ask| ask()).transpose()
    }

    /// Returns the credential of an account.
    pub(super) fn credential(&self, user: &SqlIdentifier, password: &SecretBytes) -> Result<SecretBytes, IssuerError> {
        let fields = [
            ("username", Field::Text(user.as_str())),
            ("password", Field::Secret(password)),
            ("host", Field::Text(&self.host)),
            ("port", Field::Number(self.port.into())),
            ("database", Field::Text(self.database.as_str())),
        ];
        credential::write(&fields).ok_or_else(|| IssuerError::refused("the password is not UTF-8 text"))
    }
}

impl fmt::Debug for PostgresServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresServer")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("database", &self.database)
            .field("admin", &self.admin)
            .field("tls", &self.tls)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_a_server_is_refused_by_name() {
        let make = |host: &str, tls: PostgresTls| {
            let name = |text: &str| SqlIdentifier::parse(text).unwrap();
            PostgresServer::new(host, 5432, name("app"), name("admin"), tls)
        };
        for host in ["", "a b", "a\0b", &"x".repeat(256)] {
            assert!(make(host, PostgresTls::off()).unwrap_err().rule().contains("visible ASCII"));
        }
        for roots in ["", "no PEM", "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n"] {
            assert!(PostgresTls::trusting(roots).is_err());
        }
        let tls = PostgresTls::trusting(include_str!("../fixtures/ec-cert.pem")).unwrap();
        assert!(make("/run/postgresql", tls.clone()).is_err());
        assert!(make("db", PostgresTls::off()).unwrap().giving_passwords_here().is_err());
        assert!(make("10.0.0.1", PostgresTls::off()).unwrap().giving_passwords_here().is_err());
        for host in ["localhost", "127.0.0.1", "::1", "/run/postgresql"] {
            assert!(make(host, PostgresTls::off()).unwrap().giving_passwords_here().is_ok(), "{host}");
        }
        let server = make("db", tls).unwrap().with_admin_password(SecretBytes::copy_from(b"canary"));
        assert!(!format!("{server:?}").contains("canary"));
    }
}
