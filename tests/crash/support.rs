//! Owns what the parts share: how a store is opened, what a campaign is, and how this program starts itself again.

use std::path::{Path, PathBuf};
use std::process::Command;

use latchkeep::{Actor, SecretBytes, SecretType, Session, Store, StoreOptions, Unlock};

use super::model::Kind;

/// The byte that the key of slot 0 is made of.
pub const FIRST_KEY: u8 = 7;

/// What a writer is to do.
#[derive(Clone, Debug)]
pub struct Campaign {
    pub dir: PathBuf,
    pub seed: u64,
    pub threads: u64,
    /// Steps of each thread until the store is closed and opened again.
    pub steps_per_open: u64,
    pub opens: u64,
}

impl Campaign {
    fn get(name: &str, default: u64) -> u64 {
        std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
    }

    /// Reads what a parent process has set.
    pub fn from_env() -> Self {
        Self {
            dir: PathBuf::from(std::env::var_os("CRASH_DIR").expect("CRASH_DIR names the store")),
            seed: Self::get("CRASH_SEED", 1),
            threads: Self::get("CRASH_THREADS", 2),
            steps_per_open: Self::get("CRASH_STEPS", 16),
            opens: Self::get("CRASH_OPENS", 2),
        }
    }

    /// Gives this program as a process of its own that does one thing: `write`, `check`, ...
    pub fn process(&self, role: &str) -> Command {
        let mut command = itself(role);
        command
            .env("CRASH_DIR", &self.dir)
            .env("CRASH_SEED", self.seed.to_string())
            .env("CRASH_THREADS", self.threads.to_string())
            .env("CRASH_STEPS", self.steps_per_open.to_string())
            .env("CRASH_OPENS", self.opens.to_string());
        command
    }
}

pub fn itself(role: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["child", "--exact", "--ignored", "--nocapture"]).env("CRASH_ROLE", role);
    command
}

pub fn options(dir: &Path, key: u8) -> StoreOptions {
    StoreOptions::new(dir, unlock(key)).cache_bytes(8 << 20)
}

pub fn unlock(key: u8) -> Unlock {
    Unlock::bytes(SecretBytes::copy_from(&[key; 32]))
}

pub fn session(store: &Store, actor: &str) -> Session {
    store.acting_as(Actor::parse(actor).unwrap())
}

pub fn secret_type(kind: Kind) -> SecretType {
    match kind {
        Kind::Text => SecretType::Arbitrary,
        Kind::Kv => SecretType::Kv,
        Kind::Password => SecretType::UsernamePassword,
        Kind::Key | Kind::Fresh => SecretType::IamCredentials,
    }
}

/// What stands for a value in what is printed.
pub fn digest(value: &str) -> String {
    blake3::hash(value.as_bytes()).to_hex()[..16].to_owned()
}

/// Copies a directory, files and all below.
pub fn copy_dir(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let name = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_dir(&entry.path(), &name)?;
        } else {
            std::fs::copy(entry.path(), name)?;
        }
    }
    Ok(())
}
