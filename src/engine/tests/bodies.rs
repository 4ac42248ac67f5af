//! Bodies that an attacker without a key leaves out of the log, or puts back into it: every hash is correct.

use std::ops::ControlFlow;

use super::backups::{entries_of, kind};
use super::trust::{bustle, change_commit, put_back, victim};
use super::{Rows, new_secret, ops, put_secret};
use crate::codec::keys;
use crate::domain::position::Position;
use crate::ledger::{Erasure, frames};
use crate::storage::Storage;
use crate::store::Store;

/// A body is left out, with every hash correct: no record says that it was erased.
#[test]
fn a_body_that_nobody_erased_is_missed() {
    let (rows, _, id) = victim();
    let mut places = Vec::new();
    rows.open()
        .for_each_raw_record(Position::FIRST, |raw| {
            places.extend((raw.header().erasure == Erasure::Allowed).then_some(raw.header().position));
            ControlFlow::Continue(())
        })
        .unwrap();
    for at in [places[0], places[1], places[700], *places.last().unwrap()] {
        let fork = rows.fork();
        change_commit(&fork, at.get(), |commit| {
            let before = std::mem::take(commit);
            for raw in frames(&before) {
                let raw = raw.unwrap();
                let left = if raw.header().position == at { raw.erased().unwrap() } else { raw };
                left.frame(commit);
            }
        });
        let store = match fork.try_open() {
            Ok(store) => store,
            Err(error) => {
                assert_eq!(error.code(), "rows_changed");
                continue;
            }
        };
        let shown = store.for_each_record(at, |_| ControlFlow::Break(()));
        assert_eq!(shown.unwrap_err().code(), "rows_changed", "{at}");
        for error in [
            store.verify_log(|_| {}).unwrap_err(),
            ops(&store).erase_bodies([at]).unwrap_err(),
            store.backup(Vec::new(), &super::backups::key(), |_| {}).unwrap_err(),
        ] {
            assert_eq!(error.code(), "rows_changed");
            assert!(error.to_string().contains(&format!("the body of record {at} is missing")), "{error}");
        }
        let found = store.as_of(crate::audit::AsOf::Position(at.next()));
        assert!(found.is_err() || places[0] > at);
    }
    // A body that was erased is shown as such.
    let store = rows.open();
    let positions = store.erasable_records(id, Position::FIRST, 2).unwrap();
    ops(&store).erase_bodies(positions.clone()).unwrap();
    store.for_each_record(positions[0], |_| ControlFlow::Continue(())).unwrap();
    assert!(store.watch(Position::FIRST).unwrap().take(20).all(|entry| entry.is_ok()));
    store.as_of(crate::audit::AsOf::Position(positions[1])).unwrap();
    store.close().unwrap();
    rows.open().for_each_record(Position::FIRST, |_| ControlFlow::Continue(())).unwrap();
}

/// Rows of past states that were put back show no words that were erased since.
#[test]
fn past_states_from_before_an_erasure_are_not_used() {
    let rows = Rows::new();
    let store = rows.open();
    let id = ops(&store).create(new_secret("said")).unwrap().secret.unwrap();
    bustle(&store);
    bustle(&store);
    store.close().unwrap();
    let earlier = rows.fork();
    let at = rows.under(keys::PAST_MARK);
    assert!(!at.is_empty());
    let size = keys::parse_past_mark(&at[0].0).unwrap();
    let store = rows.open();
    let positions = store.erasable_records(id, Position::FIRST, 9).unwrap();
    ops(&store).erase_bodies(positions).unwrap();
    let hidden = |store: &Store| store.as_of(crate::audit::AsOf::Position(size)).unwrap().hidden().collect::<Vec<_>>();
    assert_eq!(hidden(&store), [id]);
    store.close().unwrap();
    b"hpy".iter().for_each(|kind| put_back(&rows, &earlier, *kind));
    let store = rows.open();
    assert_eq!(hidden(&store), [id]);
    assert!(!store.scrub(|_| {}).unwrap().findings.is_empty());
}

/// An erased body is put back with its commit: its hash is correct, and the words would be back.
#[test]
fn an_erased_body_that_is_put_back_is_refused() {
    let rows = Rows::new();
    let store = rows.open();
    let id = put_secret(&store, "said");
    let at = store.erasable_records(id, Position::FIRST, 1).unwrap()[0];
    bustle(&store);
    store.close().unwrap();
    let earlier = rows.fork();
    let store = rows.open();
    ops(&store).erase_bodies([at]).unwrap();
    store.close().unwrap();
    for saved in [true, false] {
        let fork = rows.fork();
        if !saved {
            fork.under(keys::SAVED_WHOLE[0]).iter().for_each(|(row_key, _)| fork.remove(row_key));
        }
        let commit = earlier.under(keys::LOG);
        commit.iter().filter(|(row_key, _)| fork.0.get(row_key).unwrap().is_some()).for_each(|(row_key, row)| {
            fork.put(row_key, row);
        });
        match fork.try_open() {
            Err(error) => assert!(!saved && error.code() == "rows_changed", "{error}"),
            Ok(store) => {
                assert!(saved);
                let shown = store.for_each_record(at, |_| ControlFlow::Break(()));
                assert_eq!(shown.unwrap_err().code(), "rows_changed");
                let then = store.as_of(crate::audit::AsOf::Position(at.next()));
                assert_eq!(then.unwrap_err().code(), "rows_changed");
                assert_eq!(store.verify_log(|_| {}).unwrap_err().code(), "rows_changed");
                let findings = store.scrub(|_| {}).unwrap().findings;
                let words = format!("the body of record {at} is there, although it was erased");
                assert!(findings.iter().any(|finding| finding.contains(&words)), "{findings:?}");
                let commits = entries_of(&store).into_iter().filter(|(row_key, _)| kind(row_key) == keys::LOG);
                let bodies = commits.flat_map(|(_, commit)| {
                    let frames =
                        frames(&commit).map(|raw| raw.map(|raw| (raw.header().position, raw.body().is_some())));
                    frames.collect::<Result<Vec<_>, _>>().unwrap()
                });
                assert!(bodies.into_iter().any(|body| body == (at, false)), "the backup does not carry it");
            }
        }
    }
}
