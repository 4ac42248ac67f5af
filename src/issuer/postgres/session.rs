//! Owns one connection to a server and its work: within a time limit, on a runtime of its own that ends with it.
//!
//! No async code leaves this module. Read next: [`super::trouble`].

use core::net::SocketAddr;
use std::time::Duration;

use postgres_protocol::password::scram_sha_256;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Handle};
use tokio::time::timeout;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, Config, Connection, Error, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::answering::ScramOnly;
use super::identifier::SqlIdentifier;
use super::server::PostgresServer;
use super::trouble::{Phase, Trouble};
use crate::issuer::outcome::IssuerError;
use crate::seal::secret_bytes::SecretBytes;

/// How long the end of a connection may take.
const GOODBYE: Duration = Duration::from_millis(200);

/// The role that logs in.
pub(super) enum Login<'a> {
    /// The role that acts for the store.
    Admin,
    /// An account, with its password.
    Account(&'a SqlIdentifier, &'a SecretBytes),
}

/// The work in words for people, and whether it changes anything.
#[derive(Clone, Copy)]
pub(super) struct Doing(pub(super) Phase, pub(super) &'static str);

/// Computes what a server keeps instead of a password (SCRAM-SHA-256, RFC 7677), with random salt. It takes some
/// milliseconds. No character of it needs quoting.
pub(super) fn verifier(password: &SecretBytes) -> String {
    scram_sha_256(password.expose())
}

/// Connects, does the work, and disconnects.
///
/// # Errors
///
/// The meaning of the trouble, see [`Trouble::told`]; also an error when the caller's thread runs async code, which
/// this would block.
pub(super) fn work<T>(
    server: &PostgresServer,
    login: &Login<'_>,
    Doing(phase, doing): Doing,
    work: impl AsyncFnOnce(&Client) -> Result<T, Error>,
) -> Result<T, IssuerError> {
    attempt(server, login, doing, work)?.map_err(|trouble| trouble.told(phase, doing))
}

/// Works like [`work`], but returns trouble unchanged.
pub(super) fn attempt<T>(
    server: &PostgresServer,
    login: &Login<'_>,
    doing: &str,
    work: impl AsyncFnOnce(&Client) -> Result<T, Error>,
) -> Result<Result<T, Trouble>, IssuerError> {
    if Handle::try_current().is_ok() {
        return Err(IssuerError::refused("call this issuer on a thread that runs no async code"));
    }
    let runtime = Builder::new_current_thread().enable_io().enable_time().build();
    let runtime = runtime.map_err(|_| IssuerError::unavailable("the system gave no means to connect"))?;
    let config = config(server, login)?;
    let told = |trouble: Trouble| trouble.told(Phase::Connecting, doing);
    let reached = async { within(server.limit, address(server)).await? };
    let address = runtime.block_on(reached).map_err(told)?;
    let limit = server.limit;
    match (&server.tls.0, address) {
        (Some(tls), _) => {
            let tls = MakeRustlsConnect::new((**tls).clone());
            runtime.block_on(connected(config.connect(tls), limit, work)).map_err(told)
        }
        (None, Some(at)) if !server.gives_passwords => {
            let connecting = async {
                let stream = TcpStream::connect(at.as_slice()).await.map_err(Trouble::Network)?;
                config.connect_raw(ScramOnly::new(stream), NoTls).await.map_err(Trouble::Server)
            };
            runtime.block_on(connected_by(connecting, limit, work)).map_err(told)
        }
        (None, _) => runtime.block_on(connected(config.connect(NoTls), limit, work)).map_err(told),
    }
}

/// Looks a host up; `None` for the directory of a socket.
async fn address(server: &PostgresServer) -> Result<Option<Vec<SocketAddr>>, Trouble> {
    if server.host.starts_with('/') {
        return Ok(None);
    }
    match tokio::net::lookup_host((&*server.host, server.port)).await {
        Ok(found) => Ok(Some(found.collect())),
        Err(_) => Err(Trouble::NoSuchHost),
    }
}

fn config(server: &PostgresServer, login: &Login<'_>) -> Result<Config, IssuerError> {
    let mut config = Config::new();
    config.host(&*server.host).port(server.port).dbname(server.database.as_str());
    config.application_name("latchkeep");
    config.ssl_mode(if server.tls.0.is_some() { SslMode::Require } else { SslMode::Disable });
    match login {
        Login::Admin => {
            config.user(server.admin.as_str());
            if let Some(password) = server.admin_password()? {
                config.password(password.expose());
            }
        }
        Login::Account(user, password) => {
            config.user(user.as_str()).password(password.expose());
        }
    }
    Ok(config)
}

/// Connects (outer error), then works (inner error), each within the limit.
async fn connected<T, S, U>(
    connecting: impl Future<Output = Result<(Client, Connection<S, U>), Error>>,
    limit: Duration,
    work: impl AsyncFnOnce(&Client) -> Result<T, Error>,
) -> Result<Result<T, Trouble>, Trouble>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    U: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    connected_by(async { connecting.await.map_err(Trouble::Server) }, limit, work).await
}

async fn connected_by<T, S, U>(
    connecting: impl Future<Output = Result<(Client, Connection<S, U>), Trouble>>,
    limit: Duration,
    work: impl AsyncFnOnce(&Client) -> Result<T, Error>,
) -> Result<Result<T, Trouble>, Trouble>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    U: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    // The server uses the same limit; names have only their system meaning.
    let settings = format!("SET statement_timeout = {}; SET search_path = pg_catalog", limit.as_millis().max(1));
    let ready = async {
        let (client, connection) = connecting.await?;
        let connection = tokio::spawn(connection);
        client.batch_execute(&settings).await.map_err(Trouble::Server)?;
        Ok((client, connection))
    };
    let (client, connection) = within(limit, ready).await??;
    let done = within(limit, work(&client)).await;
    drop(client);
    // It does not matter whether the connection ended properly.
    let _ = timeout(GOODBYE, connection).await;
    Ok(done.and_then(|done| done.map_err(Trouble::Server)))
}

async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Result<T, Trouble> {
    timeout(limit, work).await.map_err(|_| Trouble::TooLong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verifier_holds_no_password_and_needs_no_quoting() {
        let password = SecretBytes::copy_from(b"canary's \\ \"password\"");
        let [one, two] = [(); 2].map(|()| verifier(&password));
        assert!(one.starts_with("SCRAM-SHA-256$4096:") && !one.contains("canary"));
        assert!(one.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-$:+/=".contains(&byte)), "{one}");
        assert_ne!(one, two, "the salt is fresh");
    }
}
