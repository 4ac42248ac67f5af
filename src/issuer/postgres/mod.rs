//! PostgreSQL accounts: one role whose password is set ([`PostgresPassword`](password::PostgresPassword)), or a fresh
//! role per version ([`PostgresRole`](role::PostgresRole)).
//!
//! It never sends a password in a statement, only verifiers. It never repeats a server's message, only fixed words and
//! the SQLSTATE, except the names of what keeps a role that is being dropped. It never waits without a limit. Read in
//! this order: [`server`], [`session`], [`answering`], [`trouble`], [`identifier`], [`template`], [`tag`],
//! [`password`], [`role`], [`ending`].

mod answering;
mod ending;
pub(crate) mod identifier;
pub(crate) mod password;
pub(crate) mod role;
pub(crate) mod server;
mod session;
mod tag;
pub(crate) mod template;
mod trouble;

#[cfg(test)]
mod testing;
