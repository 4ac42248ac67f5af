//! Issuers of credentials: the built-in makers of values, and readers of imported values.
//!
//! An issuer never stores what it makes, and never sees the log. Read in this order: [`issuer`] (the trait for outside
//! systems), [`outcome`], [`job`], [`kit`] (which tests an issuer), [`value`]; then the makers of values, [`password`],
//! [`api_key`], [`certificate`].

pub(crate) mod api_key;
pub(crate) mod certificate;
mod chain;
mod credential;
mod der;
mod draw;
pub(crate) mod exec;
#[allow(clippy::module_inception, reason = "the trait that the module is named for")]
pub(crate) mod issuer;
pub(crate) mod job;
pub mod kit;
pub(crate) mod outcome;
pub(crate) mod password;
pub(crate) mod pem;
#[cfg(feature = "postgres")]
pub(crate) mod postgres;
#[cfg(feature = "private-ca")]
pub(crate) mod private_ca;
mod private_key;
pub(crate) mod unread;
pub(crate) mod value;
