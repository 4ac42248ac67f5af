//! Owns finding what opens a store: a key file, a passphrase file, or a passphrase that a person types.
//!
//! Read next: [`super::scene`].

use std::path::Path;

use latchkeep::{SecretBytes, Unlock};

use crate::args::{BackupKey, Given, Global};
use crate::failure::{self, Failure};
use crate::{input, prompt, scene};

/// Bytes of a passphrase file, at most: far more than anybody types.
const PASSPHRASE_BYTES_MAX: usize = 4_096;

/// What the arguments say about keys.
enum Said<'a> {
    KeyFile(&'a Path),
    PassphraseFile(&'a Path),
    Nothing,
}

/// Gives what opens the store in `dir`.
pub(crate) fn to_open(global: &Global, given: Given, dir: &Path) -> Result<Unlock, Failure> {
    match said(global, given)? {
        Said::KeyFile(path) => {
            warn_if_inside(path, dir);
            Ok(Unlock::key_file(path))
        }
        Said::PassphraseFile(path) => Ok(Unlock::passphrase(read_passphrase(path)?)),
        Said::Nothing if prompt::somebody_is_there() => Ok(Unlock::passphrase(prompt::secret("passphrase")?)),
        Said::Nothing => Err(nothing_said()),
    }
}

/// Gives what shall open a new store; makes the key file if it is not there.
pub(crate) fn to_create(global: &Global, given: Given, dir: &Path) -> Result<(Unlock, KeyMade), Failure> {
    match said(global, given)? {
        Said::KeyFile(path) if lies_inside(path.parent().unwrap_or(path), dir) => {
            let message = format!("key file {} would lie in the store's own directory", path.display());
            Err(Failure::usage(message).hint("name a place elsewhere: whoever takes the directory would have both"))
        }
        Said::KeyFile(path) if path.exists() => Ok((Unlock::key_file(path), KeyMade::No)),
        Said::KeyFile(path) => Ok((Unlock::create_key_file(path)?, KeyMade::Yes)),
        Said::PassphraseFile(path) => Ok((Unlock::passphrase(read_passphrase(path)?), KeyMade::No)),
        Said::Nothing if prompt::somebody_is_there() => {
            let passphrase = prompt::secret_twice("passphrase for the new store, at least 8 characters")?;
            Ok((Unlock::passphrase(passphrase), KeyMade::No))
        }
        Said::Nothing => Err(nothing_said()),
    }
}

/// Says how a store is made, with the key file or the passphrase file that was given.
pub(crate) fn hint_to_create(global: &Global, dir: &Path) -> String {
    let key = match (&global.key_file, &global.passphrase_file) {
        (Some(path), _) => format!("--key-file {}", path.display()),
        (None, Some(path)) => format!("--passphrase-file {}", path.display()),
        (None, None) => format!("--key-file {}.key", dir.display()),
    };
    format!("latchkeep init --store {} {key} makes one", dir.display())
}

/// Takes a key file away again that was made for a store that could not be made: a key to nothing would only stand in
/// the way of the next attempt.
pub(crate) fn take_back(global: &Global, made: KeyMade, dir: &Path) {
    if let (KeyMade::Yes, Some(path), Ok(())) = (made, &global.key_file, scene::check_free(dir)) {
        // One that cannot be removed is in nobody's way but the next attempt's, which says so.
        let _ = std::fs::remove_file(path);
    }
}

/// Gives what shall open a new backup; makes the key file if it is not there.
pub(crate) fn to_back_up(key: &BackupKey) -> Result<(Unlock, KeyMade), Failure> {
    match said_of_backup(key) {
        Said::KeyFile(path) if !path.exists() => Ok((Unlock::create_key_file(path)?, KeyMade::Yes)),
        Said::Nothing if prompt::somebody_is_there() => {
            let passphrase = prompt::secret_twice("passphrase for the backup, at least 8 characters")?;
            Ok((Unlock::passphrase(passphrase), KeyMade::No))
        }
        _ => Ok((to_read_backup(key)?, KeyMade::No)),
    }
}

/// Gives what opens a backup.
pub(crate) fn to_read_backup(key: &BackupKey) -> Result<Unlock, Failure> {
    match said_of_backup(key) {
        Said::KeyFile(path) => Ok(Unlock::key_file(path)),
        Said::PassphraseFile(path) => Ok(Unlock::passphrase(read_passphrase(path)?)),
        Said::Nothing if prompt::somebody_is_there() => {
            Ok(Unlock::passphrase(prompt::secret("passphrase of the backup")?))
        }
        Said::Nothing => Err(Failure::usage(
            "nothing is named that opens the backup, and there is no terminal to ask for a passphrase",
        )
        .hint("--backup-key-file FILE or --backup-passphrase-file FILE")),
    }
}

fn said_of_backup(key: &BackupKey) -> Said<'_> {
    let full = |path: &&Path| !path.as_os_str().is_empty();
    let key_file = key.backup_key_file.as_deref().filter(full).map(Said::KeyFile);
    let passphrase_file = || key.backup_passphrase_file.as_deref().filter(full).map(Said::PassphraseFile);
    key_file.or_else(passphrase_file).unwrap_or(Said::Nothing)
}

/// Whether a key file was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyMade {
    Yes,
    No,
}

fn said(global: &Global, given: Given) -> Result<Said<'_>, Failure> {
    let full = |path: &'_ Option<std::path::PathBuf>| path.as_deref().is_some_and(|path| !path.as_os_str().is_empty());
    match (full(&global.key_file), full(&global.passphrase_file)) {
        (false, false) => Ok(Said::Nothing),
        (true, true) if given.key_file == given.passphrase_file => {
            Err(Failure::usage("a key file and a passphrase file are both named; name the one that opens the store"))
        }
        // What was typed counts more than what a variable says.
        (true, other) if !other || given.key_file => {
            Ok(global.key_file.as_deref().map_or(Said::Nothing, Said::KeyFile))
        }
        _ => Ok(global.passphrase_file.as_deref().map_or(Said::Nothing, Said::PassphraseFile)),
    }
}

fn nothing_said() -> Failure {
    Failure::usage("nothing is named that opens the store, and there is no terminal to ask for a passphrase").hint(
        "--key-file FILE or --passphrase-file FILE, or the variables LATCHKEEP_KEY_FILE or LATCHKEEP_PASSPHRASE_FILE",
    )
}

/// Reads a passphrase: the first line of a file, which should have no other.
fn read_passphrase(path: &Path) -> Result<SecretBytes, Failure> {
    let read = input::read_file(path, PASSPHRASE_BYTES_MAX)?;
    let passphrase = input::without_line_end(read);
    if passphrase.is_empty() {
        return Err(Failure::usage(format!("passphrase file {} is empty", path.display())));
    }
    if passphrase.expose().contains(&b'\n') {
        return Err(Failure::usage(format!("passphrase file {} has more than one line", path.display())));
    }
    warn_if_open_to_others(path);
    Ok(passphrase)
}

fn warn_if_open_to_others(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let others = std::fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o077 != 0);
    if others {
        failure::warn(format!("passphrase file {0} can be read by others; run chmod 600 {0}", path.display()));
    }
}

fn warn_if_inside(key_file: &Path, dir: &Path) {
    if lies_inside(key_file, dir) {
        failure::warn(format!(
            "key file {} lies in the store's own directory: whoever takes the directory has both; move it elsewhere",
            key_file.display()
        ));
    }
}

/// Tells whether a path lies in a directory, links followed where they are there to follow.
fn lies_inside(path: &Path, dir: &Path) -> bool {
    match (path.canonicalize(), dir.canonicalize()) {
        (Ok(path), Ok(dir)) => path.starts_with(dir),
        _ => path.starts_with(dir),
    }
}
