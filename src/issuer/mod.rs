//! Who makes credentials: the built-in makers of values, and readers of values that were brought along.
//!
//! It never stores what it makes, and never sees the log. Read in this order: [`password`], [`api_key`],
//! [`certificate`].

pub(crate) mod api_key;
pub(crate) mod certificate;
mod draw;
pub(crate) mod password;
mod pem;
mod private_key;
