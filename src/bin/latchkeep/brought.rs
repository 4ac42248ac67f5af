//! Owns what somebody brings along to check a log: checkpoints that were kept elsewhere, proofs, exports.
//!
//! All of it is untrusted; what is read into memory is bounded. Read next: [`super::commands`].

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressStyle};
use latchkeep::AnchorFile;
use latchkeep::ledger::{EVENT_PROOF_BYTES_MAX, POLICY_BYTES_MAX, WitnessPolicy};

use crate::commands::counted;
use crate::failure;

use crate::failure::Failure;

/// Reads the checkpoints of a file: a note alone, notes one after another, or lines of JSON with a note in each; and the
/// restores that were accepted in it. Warns of what is not whole.
pub(crate) fn checkpoints(path: &Path) -> Result<AnchorFile, Failure> {
    let file = File::open(path).map_err(|error| Failure::io("open", path, &error))?;
    let found = AnchorFile::read(BufReader::new(file)).map_err(|error| Failure::io("read", path, &error))?;
    if found.is_empty() {
        let hint = "latchkeep log checkpoint > FILE writes one";
        return Err(Failure::usage(format!("{} holds no checkpoint", path.display())).hint(hint));
    }
    if found.torn() > 0 {
        let torn = counted(found.torn(), "piece");
        failure::warn(format!("{}: passed over {torn} of text that is no whole checkpoint", path.display()));
    }
    Ok(found)
}

/// Reads the proof of an event; - means stdin.
pub(crate) fn proof(path: &Path) -> Result<String, Failure> {
    let most = u64::try_from(EVENT_PROOF_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    let mut text = Vec::new();
    let read = if is_dash(path) {
        io::stdin().lock().take(most).read_to_end(&mut text)
    } else {
        let file = File::open(path).map_err(|error| Failure::io("open", path, &error))?;
        file.take(most).read_to_end(&mut text)
    };
    read.map_err(|error| Failure::io("read", path, &error))?;
    String::from_utf8(text).map_err(|_| Failure::usage(format!("{} is no proof: it is not UTF-8 text", path.display())))
}

/// Reads a policy of witnesses.
pub(crate) fn policy(path: &Path) -> Result<WitnessPolicy, Failure> {
    let most = u64::try_from(POLICY_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    let file = File::open(path).map_err(|error| Failure::io("open", path, &error))?;
    let mut text = Vec::new();
    file.take(most).read_to_end(&mut text).map_err(|error| Failure::io("read", path, &error))?;
    WitnessPolicy::parse(&text).map_err(|invalid| Failure::usage(format!("{}: {invalid}", path.display())))
}

/// An export that is read from a file or from stdin, unpacked if it is packed.
pub(crate) struct Export {
    reader: Box<dyn Read + Send>,
    problem: Arc<Mutex<Option<String>>>,
    /// Shows on a terminal how much was read.
    pub(crate) bar: ProgressBar,
}

impl Export {
    /// Opens it; - means stdin.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let bar = bar();
        let plain: Box<dyn Read + Send> = if is_dash(path) {
            Box::new(bar.wrap_read(io::stdin()))
        } else {
            let file = File::open(path).map_err(|error| Failure::io("open", path, &error))?;
            bar.set_length(file.metadata().map_or(0, |about| about.len()));
            Box::new(bar.wrap_read(file))
        };
        let reader = unpacked(plain).map_err(|error| Failure::io("read", path, &error))?;
        Ok(Self { reader, problem: Arc::default(), bar })
    }

    /// Tells why the input could not be read to its end, if that is so.
    pub(crate) fn problem(&self) -> Option<String> {
        self.problem.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Read for Export {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer).inspect_err(|error| {
            if error.kind() != io::ErrorKind::Interrupted {
                *self.problem.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
            }
        })
    }
}

/// An export in a file that can be read more than once from its beginning, unpacked if it is packed.
pub(crate) struct ExportFile {
    file: File,
    reader: Box<dyn Read + Send>,
}

impl ExportFile {
    /// Opens it; stdin can be read once only.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        if is_dash(path) {
            return Err(Failure::usage(
                "a store is made of an export in a file, which is read twice; stdin is not taken",
            ));
        }
        let file = File::open(path).map_err(|error| Failure::io("open", path, &error))?;
        if !file.metadata().is_ok_and(|about| about.is_file()) {
            return Err(Failure::usage(format!(
                "{} is no file; a store is made of an export in a file",
                path.display()
            )));
        }
        let reader = Self::reader(&file).map_err(|error| Failure::io("read", path, &error))?;
        Ok(Self { file, reader })
    }

    fn reader(file: &File) -> io::Result<Box<dyn Read + Send>> {
        let mut file = file.try_clone()?;
        file.rewind()?;
        unpacked(Box::new(BufReader::new(file)))
    }
}

impl Read for ExportFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer)
    }
}

/// Goes back to the beginning and nowhere else: what is packed has no other places.
impl Seek for ExportFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        if to != SeekFrom::Start(0) {
            return Err(io::ErrorKind::Unsupported.into());
        }
        self.reader = Self::reader(&self.file)?;
        Ok(0)
    }
}

/// Unpacks what begins as zstd does; takes everything else as it is.
fn unpacked(mut packed: Box<dyn Read + Send>) -> io::Result<Box<dyn Read + Send>> {
    let mut first = Vec::new();
    packed.by_ref().take(4).read_to_end(&mut first)?;
    let is_zstd = first == ZSTD_MAGIC;
    let whole = Cursor::new(first).chain(packed);
    if !is_zstd {
        return Ok(Box::new(whole));
    }
    let mut decoder = zstd::Decoder::new(whole)?;
    decoder.window_log_max(WINDOW_LOG_MAX)?;
    Ok(Box::new(decoder))
}

/// How every zstd frame begins.
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// The largest window that a packed export may ask for, as a power of two: 8 MiB, which RFC 8878 asks every decoder to
/// take. It bounds the memory that a forged file can claim.
const WINDOW_LOG_MAX: u32 = 23;

/// Tells whether a path stands for a standard stream.
pub(crate) fn is_dash(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Makes a bar on stderr over bytes, which is only drawn on a terminal.
fn bar() -> ProgressBar {
    let bar = ProgressBar::no_length();
    if let Ok(style) = ProgressStyle::with_template("{bar:32} {bytes}/{total_bytes} {msg} ({eta})") {
        bar.set_style(style);
    }
    bar
}
