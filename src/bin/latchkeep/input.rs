//! Owns where secret values come from: stdin, a file, a `.env` file, a prompt; never an argument. All are bounded.
//!
//! Read next: [`latchkeep::dotenv`].

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::Path;

use latchkeep::{SecretBytes, dotenv, limits};
use zeroize::Zeroizing;

use crate::args::SourceArgs;
use crate::brought::is_dash;
use crate::failure::Failure;
use crate::prompt;

/// Bytes of any value, at most: the longest text, in the widest characters.
const VALUE_BYTES_MAX: usize = limits::PAYLOAD_CHARS_MAX.saturating_mul(4);

/// What stands for standard input.
#[derive(Debug)]
pub(crate) enum Stdin {
    /// The process's own.
    Process,
    /// What was read or typed before, or what the tour brings along; nothing after it was taken.
    Given(Option<SecretBytes>),
}

/// Reads or asks for what stdin or a person has to bring; files wait until they are needed.
pub(crate) fn ahead(source: &SourceArgs, what: &str) -> Result<Stdin, Failure> {
    let file = source.from_file.as_deref().or(source.from_env.as_deref());
    let nothing_said = file.is_none() && !source.from_stdin && !source.prompt;
    if source.generate || file.is_some_and(|path| !is_dash(path)) {
        Ok(Stdin::Process)
    } else if source.prompt || nothing_said && io::stdin().is_terminal() {
        Ok(Stdin::Given(Some(prompt::secret_twice(what)?)))
    } else {
        Ok(Stdin::Given(Some(Stdin::Process.read()?)))
    }
}

/// What a value is for, which settles how it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Kept to the byte.
    Exact,
    /// A line: what ends it does not belong to it.
    Line,
    /// JSON, or a `.env` file.
    Fields,
}

/// Reads the value that the arguments name.
pub(crate) fn value(
    source: &SourceArgs,
    stdin: &mut Stdin,
    purpose: Purpose,
    what: &str,
) -> Result<SecretBytes, Failure> {
    if let Some(path) = &source.from_env {
        if purpose != Purpose::Fields {
            return Err(Failure::usage("--from-env is for kv secrets; --from-file takes the file as it is"));
        }
        let read = if is_dash(path) { stdin.read()? } else { read_file(path, VALUE_BYTES_MAX)? };
        return dotenv::to_json(&read).map_err(|wrong| Failure::usage(format!("{}: {wrong}", path.display())));
    }
    let read = match &source.from_file {
        Some(path) if is_dash(path) => stdin.read()?,
        Some(path) => read_file(path, VALUE_BYTES_MAX)?,
        None => stdin.read()?,
    };
    if read.is_empty() {
        return Err(Failure::usage(format!("{what} is empty"))
            .hint("--from-file FILE, --from-stdin or --prompt says where it comes from"));
    }
    let read = if source.trim || purpose == Purpose::Line { without_line_end(read) } else { read };
    let is_line = |text: &SecretBytes| !text.expose().iter().any(|byte| [b'\n', b'\r', 0].contains(byte));
    if purpose == Purpose::Line && !is_line(&read) {
        return Err(Failure::usage(format!("{what} is a password, and takes one line, without line breaks and NUL")));
    }
    Ok(read)
}

impl Stdin {
    /// Reads all of it.
    pub(crate) fn read(&mut self) -> Result<SecretBytes, Failure> {
        match self {
            Self::Process => read_all(io::stdin().lock(), VALUE_BYTES_MAX, Path::new("stdin")),
            Self::Given(text) => Ok(text.take().unwrap_or_else(|| SecretBytes::copy_from(b""))),
        }
    }
}

/// Reads a whole file of bounded size.
pub(crate) fn read_file(path: &Path, bytes_max: usize) -> Result<SecretBytes, Failure> {
    let file = File::open(path).map_err(|error| Failure::io("open", path, &error))?;
    read_all(file, bytes_max, path)
}

/// Reads all there is into memory that is wiped, without growing: growing leaves copies behind.
fn read_all(mut from: impl Read, bytes_max: usize, name: &Path) -> Result<SecretBytes, Failure> {
    let mut read = Zeroizing::new(vec![0_u8; bytes_max.saturating_add(1)]);
    let mut len = 0_usize;
    loop {
        let room = read.get_mut(len..).unwrap_or_default();
        if room.is_empty() {
            let message = format!("{} has more than {bytes_max} bytes, the most that is taken", name.display());
            return Err(Failure::usage(message));
        }
        match from.read(room) {
            Ok(0) => break,
            Ok(more) => len = len.saturating_add(more),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Failure::io("read", name, &error)),
        }
    }
    Ok(SecretBytes::copy_from(read.get(..len).unwrap_or_default()))
}

/// Takes one line end off the end.
pub(crate) fn without_line_end(text: SecretBytes) -> SecretBytes {
    let bytes = text.expose();
    let short = bytes.strip_suffix(b"\n").map(|bytes| bytes.strip_suffix(b"\r").unwrap_or(bytes));
    match short.map(SecretBytes::copy_from) {
        Some(short) => short,
        None => text,
    }
}
