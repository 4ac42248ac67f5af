//! A program that knows the format and edits the rows of a closed store as somebody would who has no key: each edit is
//! refused with a clear error, or changes no answer.
//!
//! A sample is drawn here; `LATCHKEEP_EDITS=all` makes them all. Read next: [`raw`], then [`logs`] and [`forged`].

mod forged;
mod logs;
mod raw;
mod scene;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use super::chance::Chance;
use super::{Rows, new_data, opening, ops};
use crate::audit::AsOf;
use crate::domain::position::Position;
use crate::domain::version::VersionRef;
use crate::engine::open::{Access, Place, open_on};
use crate::error::{Error, ErrorKind};
use crate::store::Store;
use crate::store::command::Command;
use crate::store::export::ExportOptions;
use scene::Scene;

/// Edits that are drawn where not all are made.
const DRAWN: usize = 120;

/// Makes an edit in a copy of the scene's rows.
type Make = dyn Fn(&Scene, &Rows);

/// One edit: a kind (row, field, operation), which of several rows, and what is done.
struct Edit {
    kind: String,
    which: String,
    make: Box<Make>,
}

/// All edits there are.
#[derive(Default)]
struct Edits(Vec<Edit>);

impl Edits {
    fn add(&mut self, kind: impl Into<String>, which: impl Into<String>, make: impl Fn(&Scene, &Rows) + 'static) {
        self.0.push(Edit { kind: kind.into(), which: which.into(), make: Box::new(make) });
    }
}

/// What a store answers: each answer, or the error in its place.
type Answers = BTreeMap<String, Result<Vec<String>, Error>>;

fn one(answer: impl std::fmt::Debug) -> Vec<String> {
    vec![format!("{answer:?}")]
}

/// Asks everything that a store tells. `scene` names what an honest store has.
fn answers(store: &Store, sizes: &[u64], secrets: &[crate::SecretId]) -> Answers {
    let mut found = Answers::new();
    let mut add = |name: String, answer: Result<Vec<String>, Error>| _ = found.insert(name, answer);
    add("secrets".into(), Ok(store.secrets().iter().map(|secret| format!("{secret:?}")).collect()));
    add("groups".into(), Ok(one(store.groups())));
    add("settings".into(), Ok(one(store.settings())));
    add("keys".into(), store.verifier_keys().map(one));
    add(
        "status".into(),
        store.status().map(|status| {
            one((
                status.log_size,
                status.head,
                status.tally,
                status.epochs,
                status.key_slots,
                status.quarantine,
                status.incarnation,
            ))
        }),
    );
    for id in secrets {
        add(format!("locks of {id}"), store.lock_status(*id).map(one));
        let rotation = Command::rotate(*id, new_data("another"));
        add(format!("rotation of {id}"), ops(store).dry_run(&rotation).map(|forecast| one(forecast.refusal)));
    }
    add("checkpoint".into(), store.checkpoint().map(|note| one(note.note())));
    for size in sizes.iter().copied().map(Position::new) {
        add(
            format!("checkpoint at {size}"),
            store.checkpoint_at(size).map(|note| one(note.map(|note| note.note().to_owned()))),
        );
        add(
            format!("as of {size}"),
            store
                .as_of(AsOf::Position(size))
                .map(|then| one((then.secrets(), then.groups(), then.hidden().collect::<Vec<_>>(), then.settings()))),
        );
        add(format!("proof of {size}"), store.prove_event(size).map(|proof| one(proof.to_string())));
        add(
            format!("extension of {size}"),
            store.prove_consistency(size, Position::new(sizes[0])).map(|proof| one(proof.hashes())),
        );
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
fn judge(scene: &Scene, rows: &Rows, unlock: Option<u8>) -> Result<BTreeSet<&'static str>, String> {
    let mut opening = opening(Place::Memory);
    if let Some(byte) = unlock {
        opening.unlock = scene::bytes(byte);
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

/// Applies an edit to a copy, and judges it.
fn run(scene: &Scene, edit: &Edit) -> Result<BTreeSet<&'static str>, String> {
    let rows = scene.rows.fork();
    (edit.make)(scene, &rows);
    let unlock = edit.kind.contains("as a way in").then_some(scene::REMOVED);
    judge(scene, &rows, unlock)
}

#[test]
fn rows_that_somebody_without_a_key_edits_change_no_answer() {
    let scene = Scene::new();
    let mut edits = Edits::default();
    raw::add(&mut edits, &scene);
    logs::add(&mut edits, &scene);
    forged::add(&mut edits);
    let kinds: BTreeSet<&str> = edits.0.iter().map(|edit| edit.kind.as_str()).collect();
    assert!(kinds.len() >= 500, "only {} kinds", kinds.len());
    let kinds = kinds.len();
    let is_all = std::env::var_os("LATCHKEEP_EDITS").is_some_and(|which| which == "all");
    let (mut left, mut chance) = (edits.0, Chance(20_261_127));
    while !is_all && left.len() > DRAWN {
        let at = usize::try_from(chance.below(left.len() as u64)).unwrap();
        left.swap_remove(at);
    }
    let (mut counts, mut wrong) = (BTreeMap::<String, u32>::new(), Vec::new());
    for edit in &left {
        match run(&scene, edit) {
            Ok(codes) if codes.is_empty() => *counts.entry("the honest answers".to_owned()).or_default() += 1,
            Ok(codes) => {
                let codes: Vec<_> = codes.into_iter().collect();
                *counts.entry(codes.join(" ")).or_default() += 1;
            }
            Err(why) => wrong.push(format!("{}, {}: {why}", edit.kind, edit.which)),
        }
    }
    println!("{} of {} edits ({kinds} kinds) change an answer: {counts:?}", wrong.len(), left.len());
    assert!(wrong.is_empty(), "{} of {} edits change an answer:\n{}", wrong.len(), left.len(), wrong.join("\n"));
}
