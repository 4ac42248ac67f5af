//! Owns what a command works with: an open store, who acts, where input comes from and output goes.
//!
//! Read next: [`super::commands`].

use std::path::{Path, PathBuf};

use latchkeep::{Actor, Session, Store, StoreOptions};

use crate::anchors::Anchors;
use crate::args::{Given, Global};
use crate::commands::clock;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input::Stdin;
use crate::out::Out;
use crate::{brought, failure, keys, times};

/// What a command needs the store for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// It only looks, and leaves no trace.
    Look,
    /// It changes something, or has to record that it read.
    Act,
}

/// Everything that a command works with.
pub(crate) struct Scene {
    pub(crate) session: Session,
    pub(crate) out: Out,
    pub(crate) stdin: Stdin,
    anchors: Anchors,
}

impl Scene {
    /// Opens the store that the global arguments name.
    pub(crate) fn open(global: &Global, given: Given, access: Access) -> Result<Self, Failure> {
        let dir = store_dir(global)?;
        if !dir.exists() {
            let message = format!("{} is not a store: there is nothing at that path", dir.display());
            return Err(Failure::new(Exit::Usage, "not_a_store", message).hint(keys::hint_to_create(global, &dir)));
        }
        let actor = actor(global)?;
        let unlock = keys::to_open(global, given, &dir)?;
        let (mut options, anchors) = (StoreOptions::new(&dir, unlock), Anchors::default());
        if let Some(path) = &global.expect {
            options = options.expecting_anchored(&brought::checkpoints(path)?);
        }
        let store = match access {
            Access::Look => options.open_read_only()?,
            Access::Act => anchors.hand(global, options).open()?,
        };
        let scene = Self { anchors, ..Self::on(&store, actor, global.json) };
        scene.tell_of_the_disk();
        scene.tell_of_the_clock();
        Ok(scene)
    }

    /// Works with a store that is open.
    pub(crate) fn on(store: &Store, actor: Actor, json: bool) -> Self {
        Self {
            session: store.acting_as(actor),
            out: Out::new(json),
            stdin: Stdin::Process,
            anchors: Anchors::default(),
        }
    }

    /// Gives the store.
    pub(crate) const fn store(&self) -> &Store {
        self.session.store()
    }

    /// Closes the store. What the command says counts more than what the close says.
    pub(crate) fn close(mut self, outcome: Result<Exit, Failure>) -> Result<Exit, Failure> {
        // The answer comes first, also where a checkpoint goes to stdout at the close.
        let flushed = self.out.flush();
        let closed = self.store().close();
        let exit = outcome?;
        flushed?;
        closed?;
        self.anchors.conclude()?;
        Ok(exit)
    }

    fn tell_of_the_clock(&self) {
        let clock = self.store().clock();
        times::go_by(&clock);
        if let Some(words) = clock::doubt(&clock) {
            failure::warn(format!("{words}; latchkeep clock show tells more"));
        }
    }

    fn tell_of_the_disk(&self) {
        let free = self.store().status().ok().and_then(|status| status.short_of_space);
        if let Some(free_bytes) = free {
            failure::warn(format!("the disk of the store has {free_bytes} bytes left; make room soon"));
        }
    }
}

/// Gives the directory of the store.
pub(crate) fn store_dir(global: &Global) -> Result<PathBuf, Failure> {
    let named = global.store.as_deref().filter(|dir| !dir.as_os_str().is_empty()).map(Path::to_path_buf);
    named.ok_or_else(|| {
        Failure::usage("no store is named")
            .hint("--store DIR, or the variable LATCHKEEP_STORE, names one; latchkeep init makes one")
    })
}

/// Holds a directory to what a new store takes, before a key file is made or a passphrase asked for; the store looks
/// again.
pub(crate) fn check_free(dir: &Path) -> Result<(), Failure> {
    if dir.is_file() || std::fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some()) {
        let message = format!("{} exists already; open it, or make the store elsewhere", dir.display());
        return Err(Failure::new(Exit::Usage, "store_exists", message));
    }
    Ok(())
}

/// Gives who acts: as said, or the login name, or `cli`.
#[expect(clippy::disallowed_methods, reason = "the login name is in the environment, and no option")]
pub(crate) fn actor(global: &Global) -> Result<Actor, Failure> {
    if let Some(actor) = global.actor.as_deref().filter(|actor| !actor.is_empty()) {
        return Ok(Actor::parse(actor)?);
    }
    let login = ["LOGNAME", "USER", "USERNAME"].into_iter().find_map(|name| {
        let found = std::env::var(name).ok()?;
        Actor::parse(&found).ok()
    });
    login.map_or_else(|| Ok(Actor::parse("cli")?), Ok)
}
