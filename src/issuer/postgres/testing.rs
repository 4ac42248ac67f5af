//! Names, and a server that never answers, for the tests of the issuers.

use super::identifier::SqlIdentifier;
use super::server::{PostgresServer, PostgresTls};

pub(super) fn name(text: &str) -> SqlIdentifier {
    SqlIdentifier::parse(text).unwrap()
}

pub(super) fn server() -> PostgresServer {
    PostgresServer::new("127.0.0.1", 1, name("app"), name("admin"), PostgresTls::off()).unwrap()
}
