//! Owns key files: 32 random bytes as text in a file that only its owner may read.
//!
//! It never overwrites a file, and never reads one that other users may read. Read next: [`super::slot`].
//!
//! A key file is three lines, each ended by a line feed (a carriage return before it is ignored):
//!
//! 1. `latchkeep key file v1`
//! 2. `key `, then the 32 bytes in 64 lower-case hexadecimal digits
//! 3. `check `, then the first 8 bytes of BLAKE3 (`derive_key`, context below) of the 32 bytes, in 16 digits
//!
//! The check distinguishes a damaged key file from a wrong one. It reveals nothing useful without the file.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;

use zeroize::Zeroizing;

use super::error::{KeyFileProblem, SealError};
use super::sealing_key::{KEY_BYTES, KeyBytes};

const HEADER: &str = "latchkeep key file v1";
const CHECK_CONTEXT: &str = "latchkeep 2026-11-23 seal v1 key file check";
const CHECK_BYTES: usize = 8;
const FILE_BYTES_MAX: usize = 1_024;
const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Makes a key file with a fresh key, readable by its owner only, and makes it durable.
///
/// # Errors
///
/// [`SealError::KeyFile`] when something exists at `path` already or the system refuses; [`SealError::Random`].
pub(crate) fn create(path: &Path) -> Result<(), SealError> {
    let key = KeyBytes::random()?;
    write(path, &render(&key)).map_err(|err| failed(path, err.into()))
}

/// Reads the key of a key file.
///
/// # Errors
///
/// [`SealError::KeyFile`], which says whether the file is missing, open to other users, something else, or damaged.
pub(super) fn read(path: &Path) -> Result<KeyBytes, SealError> {
    read_text(path).and_then(|text| parse(&text)).map_err(|problem| failed(path, problem))
}

fn failed(path: &Path, problem: KeyFileProblem) -> SealError {
    SealError::KeyFile { path: path.to_owned(), problem }
}

fn write(path: &Path, text: &[u8]) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    // Half a key file would block the next attempt.
    fill(file, text).inspect_err(|_| drop(std::fs::remove_file(path)))?;
    #[cfg(unix)]
    if let Some(parent) = path.parent() {
        let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        File::open(parent)?.sync_all()?;
    }
    Ok(())
}

fn fill(mut file: File, text: &[u8]) -> std::io::Result<()> {
    file.write_all(text)?;
    file.sync_all()
}

fn read_text(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyFileProblem> {
    // The file is checked before the open, because opening a pipe would wait for a writer, and again afterwards on the
    // open file.
    check_file(&std::fs::metadata(path)?)?;
    let mut file = File::open(path)?;
    check_file(&file.metadata()?)?;
    let mut text = Zeroizing::new(vec![0; FILE_BYTES_MAX]);
    let mut len = 0_usize;
    loop {
        let room = text.get_mut(len..).unwrap_or_default();
        if room.is_empty() {
            return Err(KeyFileProblem::NotAKeyFile);
        }
        match file.read(room) {
            Ok(0) => break,
            Ok(read) => len = len.saturating_add(read),
            Err(err) if err.kind() == std::io::ErrorKind::Interrupted => {}
            Err(err) => return Err(err.into()),
        }
    }
    text.truncate(len);
    Ok(text)
}

fn check_file(metadata: &std::fs::Metadata) -> Result<(), KeyFileProblem> {
    if !metadata.is_file() {
        return Err(KeyFileProblem::NotAFile);
    }
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777;
        if mode & 0o077 != 0 {
            return Err(KeyFileProblem::TooOpen(mode));
        }
    }
    Ok(())
}

pub(crate) fn render(key: &KeyBytes) -> Zeroizing<Vec<u8>> {
    let mut text = Zeroizing::new(Vec::with_capacity(FILE_BYTES_MAX));
    text.extend_from_slice(HEADER.as_bytes());
    text.extend_from_slice(b"\nkey ");
    push_hex(&mut text, key.expose());
    text.extend_from_slice(b"\ncheck ");
    push_hex(&mut text, &check(key));
    text.push(b'\n');
    text
}

pub(crate) fn parse(text: &[u8]) -> Result<KeyBytes, KeyFileProblem> {
    let mut lines = text.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    if lines.next() != Some(HEADER.as_bytes()) {
        return Err(KeyFileProblem::NotAKeyFile);
    }
    let mut digits = |word: &str| lines.next()?.strip_prefix(word.as_bytes());
    let (key, stored) = digits("key ").zip(digits("check ")).ok_or(KeyFileProblem::Damaged)?;
    if lines.any(|line| !line.is_empty()) {
        return Err(KeyFileProblem::Damaged);
    }
    let key = KeyBytes::filled(|own: &mut [u8; KEY_BYTES]| read_hex(key, own).ok_or(KeyFileProblem::Damaged))?;
    let mut expected = [0; CHECK_BYTES];
    read_hex(stored, &mut expected).ok_or(KeyFileProblem::Damaged)?;
    if expected == check(&key) { Ok(key) } else { Err(KeyFileProblem::Damaged) }
}

fn check(key: &KeyBytes) -> [u8; CHECK_BYTES] {
    let mut check = [0; CHECK_BYTES];
    blake3::Hasher::new_derive_key(CHECK_CONTEXT).update(key.expose()).finalize_xof().fill(&mut check);
    check
}

fn push_hex(text: &mut Vec<u8>, bytes: &[u8]) {
    let digit = |value: u8| DIGITS.get(usize::from(value)).copied().unwrap_or_default();
    for byte in bytes {
        text.extend_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
    }
}

/// Reads exactly as many digits as `bytes` needs.
fn read_hex(digits: &[u8], bytes: &mut [u8]) -> Option<()> {
    if digits.len() != bytes.len().checked_mul(2)? {
        return None;
    }
    let value = |digit: u8| DIGITS.iter().position(|known| *known == digit).and_then(|at| u8::try_from(at).ok());
    for ([high, low], byte) in digits.as_chunks::<2>().0.iter().zip(bytes) {
        *byte = value(*high)? << 4 | value(*low)?;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::testing::{hex, key};

    #[track_caller]
    fn problem(path: &Path) -> KeyFileProblem {
        match read(path) {
            Err(SealError::KeyFile { problem, .. }) => problem,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_key_file_is_golden() {
        let golden = format!("latchkeep key file v1\nkey {}\ncheck 29d2e0ddbc519908\n", hex(key().expose()));
        assert_eq!(render(&key()).as_slice(), golden.as_bytes());
        assert_eq!(parse(golden.as_bytes()).unwrap().expose(), key().expose());
        assert_eq!(parse(golden.replace('\n', "\r\n").as_bytes()).unwrap().expose(), key().expose());
    }

    #[test]
    fn a_damaged_key_file_is_told_apart_from_another_file() {
        let text = render(&key()).to_vec();
        for at in 0..text.len() - 1 {
            let mut bad = text.clone();
            bad[at] ^= 1;
            match parse(&bad) {
                Err(KeyFileProblem::NotAKeyFile) => assert!(at <= HEADER.len()),
                Err(KeyFileProblem::Damaged) => assert!(at > HEADER.len()),
                other => panic!("byte {at}: {other:?}"),
            }
        }
        for len in HEADER.len() + 1..text.len() - 1 {
            assert!(matches!(parse(&text[..len]), Err(KeyFileProblem::Damaged)), "length {len}");
        }
        assert!(matches!(parse(&[&text[..], b"more"].concat()), Err(KeyFileProblem::Damaged)));
        assert!(matches!(parse(b""), Err(KeyFileProblem::NotAKeyFile)));
    }

    #[test]
    fn a_new_key_file_is_its_owners_alone_and_never_written_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store.key");
        create(&path).unwrap();
        let made = read(&path).unwrap();
        let again = create(&path).unwrap_err();
        assert!(again.to_string().contains("store.key"), "{again}");
        assert_eq!(read(&path).unwrap().expose(), made.expose());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
            assert!(matches!(problem(&path), KeyFileProblem::TooOpen(0o640)));
        }
    }

    #[test]
    fn what_is_no_key_file_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        assert!(matches!(problem(&path), KeyFileProblem::Io(err) if err.kind() == std::io::ErrorKind::NotFound));
        assert!(matches!(problem(dir.path()), KeyFileProblem::NotAFile));
        write(&path, &[b'x'; FILE_BYTES_MAX]).unwrap();
        assert!(matches!(problem(&path), KeyFileProblem::NotAKeyFile));
    }
}
