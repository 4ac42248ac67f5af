//! Owns the frozen shapes of the log: one struct per event type and schema, and their parts.
//!
//! A struct here never changes once a release has written it. A new shape is a new struct (`LockPlacedV2`) with a pure
//! function from the old one, named in [`super::event`]. The fields of a struct are other structs of this module, or
//! value types of the domain whose bytes are frozen too:
//!
//! | In a struct | Bytes | As JSON |
//! |---|---|---|
//! | an id | the 16 bytes | UUID |
//! | a time | u64, nanoseconds since 1970 UTC | RFC 3339 |
//! | a count, a number | its width, little-endian | number |
//! | yes or no | u8, 0 or 1 | `true`, `false` |
//! | a name or other text | u64 length, then UTF-8 | text |
//! | a JSON object | as text | object |
//! | a coded enum ([`crate::SecretType`] and the like) | u8, its code | its label |
//! | an enum with fields | u8, its tag, then the fields of its case | object with `kind` |
//! | a digest | the 32 bytes | lower-case hexadecimal |
//! | an optional value | u8, 0 or 1, then the value if 1 | value or `null` |
//! | a list | u64 length, then the elements | array |
//!
//! Codes and tags are written next to their cases and never reused for another case. Read next: [`shape`].

pub(super) mod audit;
pub(super) mod context;
pub(super) mod group;
pub(super) mod lock;
pub(super) mod policy;
pub(super) mod refusal;
pub(super) mod rotation;
pub(super) mod secret;
pub(super) mod shape;
pub(super) mod spec;
pub(super) mod store;
pub(super) mod value;
pub(super) mod version;
