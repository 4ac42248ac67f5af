//! The manual: what this store is built like, what it promises, and what it does not protect from.

#![allow(clippy::doc_markdown, reason = "these pages are prose, and are read as files too")]

#[doc = include_str!("design.md")]
pub mod design {}

#[doc = include_str!("durability.md")]
pub mod durability {}

#[doc = include_str!("format.md")]
pub mod format {}

#[doc = include_str!("threats.md")]
pub mod threats {}

#[doc = include_str!("operations.md")]
pub mod operations {}

#[cfg(feature = "store")]
#[doc = include_str!("issuers.md")]
pub mod issuers {}

#[doc = include_str!("fuzzing.md")]
pub mod fuzzing {}

#[doc = include_str!("crash_states.md")]
pub mod crash_states {}

#[doc = include_str!("performance.md")]
pub mod performance {}

#[doc = include_str!("contributing.md")]
pub mod contributing {}

#[doc = include_str!("security.md")]
pub mod security {}

#[doc = include_str!("glossary.md")]
pub mod glossary {}

#[doc = include_str!("changelog.md")]
pub mod changelog {}
