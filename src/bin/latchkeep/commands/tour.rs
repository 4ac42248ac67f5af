//! Owns `latchkeep tour`: the whole story, told by the commands themselves.
//!
//! Each step is parsed from the line that is shown, and run as it would be run from a shell. Read next: [`super`].

use std::path::{Path, PathBuf};

use clap::Parser;
use latchkeep::{Actor, SecretBytes, Store, StoreOptions, Unlock};

use crate::args::{Cli, Command, Given, Global, Tour};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input::Stdin;
use crate::keys;
use crate::out::{Out, bold};
use crate::scene::{self, Scene};

/// A part of the story.
enum Step {
    /// A heading.
    Part(&'static str),
    /// What to look at next.
    Tell(&'static str),
    /// A command, with what stands on its stdin, and the exit code that the story needs.
    Run(&'static str, Option<&'static str>, Exit),
    /// Closes the store and opens it again.
    Reopen,
}

use Step::{Part, Reopen, Run, Tell};

const STORY: &[Step] = &[
    Part("A dynamic credential: each read makes a new key and destroys the one before"),
    Run("secret create iam-credentials deployer --ttl 1h --service-id ci", None, Exit::Done),
    Run("secret get deployer", None, Exit::Done),
    Run("secret get deployer", None, Exit::Done),
    Tell("Two reads, two keys: the first one works no more. A job that needs its key for a while locks it:"),
    Run("lock create deployer nightly-deploy --description \"runs until six\" --ttl 2h", None, Exit::Done),
    Run("secret get deployer", None, Exit::Refused),
    Tell("The read would have destroyed the key that the job uses. The job is done:"),
    Run("lock delete deployer nightly-deploy", None, Exit::Done),
    Run("secret get deployer", None, Exit::Done),
    Part("A static secret: a lock travels with its version, and keeps that version alive"),
    Run("secret create arbitrary api-token --from-stdin", Some("first token"), Exit::Done),
    Run("lock create api-token billing", None, Exit::Done),
    Run("secret rotate api-token --from-stdin", Some("second token"), Exit::Done),
    Run("lock list api-token", None, Exit::Done),
    Run("secret get api-token --version previous", None, Exit::Done),
    Tell("Billing still works with the first token. One more rotation would destroy it:"),
    Run("explain api-token --operation rotate", None, Exit::Refused),
    Run("secret rotate api-token --from-stdin", Some("third token"), Exit::Refused),
    Tell("Billing moves to the second token and says so:"),
    Run("lock create api-token billing --mode remove-previous", None, Exit::Done),
    Run("secret rotate api-token --from-stdin", Some("third token"), Exit::Done),
    Part("A deletion is refused as long as anybody needs a version"),
    Run("secret delete api-token --yes", None, Exit::Refused),
    Run("lock delete api-token billing --version previous", None, Exit::Done),
    Run("secret delete api-token --yes", None, Exit::Done),
    Part("Everything stands in the log, refusals too, and no value does"),
    Run("log show", None, Exit::Done),
    Run("log verify", None, Exit::Done),
    Tell("Closed and opened again, everything is replayed from the log and held against what was kept:"),
    Reopen,
    Run("scrub", None, Exit::Done),
    Run("secret list", None, Exit::Done),
];

pub(crate) fn run(global: &Global, given: Given, _: &Tour) -> Result<Exit, Failure> {
    if global.json {
        return Err(Failure::usage("the tour is a story for people; each of its commands takes --json"));
    }
    if global.expect.is_some() || !global.anchor.is_empty() {
        return Err(Failure::usage("the tour takes neither --expect nor --anchor"));
    }
    // What variables say is about a store in use, which the tour leaves alone.
    if let Some(dir) = global.store.as_deref().filter(|_| given.store) {
        on_a_store_that_stays(global, given, dir)?;
    } else {
        on_a_store_that_goes()?;
    }
    Ok(Exit::Done)
}

fn on_a_store_that_stays(global: &Global, given: Given, dir: &Path) -> Result<(), Failure> {
    scene::check_free(dir)?;
    let key_file = beside(dir);
    let named = given.key_file || given.passphrase_file;
    let unlock = if named { keys::to_create(global, given, dir)?.0 } else { Unlock::create_key_file(&key_file)? };
    tell(&StoreOptions::new(dir, unlock))?;
    farewell(dir, (!named).then_some(&key_file))
}

fn on_a_store_that_goes() -> Result<(), Failure> {
    let home = tempfile::tempdir().map_err(|error| Failure::io("make", &std::env::temp_dir(), &error))?;
    let unlock = Unlock::create_key_file(home.path().join("store.key"))?;
    let dir = home.path().join("store");
    tell(&StoreOptions::new(&dir, unlock))?;
    home.close().map_err(|error| Failure::io("remove", &dir, &error))?;
    let mut out = Out::new(false);
    out.line("The store of this tour is gone. latchkeep tour --store DIR leaves one to look at.")?;
    out.flush()
}

/// Names the key file beside a store.
fn beside(dir: &Path) -> PathBuf {
    let mut name = dir.as_os_str().to_owned();
    name.push(".key");
    PathBuf::from(name)
}

fn farewell(dir: &Path, key_file: Option<&PathBuf>) -> Result<(), Failure> {
    let mut out = Out::new(false);
    let key = key_file.map(|path| format!(" LATCHKEEP_KEY_FILE={}", path.display())).unwrap_or_default();
    out.line(format!("The store stays in {0}. Go on with:\n  export LATCHKEEP_STORE={0}{key}", dir.display()))?;
    out.line("  latchkeep log show\n  latchkeep --help")?;
    out.flush()
}

fn tell(options: &StoreOptions) -> Result<(), Failure> {
    let mut store = options.clone().create()?;
    let mut out = Out::new(false);
    out.line("A store for secrets that honours locks. Each line after a $ is a command you can type yourself.")?;
    out.flush()?;
    for step in STORY {
        match step {
            Part(heading) => out.line(format!("\n{}\n", bold(heading)))?,
            Tell(text) => out.line(format!("\n{text}\n"))?,
            Run(line, input, expected) => {
                let shown = input.map(|text| format!("printf '{text}' | ")).unwrap_or_default();
                out.line(format!("$ {shown}latchkeep {line}"))?;
                out.flush()?;
                let exit = play(&store, line, *input, &mut out)?;
                if exit != *expected {
                    return Err(Failure::new(Exit::Failed, "internal", format!("the tour went astray at: {line}")));
                }
            }
            Reopen => {
                store.close()?;
                store = options.clone().open()?;
            }
        }
        out.flush()?;
    }
    store.close()?;
    out.line(format!("\n{}", bold("That is all.")))?;
    out.flush()
}

/// Runs one line as a shell would; a refusal is part of the story.
fn play(store: &Store, line: &str, input: Option<&str>, out: &mut Out) -> Result<Exit, Failure> {
    let words = std::iter::once("latchkeep".to_owned()).chain(words(line));
    let cli = Cli::try_parse_from(words).map_err(|error| Failure::new(Exit::Failed, "internal", error.to_string()))?;
    let Command::Store(command) = cli.command else {
        return Err(Failure::new(Exit::Failed, "internal", "the tour runs commands of a store only"));
    };
    let mut scene = Scene::on(store, Actor::parse("ops")?, false);
    scene.stdin = Stdin::Given(input.map(|text| SecretBytes::copy_from(text.as_bytes())));
    let is_value = line.starts_with("secret get");
    let outcome = super::run(&command, &mut scene);
    scene.out.flush()?;
    match outcome {
        Ok(exit) => {
            if is_value && !scene.out.is_terminal() {
                out.line("")?;
            }
            Ok(exit)
        }
        Err(failure) if failure.exit() == Exit::Refused => {
            for text in failure.lines() {
                out.line(text)?;
            }
            Ok(failure.exit())
        }
        Err(failure) => Err(failure),
    }
}

/// Parts a line into words, as a shell does, as far as the story needs it.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, piece) in line.split('"').enumerate() {
        if index % 2 == 1 {
            words.push(piece.to_owned());
        } else {
            words.extend(piece.split_whitespace().map(str::to_owned));
        }
    }
    words
}
