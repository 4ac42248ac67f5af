//! Owns `latchkeep log export`: the log on its way out, as lines, packed or not.
//!
//! Read next: [`super::log_verify`], for whoever gets it.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;

use indicatif::ProgressBar;
use latchkeep::ledger::SignedCheckpoint;
use latchkeep::{ExportOptions, Position, Store};
use serde_json::json;

use super::summary::counted;
use crate::args::LogExport;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::place::Beside;
use crate::scene::Scene;
use crate::{brought, place};

pub(crate) fn run(args: &LogExport, scene: &mut Scene) -> Result<Exit, Failure> {
    args.out.as_deref().map_or(Ok(()), |path| place::check(path, args.force))?;
    if args.zstd && args.out.is_none() && io::stdout().is_terminal() {
        let message = "what zstd packs is not for a terminal";
        return Err(Failure::usage(message).hint("--out FILE writes it to a file; a pipe takes it too"));
    }
    let store = scene.store().clone();
    let options = options(args, &store)?;
    let bar = bar(args, &store)?;
    let Some(path) = &args.out else {
        let written = write(&store, options, args.zstd, io::stdout().lock(), &bar);
        bar.finish_and_clear();
        written?;
        return Ok(Exit::Done);
    };
    let mut file = Beside::of(path)?;
    let written = write(&store, options, args.zstd, file.file(), &bar);
    bar.finish_and_clear();
    let checkpoint = written.map_err(|failure| failure.while_writing(path))?;
    file.put(path, args.force)?;
    tell(args, path, &checkpoint, scene)?;
    Ok(Exit::Done)
}

fn options(args: &LogExport, store: &Store) -> Result<ExportOptions, Failure> {
    let mut options = ExportOptions::default();
    if let Some(from) = args.from {
        options = options.from(Position::new(from));
    }
    if let Some(to) = args.to {
        options = options.to(Position::new(to));
    }
    if let Some(path) = &args.earlier {
        // An export that proves something about another log would help nobody.
        options = options.earlier(store.verify_anchored(&brought::checkpoints(path)?)?);
    }
    Ok(options)
}

/// Makes the bar; none where the lines themselves go onto the terminal.
fn bar(args: &LogExport, store: &Store) -> Result<ProgressBar, Failure> {
    if args.out.is_none() && io::stdout().is_terminal() {
        return Ok(ProgressBar::hidden());
    }
    let end = args.to.unwrap_or(store.status()?.log_size.get());
    Ok(super::scrub::bar(end.saturating_sub(args.from.unwrap_or_default()), "records"))
}

fn write(
    store: &Store,
    options: ExportOptions,
    is_packed: bool,
    to: impl Write,
    bar: &ProgressBar,
) -> Result<SignedCheckpoint, Failure> {
    let mut watched = Watched { to: BufWriter::with_capacity(BUFFER_BYTES, to), problem: None };
    let progress = |written| bar.set_position(written);
    let written = if is_packed {
        let mut packer = zstd::Encoder::new(&mut watched, zstd::DEFAULT_COMPRESSION_LEVEL)?;
        packer.include_checksum(true)?;
        store.export(&mut packer, options, progress).map(|checkpoint| (checkpoint, packer.finish().map(drop)))
    } else {
        store.export(&mut watched, options, progress).map(|checkpoint| (checkpoint, Ok(())))
    };
    // What the system says is clearer than what was made of it, and a closed pipe is no failure.
    if let Some(problem) = watched.problem.take() {
        return Err(problem.into());
    }
    let (checkpoint, packed) = written?;
    packed?;
    watched.flush()?;
    Ok(checkpoint)
}

/// Bytes that are handed to the system at a time.
const BUFFER_BYTES: usize = 256 * 1_024;

/// Keeps what went wrong on the way out.
struct Watched<W: Write> {
    to: BufWriter<W>,
    problem: Option<io::Error>,
}

impl<W: Write> Watched<W> {
    fn keep<T>(&mut self, outcome: io::Result<T>) -> io::Result<T> {
        outcome.map_err(|error| {
            let kind = error.kind();
            if kind != io::ErrorKind::Interrupted {
                self.problem = Some(error);
            }
            kind.into()
        })
    }
}

impl<W: Write> Write for Watched<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let outcome = self.to.write(bytes);
        self.keep(outcome)
    }

    fn flush(&mut self) -> io::Result<()> {
        let outcome = self.to.flush();
        self.keep(outcome)
    }
}

fn tell(args: &LogExport, path: &Path, checkpoint: &SignedCheckpoint, scene: &mut Scene) -> Result<(), Failure> {
    let tree_head = checkpoint.checkpoint().tree_head;
    let from = args.from.unwrap_or_default();
    let records = tree_head.size.get().saturating_sub(from);
    if scene.out.is_json() {
        scene.out.json(&json!({
            "file": path,
            "first": from,
            "records": records,
            "size": tree_head.size,
            "root": tree_head.root.to_base64(),
            "checkpoint": checkpoint.note(),
        }))
    } else {
        let records = counted(records, "record");
        scene.out.line(format!("wrote {records} to {}, up to a checkpoint of size {}", path.display(), tree_head.size))
    }
}
