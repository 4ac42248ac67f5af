//! A watch over a store whose disk fails.

use std::time::Duration;

use super::{Rows, new_secret, ops, put_secret};
use crate::domain::position::Position;
use crate::storage::faulty::Fault;
use crate::store::watch::{Watch, Watched};

fn given(watch: &mut Watch) -> usize {
    let is_entry = |watched: &Watched| matches!(watched, Watched::Entry(_));
    std::iter::from_fn(|| watch.next_within(Duration::ZERO).ok().filter(is_entry)).count()
}

#[test]
fn nothing_is_given_before_it_is_durable() {
    let rows = Rows::new();
    let (store, faulty) = rows.open_faulty();
    put_secret(&store, "durable");
    let mut watch = store.watch(Position::FIRST).unwrap();
    let size = store.status().unwrap().log_size;
    assert_eq!(given(&mut watch) as u64, size.get());
    faulty.plan(0, Fault::Hang);
    let waiting = ops(&store).submit(crate::store::command::Command::create(new_secret("next"))).unwrap();
    faulty.wait_for_hang();
    assert_eq!(watch.next_within(Duration::from_millis(10)).unwrap(), Watched::Quiet);
    faulty.release();
    waiting.wait().unwrap();
    assert_eq!(given(&mut watch), 2);
}

#[test]
fn whoever_waits_on_a_poisoned_store_is_told() {
    let rows = Rows::new();
    let (store, faulty) = rows.open_faulty();
    put_secret(&store, "durable");
    let mut watch = store.watch(Position::FIRST).unwrap();
    let before = given(&mut watch);
    faulty.plan(0, Fault::Before);
    ops(&store).create(new_secret("lost")).unwrap_err();
    let error = watch.next_within(Duration::from_secs(60)).unwrap_err();
    assert_eq!(error.code(), "poisoned");
    assert_eq!(watch.next_position().get(), before as u64);
    // What was durable can still be read.
    assert_eq!(given(&mut store.watch(Position::FIRST).unwrap()), before);
    let all: Vec<_> = store.watch(Position::FIRST).unwrap().collect();
    assert_eq!((all.len(), all.iter().filter(|entry| entry.is_err()).count()), (before + 1, 1), "an error is the last");
}
