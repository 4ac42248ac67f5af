//! A log that is whole, chained and signed, with a step that the rules do not allow: as if a fault of ours had written
//! it.
//!
//! It makes a store only when a person accepts exactly that step; the log then records that, and every later check
//! accepts the step.

use std::io::Cursor;

use super::backups::{Entries, entries_of, key, seal};
use super::forger::{Batches, read_log, victim, write_log};
use super::{Rows, opening, ops, put_secret, sound, value};
use crate::audit::{Check, Outcome, Report, VerifyOptions, verify_export};
use crate::domain::event::{Event, SecretUpdated};
use crate::domain::id::EventId;
use crate::domain::position::Position;
use crate::domain::record::Record;
use crate::engine::Engine;
use crate::engine::backup::{BackupReport, BackupTrust, check, from_export, restore};
use crate::engine::open::{Opening, Place};
use crate::error::{Error, ErrorKind};
use crate::store::Store;
use crate::store::export::ExportOptions;

/// Returns a backup of the store with these records changed, signed by the store's own key.
fn written_wrongly(store: &Store, change: impl FnOnce(&mut Batches)) -> Entries {
    let mut entries = entries_of(store);
    let mut batches = read_log(&entries);
    change(&mut batches);
    let shared = &store.0.shared;
    let snapshot = shared.published.load();
    let (number, key) = snapshot.state.whole.signing_keys.iter().next().unwrap();
    write_log(&mut entries, &batches, &shared.signer(*number, key).unwrap());
    entries
}

/// Returns a backup in which "token" is changed to its own value, which is the illegal step, and has a fresh lock; also
/// the position of that step.
fn changed_to_nothing_new() -> (Entries, Position) {
    let mut at = 0;
    let entries = written_wrongly(&victim(), |batches| {
        let created = batches.iter().flatten().find_map(|record| match &record.event {
            Event::SecretCreated(event) => Some(event.metadata.clone()),
            _ => None,
        });
        let is_placed = |batch: &Vec<Record>| matches!(batch[0].event, Event::LockPlaced(_));
        let nth = batches.iter().position(is_placed).unwrap();
        let mut wrong = batches[nth][0].clone();
        wrong.event = SecretUpdated { metadata: created.unwrap() }.into();
        wrong.event_id = EventId::from_bytes([9; 16]);
        at = batches[..=nth].iter().map(Vec::len).sum::<usize>();
        batches.insert(nth + 1, vec![wrong]);
    });
    (entries, Position::new(u64::try_from(at).unwrap()))
}

fn accepting(positions: &[Position]) -> Opening {
    Opening { accepted_steps: positions.iter().copied().collect(), ..opening(Place::Memory) }
}

fn try_restore(entries: &Entries, accepted: &[Position]) -> Result<(Store, BackupReport), Error> {
    let made = restore(Cursor::new(seal(entries)), &key(), &accepting(accepted), &mut |_| {});
    made.map(|(engine, report)| (Store::new(engine), report))
}

#[track_caller]
fn refused(made: Result<(Store, BackupReport), Error>, code: &str) -> String {
    let error = made.map(drop).unwrap_err();
    assert_eq!(error.code(), code, "{error}");
    error.to_string()
}

fn export(store: &Store, options: ExportOptions) -> Vec<u8> {
    let mut out = Vec::new();
    store.export(&mut out, options, |_| {}).unwrap();
    out
}

fn verified(store: &Store, export: &[u8]) -> Report {
    let mut options = VerifyOptions::default();
    options.keys.extend(store.verifier_keys().unwrap().into_values());
    verify_export(export, &options, |_| {})
}

#[test]
fn a_backup_with_an_illegal_step_is_whole_and_makes_a_store_only_when_that_step_is_accepted() {
    let (entries, at) = changed_to_nothing_new();
    let error = check(seal(&entries).as_slice(), &key(), &BackupTrust::default(), &mut |_| {}).map(drop);
    let error = error.unwrap_err();
    assert_eq!((error.kind(), error.code()), (&ErrorKind::Corrupt, "illegal_step"));
    let told = refused(try_restore(&entries, &[]), "illegal_step");
    assert!(told.contains(&format!("position {at}")) && told.contains("whole") && !told.contains("damaged"), "{told}");
    refused(try_restore(&entries, &[Position::new(at.get() - 1)]), "illegal_step");
    refused(try_restore(&entries, &[at, at.next()]), "legal_step");

    let (store, report) = try_restore(&entries, &[at]).unwrap();
    assert_eq!(report.accepted_steps.iter().map(|accepted| accepted.step.position).collect::<Vec<_>>(), [at]);
    assert_eq!(value(&store, super::named(&store, "token")), "new-secret");
    ops(&store).end_quarantine().unwrap();
    put_secret(&store, "later");
    sound(&store);
}

#[test]
fn what_a_restore_accepted_is_honoured_by_every_check_after_it() {
    let (entries, at) = changed_to_nothing_new();
    let (store, first) = try_restore(&entries, &[at]).unwrap();
    let by = first.log_size;
    let scrubbed = store.scrub(|_| {}).unwrap();
    let accepted = &scrubbed.accepted_steps;
    assert_eq!(
        accepted.iter().map(|accepted| (accepted.step.position, accepted.by)).collect::<Vec<_>>(),
        [(at, Some(by))]
    );

    let report = verified(&store, &export(&store, ExportOptions::default()));
    let verdict = &report.verdict(Check::Replay).unwrap().outcome;
    assert!(matches!(verdict, Outcome::Passed { found } if found.contains("no other illegal step")), "{report}");
    assert!(report.is_sound() && report.illegal_step.is_none() && report.accepted_steps == *accepted, "{report}");

    let again = entries_of(&store);
    let (restored, second) = try_restore(&again, &[]).unwrap();
    assert_eq!(second.accepted_steps, *accepted);
    sound(&restored);
}

#[test]
fn an_export_from_before_the_restore_fails_and_makes_a_store_only_when_the_step_is_accepted() {
    let (entries, at) = changed_to_nothing_new();
    let (store, report) = try_restore(&entries, &[at]).unwrap();
    let before = export(&store, ExportOptions::default().to(report.log_size));
    let verdict = verified(&store, &before);
    let Outcome::Failed { place, why } = &verdict.verdict(Check::Replay).unwrap().outcome else { panic!("{verdict}") };
    assert_eq!((place.position, place.line), (Some(at), Some(at.get() + 2)), "{why}");
    assert_eq!(verdict.failures().count(), 1, "{verdict}");

    let replay = |positions: &[Position]| -> Result<(Engine, Report), Error> {
        from_export(Cursor::new(before.clone()), &VerifyOptions::default(), &accepting(positions), &mut |_| {})
    };
    assert_eq!(replay(&[]).map(drop).unwrap_err().code(), "illegal_step");
    assert_eq!(replay(&[at, at.next()]).map(drop).unwrap_err().code(), "legal_step");
    let (engine, _) = replay(&[at]).unwrap();
    let replayed = Store::new(engine);
    sound(&replayed);
    assert_eq!(replayed.scrub(|_| {}).unwrap().accepted_steps.len(), 1);
}

/// A restore accepts the named step, and no other one, before it or after it.
#[test]
fn another_illegal_step_is_refused_all_the_same() {
    let mut ends = Vec::new();
    let entries = written_wrongly(&victim(), |batches| {
        let is_created = |batch: &Vec<Record>| matches!(batch[0].event, Event::SecretCreated(_));
        let created = batches.iter().rposition(is_created).unwrap();
        for _ in 0..2 {
            let mut again = batches[created].clone();
            again.iter_mut().for_each(|record| record.event_id = EventId::from_bytes([8; 16]));
            ends.push(batches.iter().map(Vec::len).sum::<usize>());
            batches.push(again);
        }
    });
    let positions: Vec<_> = ends.iter().map(|end| Position::new(u64::try_from(*end).unwrap())).collect();
    let told = refused(try_restore(&entries, &[positions[1]]), "illegal_step");
    assert!(told.contains(&format!("position {}:", positions[0])), "{told}");
}

/// Saved state includes the step; a replay of the whole log has the same result.
#[test]
fn a_store_whose_restore_accepted_a_step_opens_from_its_log_alone() {
    let (entries, at) = changed_to_nothing_new();
    let (store, _) = try_restore(&entries, &[at]).unwrap();
    let rows = Rows::copy_of(&*store.0.shared.storage);
    store.close().unwrap();
    let rebuilt = rows.rebuild();
    assert_eq!((rebuilt.illegal, rebuilt.accepted.len()), (None, 1));
}
