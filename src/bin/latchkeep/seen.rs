//! Owns the file in which a watch remembers how far it has come: one line of JSON, replaced whole.
//!
//! Read next: [`super::commands`].

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use latchkeep::{Position, Store, Timestamp};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::place;

/// Bytes that such a file has at most.
const BYTES_MAX: u64 = 4_096;

/// How far a watch has come, and where that is remembered.
#[derive(Debug)]
pub(crate) struct Seen {
    path: PathBuf,
    log_id: String,
    /// The next record to tell; none before the first.
    pub(crate) position: Option<Position>,
    /// Up to when expiries were warned of; none before the first look.
    pub(crate) warned: Option<Timestamp>,
}

impl Seen {
    /// Reads the file, if it is there, and holds it to the store that it was written for.
    pub(crate) fn open(path: &Path, store: &Store) -> Result<Self, Failure> {
        let mut seen = Self { path: path.to_owned(), log_id: store.log_id().to_hex(), position: None, warned: None };
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
            Some(log_id) if log_id == seen.log_id => {}
            Some(_) => return Err(wrong("is of another store")),
            None => return Err(wrong("is no file of a watch")),
        }
        let position = found.get("position").and_then(Value::as_u64);
        seen.position = Some(position.map(Position::new).ok_or_else(|| wrong("names no position"))?);
        let warned = found.get("warned_until").and_then(Value::as_str);
        seen.warned = warned.map(Timestamp::parse).transpose().map_err(|_| wrong("names no time"))?;
        Ok(seen)
    }

    /// Writes down how far it has come.
    pub(crate) fn keep(&mut self, position: Position, warned: Timestamp) -> Result<(), Failure> {
        if (self.position, self.warned) == (Some(position), Some(warned)) {
            return Ok(());
        }
        let line = json!({ "log_id": self.log_id, "position": position, "warned_until": warned });
        place::write(&self.path, format!("{line}\n").as_bytes(), true)?;
        (self.position, self.warned) = (Some(position), Some(warned));
        Ok(())
    }
}
