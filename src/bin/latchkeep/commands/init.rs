//! Owns `latchkeep init`: a store, and the key file that opens it.
//!
//! Read next: [`super::super::keys`].

use std::path::Path;

use latchkeep::{LogId, StoreOptions};
use serde_json::json;

use crate::anchors::Anchors;
use crate::args::{Given, Global, Init};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::keys::{self, KeyMade};
use crate::out::Out;
use crate::scene;

pub(crate) fn run(global: &Global, given: Given, args: &Init) -> Result<Exit, Failure> {
    if global.expect.is_some() {
        return Err(Failure::usage("--expect is for a store that is there"));
    }
    let dir = scene::store_dir(global)?;
    scene::check_free(&dir)?;
    let (unlock, key_made) = keys::to_create(global, given, &dir)?;
    let anchors = Anchors::default();
    let options = StoreOptions::new(&dir, unlock)
        .access_audit(args.access_audit.into())
        .refuse_rotation_while_locked(args.refuse_rotation_while_locked);
    let created = anchors.hand(global, options).create().and_then(|store| {
        let log_id = store.log_id();
        store.close().map(|()| log_id)
    });
    let log_id = match created {
        Ok(log_id) => log_id,
        Err(error) => {
            keys::take_back(global, key_made, &dir);
            return Err(error.into());
        }
    };
    tell(global, &dir, log_id, key_made)?;
    anchors.conclude()?;
    Ok(Exit::Done)
}

fn tell(global: &Global, dir: &Path, log_id: LogId, key_made: KeyMade) -> Result<(), Failure> {
    let key_file = global.key_file.as_ref().filter(|_| key_made == KeyMade::Yes);
    let mut out = Out::new(global.json);
    if out.is_json() {
        out.json(&json!({ "store": dir, "log_id": log_id.to_hex(), "key_file_made": key_file }))?;
    } else {
        out.line(format!("made a store in {}", dir.display()))?;
        if let Some(path) = key_file {
            out.line(format!("made its key file {0}; keep a copy elsewhere, without it all is lost", path.display()))?;
        }
    }
    out.flush()
}
