//! Owns what fuzzers hold this crate to: a function for each target, which takes any bytes and panics where something that
//! must hold does not.
//!
//! Compiled for tests, which call each with the seeds in `fuzz/seeds` and whatever was found in `fuzz/found`, and for
//! cargo-fuzz (`cfg(fuzzing)`), whose targets in `fuzz/fuzz_targets` are one call long. In no other build. Commands against
//! the plain model are in `tests/model`, since they go through the public interface alone.
#![allow(
    missing_docs,
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a fuzzer is told"
)]

mod backup;
mod bytes;
pub(crate) mod changed_rows;
mod export;
mod issuers;
mod proofs;
mod rows;
mod sealed;
mod texts;

pub use backup::backup;
pub use bytes::{context, record_body, record_header};
pub use changed_rows::changed_rows;
pub use export::export;
pub use issuers::issuers_file;
pub use proofs::{checkpoint, proofs};
pub use rows::{row_key, saved_row};
pub use sealed::sealed_data;
pub use texts::{certificate, dotenv, json_object, key_file, kv_text, names_and_times};

pub use crate::issuer::exec::answers::issuer_answer;

/// A target: takes any bytes.
pub type Target = fn(&[u8]);

/// Every target of this module, by the name of its file and its seeds.
pub const TARGETS: &[(&str, Target)] = &[
    ("backup", backup),
    ("certificate", certificate),
    ("changed_rows", changed_rows),
    ("checkpoint", checkpoint),
    ("context", context),
    ("dotenv", dotenv),
    ("export", export),
    ("issuer_answer", issuer_answer),
    ("issuers_file", issuers_file),
    ("json_object", json_object),
    ("key_file", key_file),
    ("kv_text", kv_text),
    ("names_and_times", names_and_times),
    ("proofs", proofs),
    ("record_body", record_body),
    ("record_header", record_header),
    ("row_key", row_key),
    ("saved_row", saved_row),
    ("sealed_data", sealed_data),
];

/// Changes some bytes as a script says, four bytes a change: flip, cut off, put in, take out, move.
fn mutate(original: &[u8], script: &[u8]) -> Vec<u8> {
    let mut bytes = original.to_vec();
    for change in script.chunks_exact(4) {
        let at = usize::from(u16::from_be_bytes([change[1], change[2]])) % (bytes.len() + 1);
        match change[0] % 5 {
            0 if at < bytes.len() => bytes[at] ^= change[3],
            1 => bytes.truncate(at),
            2 => bytes.insert(at, change[3]),
            3 if at < bytes.len() => drop(bytes.remove(at)),
            4 if !bytes.is_empty() => bytes.rotate_left(at % usize::from(change[3].max(1))),
            _ => {}
        }
    }
    bytes
}

#[cfg(test)]
mod tests;
