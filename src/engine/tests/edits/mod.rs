//! A program that knows the format and edits the rows of a closed store like an attacker without a key. Each edit is
//! refused with a clear error, or changes no answer.
//!
//! The store and its answers are those of the fuzz target `changed_rows`. Here a sample of edits is drawn;
//! `LATCHKEEP_EDITS=all` makes all of them. Read next: [`raw`], then [`logs`] and [`forged`].

mod forged;
mod logs;
mod raw;

use std::collections::{BTreeMap, BTreeSet};

use super::Rows;
use super::chance::Chance;
use crate::fuzzing::changed_rows::answers::judge;
use crate::fuzzing::changed_rows::scene::{REMOVED, Scene};

/// Edits that are drawn unless all are made.
const DRAWN: usize = 120;

/// Makes an edit in a copy of the scene's rows.
type Make = dyn Fn(&Scene, &Rows);

/// One edit: a kind (row, field, operation), which of several rows, and the change.
struct Edit {
    kind: String,
    which: String,
    make: Box<Make>,
}

/// All possible edits.
#[derive(Default)]
struct Edits(Vec<Edit>);

impl Edits {
    fn add(&mut self, kind: impl Into<String>, which: impl Into<String>, make: impl Fn(&Scene, &Rows) + 'static) {
        self.0.push(Edit { kind: kind.into(), which: which.into(), make: Box::new(make) });
    }
}

/// Applies an edit to a copy, and judges it.
fn run(scene: &Scene, edit: &Edit) -> Result<BTreeSet<&'static str>, String> {
    let rows = scene.rows.fork();
    (edit.make)(scene, &rows);
    let unlock = edit.kind.contains("as a way in").then_some(REMOVED);
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
