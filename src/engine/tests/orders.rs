//! Histories in schedules: callers use one secret at the same time, a commit fails or is lost in a crash, the rows are
//! opened again, and other callers continue. Some order of all calls explains every answer. A command that was answered
//! with an error may have been done or not.
//!
//! The secret, the calls and the tester are those of `tests/model`. Read next: [`super::schedules`].

use std::cell::Cell;
use std::sync::{Arc, LazyLock};

use shuttle::thread::spawn;

use super::schedules::Slow;
use super::{Rows, open_store};
use crate::engine::sync::scheduled::{Limits, chance, explore};
use crate::storage::faulty::{Fault, Faulty};
use stage::{Made, Stage, is_explained};

#[path = "../../../tests/model/one_secret.rs"]
#[allow(clippy::pedantic, reason = "as where it lies")]
mod one_secret;
#[path = "../../../tests/model/plain.rs"]
#[allow(clippy::pedantic, dead_code, reason = "as where it lies, and a part of it is enough here")]
mod plain;
#[path = "../../../tests/model/stage.rs"]
#[allow(clippy::pedantic, dead_code, reason = "as where it lies, and a part of it is enough here")]
mod stage;

const CALLERS: u64 = 3;
const CALLS: u64 = 4;

/// Rows with the secret.
static BEFORE: LazyLock<(Rows, latchkeep::SecretId)> = LazyLock::new(|| {
    let rows = Rows::new();
    let stage = Stage::on(rows.open());
    stage.store.close().unwrap();
    (rows, stage.id)
});

fn callers(stage: &Stage, first: u64) -> Vec<Made> {
    let start = |thread| {
        let (stage, seed) = (stage.clone(), chance(1 << 32));
        spawn(move || stage.use_it(thread, seed, CALLS))
    };
    let started: Vec<_> = (first..first + CALLERS).map(start).collect();
    started.into_iter().flat_map(|caller| caller.join().unwrap()).collect()
}

/// Returns a history with a crash, a close, or a disk that is full for a moment.
fn history() -> Vec<Made> {
    let rows = BEFORE.0.fork();
    let faulty = Arc::new(Faulty::new(Arc::new(rows.0.reopen())));
    let fault = [Fault::Before, Fault::After, Fault::NoSpace][usize::try_from(chance(3)).unwrap()];
    faulty.plan(chance(8), fault);
    let store = open_store(Arc::new(Slow(faulty))).unwrap();
    let before = Stage { store, id: BEFORE.1, moments: Arc::default() };
    let closing = before.store.clone();
    let closer = spawn(move || if chance(4) == 0 { closing.close().is_ok() } else { false });
    // Calls without an answer are tried last if they belong to the last threads: most were not done.
    let mut history = callers(&before, CALLERS);
    closer.join().unwrap();
    let _ = before.store.close();
    let after = Stage { store: rows.open(), ..before };
    history.extend(callers(&after, 0));
    history
}

thread_local! {
    static UNANSWERED: Cell<usize> = const { Cell::new(0) };
}

fn explained() {
    let mut history = history();
    UNANSWERED.set(UNANSWERED.get() + history.iter().filter(|made| made.answered.is_none()).count());
    history.sort_by_key(|made| made.began);
    let told: Vec<String> = history.iter().map(|made| format!("{made:?}")).collect();
    assert!(is_explained(&history), "no order explains this history:\n{}", told.join("\n"));
}

#[test]
fn some_order_explains_what_is_answered_before_and_after_a_crash() {
    LazyLock::force(&BEFORE);
    explore("crashing", 12, Limits::LongOnesNeverPass, explained);
    assert!(UNANSWERED.get() > 0, "no call was out when something failed");
}
