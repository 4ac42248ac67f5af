//! Owns the file in which a watch remembers how far it has come: one line of JSON, replaced whole.
//!
//! Read next: [`super::commands`].

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use latchkeep::{Incarnation, LogId, Position, ResumePoint, Store, Timestamp};
use serde_json::{Value, json};

use crate::commands::hex;
use crate::failure::Failure;
use crate::place;

/// Bytes that such a file has at most.
const BYTES_MAX: u64 = 4_096;

/// How far a watch has come, and where that is remembered.
#[derive(Debug)]
pub(crate) struct Seen {
    path: PathBuf,
    log_id: LogId,
    /// Where to go on; none before the first.
    pub(crate) point: Option<ResumePoint>,
    /// Up to when expiries were warned of, in the time that the store went by then; none before the first look.
    pub(crate) warned: Option<Timestamp>,
}

impl Seen {
    /// Reads the file, if it is there, and holds it to the store that it was written for.
    pub(crate) fn open(path: &Path, store: &Store) -> Result<Self, Failure> {
        let mut seen = Self { path: path.to_owned(), log_id: store.log_id(), point: None, warned: None };
        let failed = |error: &io::Error| Failure::io("read", path, error);
        let mut text = String::new();
        match File::open(path) {
            Ok(file) => drop(file.take(BYTES_MAX).read_to_string(&mut text).map_err(|error| failed(&error))?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                place::check(path, false)?;
                return Ok(seen);
            }
            Err(error) => return Err(failed(&error)),
        }
        let wrong = |what: &str| {
            let hint = "name the file that an earlier watch of this store wrote, or one that is not there yet";
            Failure::usage(format!("{} {what}", path.display())).hint(hint)
        };
        let found: Value = serde_json::from_str(&text).map_err(|_| wrong("is no file of a watch"))?;
        match found.get("log_id").and_then(Value::as_str) {
            Some(log_id) if log_id == seen.log_id.to_hex() => {}
            Some(_) => return Err(wrong("is of another store")),
            None => return Err(wrong("is no file of a watch")),
        }
        let position = found.get("position").and_then(Value::as_u64);
        let position = position.map(Position::new).ok_or_else(|| wrong("names no position"))?;
        // Files of release 0.1 have the position alone.
        let head = found.get("head").and_then(Value::as_str).map(from_hex);
        let head = head.map(|head| head.ok_or_else(|| wrong("has a head that is none"))).transpose()?;
        let incarnation = Incarnation::new(found.get("incarnation").and_then(Value::as_u64).unwrap_or_default());
        seen.point = Some(ResumePoint { log_id: seen.log_id, position, head, incarnation });
        let warned = found.get("warned_until").and_then(Value::as_str);
        seen.warned = warned.map(Timestamp::parse).transpose().map_err(|_| wrong("names no time"))?;
        Ok(seen)
    }

    /// Writes down how far it has come.
    pub(crate) fn keep(&mut self, point: ResumePoint, warned: Timestamp) -> Result<(), Failure> {
        if (self.point, self.warned) == (Some(point), Some(warned)) {
            return Ok(());
        }
        let line = json!({
            "log_id": self.log_id.to_hex(),
            "position": point.position,
            "head": point.head.map(|head| hex(&head)),
            "incarnation": point.incarnation,
            "warned_until": warned,
        });
        place::write(&self.path, format!("{line}\n").as_bytes(), true)?;
        (self.point, self.warned) = (Some(point), Some(warned));
        Ok(())
    }
}

/// Reads 32 bytes of hexadecimal.
fn from_hex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    for (at, byte) in bytes.iter_mut().enumerate() {
        let digits = text.get(at.checked_mul(2)?..at.checked_mul(2)?.checked_add(2)?)?;
        *byte = u8::from_str_radix(digits, 16).ok()?;
    }
    (hex(&bytes) == text).then_some(bytes)
}
