//! Owns what a store is asked, and the judgement of answers that somebody without a key might have changed.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use super::rows::{Rows, new_data, opening, ops};
use super::scene::Scene;
use crate::audit::AsOf;
use crate::domain::position::Position;
use crate::domain::version::VersionRef;
use crate::engine::open::{Access, Place, open_on};
use crate::error::{Error, ErrorKind};
use crate::store::Store;
use crate::store::command::Command;
use crate::store::export::ExportOptions;

/// What a store answers: each answer, or the error in its place.
pub(crate) type Answers = BTreeMap<String, Result<Vec<String>, Error>>;

fn one(answer: impl std::fmt::Debug) -> Vec<String> {
    vec![format!("{answer:?}")]
}

/// Asks everything that a store tells. `sizes` and `secrets` are what an honest store has.
pub(crate) fn answers(store: &Store, sizes: &[u64], secrets: &[crate::SecretId]) -> Answers {
    let mut found = Answers::new();
    let mut add = |name: String, answer: Result<Vec<String>, Error>| _ = found.insert(name, answer);
    of_the_whole(store, &mut add);
    for id in secrets {
        add(format!("locks of {id}"), store.lock_status(*id).map(one));
        let rotation = Command::rotate(*id, new_data("another"));
        add(format!("rotation of {id}"), ops(store).dry_run(&rotation).map(|forecast| one(forecast.refusal)));
    }
    for size in sizes {
        of_the_past(store, Position::new(*size), Position::new(sizes[0]), &mut add);
    }
    add("log".into(), shown(store));
    let mut export = Vec::new();
    let exported = store.export(&mut export, ExportOptions::default(), |_| {});
    add("export".into(), exported.map(|_| one(blake3::hash(&export))));
    // A read may be recorded: it comes last.
    for id in secrets {
        for version in [VersionRef::Current, VersionRef::Previous] {
            let read = ops(store).read(*id, version).and_then(|read| read.text().map(ToOwned::to_owned));
            add(format!("{version:?} of {id}"), read.map(one));
        }
    }
    found
}

/// Takes an answer by its name.
type Add<'a> = dyn FnMut(String, Result<Vec<String>, Error>) + 'a;

fn of_the_whole(store: &Store, add: &mut Add<'_>) {
    add("secrets".into(), Ok(store.secrets().iter().map(|secret| format!("{secret:?}")).collect()));
    add("groups".into(), Ok(one(store.groups())));
    add("settings".into(), Ok(one(store.settings())));
    add("keys".into(), store.verifier_keys().map(one));
    let status = store.status().map(|status| {
        one((
            status.log_size,
            status.head,
            status.tally,
            status.epochs,
            status.key_slots,
            status.quarantine,
            status.incarnation,
        ))
    });
    add("status".into(), status);
    add("checkpoint".into(), store.checkpoint().map(|note| one(note.note())));
}

fn of_the_past(store: &Store, size: Position, end: Position, add: &mut Add<'_>) {
    let note = store.checkpoint_at(size).map(|note| one(note.map(|note| note.note().to_owned())));
    add(format!("checkpoint at {size}"), note);
    let then = store.as_of(AsOf::Position(size));
    let then =
        then.map(|then| one((then.secrets(), then.groups(), then.hidden().collect::<Vec<_>>(), then.settings())));
    add(format!("as of {size}"), then);
    add(format!("proof of {size}"), store.prove_event(size).map(|proof| one(proof.to_string())));
    let extension = store.prove_consistency(size, end).map(|proof| one(proof.hashes()));
    add(format!("extension of {size}"), extension);
}

/// Shows the log; what came before an error is held to the honest log as well.
fn shown(store: &Store) -> Result<Vec<String>, Error> {
    let mut entries = Vec::new();
    let shown = store.for_each_record(Position::FIRST, |entry| {
        entries.push(format!("{entry:?}"));
        ControlFlow::Continue(())
    });
    SHOWN.with(|all| *all.borrow_mut() = entries.clone());
    shown.map(|()| entries)
}

thread_local! {
    /// What the last look at the log has shown, also before an error.
    static SHOWN: std::cell::RefCell<Vec<String>> = const { std::cell::RefCell::new(Vec::new()) };
}

/// Tells what an edit did: the code of the refusal of the whole store, or of what it would not answer.
pub(crate) fn judge(scene: &Scene, rows: &Rows, unlock: Option<u8>) -> Result<BTreeSet<&'static str>, String> {
    let mut opening = opening(Place::Memory);
    if let Some(byte) = unlock {
        opening.unlock = super::scene::bytes(byte);
    }
    let clear = |error: &Error| match error.kind() {
        ErrorKind::Internal | ErrorKind::Closed => Err(format!("unclear error {error}")),
        _ => Ok(error.code()),
    };
    let store = match open_on(Arc::new(rows.0.reopen()), &opening, Access::ReadWrite).map(Store::new) {
        Ok(_) if unlock.is_some() => return Err("a way in that was removed opens".to_owned()),
        Ok(store) => store,
        Err(error) => return clear(&error).map(|code| BTreeSet::from([code])),
    };
    let mut codes = BTreeSet::new();
    for (name, answer) in answers(&store, &scene.sizes, &scene.secrets) {
        match (answer, &scene.honest[&name]) {
            (Ok(found), Ok(honest)) if found == *honest => {}
            (Ok(_), _) => return Err(format!("{name} is answered otherwise")),
            (Err(error), Err(honest)) if error.code() == honest.code() => {}
            (Err(error), _) => _ = codes.insert(clear(&error)?),
        }
        if name == "log" {
            let Ok(honest) = &scene.honest["log"] else { return Err("no honest log".to_owned()) };
            let is_start = SHOWN.with(|shown| honest.starts_with(&shown.borrow()));
            if !is_start {
                return Err("the log shows something else before the error".to_owned());
            }
        }
    }
    Ok(codes)
}
