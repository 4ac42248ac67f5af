//! Owns `latchkeep log accept-restore`: the word of a person, in an anchor file, on a restore that the log tells of.
//!
//! Read next: [`crate::anchors`].

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use latchkeep::{AcceptedRestore, AnchorFile, FileAnchor};
use serde_json::json;

use super::summary::counted;
use crate::args::LogAcceptRestore;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::scene::Scene;

pub(super) fn run(args: &LogAcceptRestore, scene: &mut Scene) -> Result<Exit, Failure> {
    let path = &args.file;
    let told = scene.store().restores()?;
    if told.is_empty() {
        return Err(Failure::new(
            Exit::Conflict,
            "never_restored",
            "the log tells of no restore; nothing was accepted",
        ));
    }
    let (mut file, anchor) = (read(path)?, FileAnchor::new(path));
    let is_new = |restore: &&AcceptedRestore| !file.restores().iter().any(|accepted| accepted.covers(restore));
    let new: Vec<_> = told.iter().filter(is_new).collect();
    for restore in &new {
        file.accept((*restore).clone());
    }
    // The store has to hold to the file as it will be: a line that is written is there for good.
    scene.store().verify_anchored(&file)?;
    for restore in &new {
        anchor.accept(restore).map_err(|error| Failure::io("write", path, &error))?;
    }
    let sizes: Vec<_> = new.iter().map(|restore| restore.restored.tree_head.size).collect();
    if scene.out.is_json() {
        scene.out.json(&json!({ "file": path, "accepted": sizes }))?;
        return Ok(Exit::Done);
    }
    if sizes.is_empty() {
        scene.out.line(format!("{} accepts the restore already", path.display()))?;
    }
    for size in sizes {
        let records = counted(size.get(), "record");
        scene.out.line(format!("{} goes on with the log that was restored with {records}", path.display()))?;
    }
    Ok(Exit::Done)
}

fn read(path: &Path) -> Result<AnchorFile, Failure> {
    let file = File::open(path).map_err(|error| Failure::io("open", path, &error))?;
    AnchorFile::read(BufReader::new(file)).map_err(|error| Failure::io("read", path, &error))
}
