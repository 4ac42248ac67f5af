//! The store at past moments, at every position of random histories, with erasures, ends and damage in between. It
//! equals a plain replay of the records up to there, or reports that it cannot be known.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use super::shell::{Shell, step};
use super::{Rows, all, ops, put_secret, sound};
use crate::audit::AsOf;
use crate::codec::keys;
use crate::domain::command::{Change, Command as Decided, SecretChanges};
use crate::domain::id::GroupId;
use crate::domain::lock::{LockMode, LockNames, NewLock};
use crate::domain::name::{Description, GroupName, LockName};
use crate::domain::position::Position;
use crate::domain::state::State;
use crate::domain::step::evolve_step;
use crate::domain::stretch::stretches;
use crate::domain::version::VersionRef;
use crate::engine::erasure::look;
use crate::engine::log::{Decoder, scan_records};
use crate::engine::past::{Past, size_at, unusable};
use crate::engine::recovery::settle;
use crate::storage::KeyRange;
use crate::store::command::Command;

/// Records between two past states in these tests.
const APART: u64 = 48;

/// Returns the state after each number of records, by a plain replay of the present log.
fn replayed(shell: &Shell) -> Vec<State> {
    let (mut states, mut state, mut decoder) = (vec![State::default()], State::default(), Decoder::default());
    scan_records(&shell.rows.0, Position::FIRST, shell.kept.end.size, &mut |raw| {
        evolve_step(&mut state, &decoder.decode_step(raw).unwrap().unwrap());
        let mut settled = state.clone();
        settle(&mut settled);
        states.push(settled);
        Ok(ControlFlow::Continue(()))
    })
    .unwrap();
    states
}

#[track_caller]
fn check(found: &Past, plain: &State, what: &str) -> usize {
    for (id, secret) in &found.state.secrets {
        assert_eq!(Some(secret), plain.secret(*id), "{what}: made up or wrong");
        assert!(!found.hidden.contains(id), "{what}: hidden and shown");
    }
    let untold = plain.secrets.keys().filter(|id| found.state.secret(**id).is_none()).count();
    assert!(
        plain.secrets.keys().all(|id| found.state.secret(*id).is_some() || found.hidden.contains(id)),
        "{what}: left out, and not told"
    );
    let mut whole = plain.whole.clone();
    if found.hides_groups() {
        whole.groups.clone_from(&found.state.whole.groups);
    } else if untold > 0 {
        // The counts are those of the known secrets.
        whole.groups.iter_mut().for_each(|(id, group)| group.secrets = found.state.whole.groups[id].secrets);
    }
    assert_eq!(found.state.whole, whole, "{what}");
    untold
}

fn busy(seed: u64, steps: u32, erasures: bool) -> Shell {
    let mut shell = Shell::new(seed);
    shell.kept.history.keep_every(APART);
    for number in 0..steps {
        if erasures || number % 2 == 0 {
            step(&mut shell);
        } else {
            let command = shell.command();
            shell.run(&command);
        }
        if shell.chance.below(40) == 0 {
            shell.reopen();
            shell.kept.history.keep_every(APART);
        }
    }
    shell
}

#[test]
fn what_was_at_every_position_is_what_a_plain_replay_makes() {
    let (mut marks, mut untold, mut told) = (0, 0, 0);
    for seed in 12..=14 {
        let shell = busy(seed, 200, true);
        let states = replayed(&shell);
        marks += shell.rows.under(keys::PAST_MARK).len();
        for (size, plain) in (0..).map(Position::new).zip(&states) {
            let found = shell.past(size);
            untold += check(&found, plain, &format!("seed {seed}, {size} records"));
            told += found.state.secrets.len();
        }
        assert_eq!(states.last().unwrap().secrets, shell.kept.state.secrets);
    }
    assert!(marks >= 10, "only {marks} past states were kept");
    assert!(untold * 3 < told, "{untold} secrets of {told} were not told");
}

#[test]
fn no_more_is_replayed_than_lies_between_two_past_states() {
    let shell = busy(21, 300, false);
    let size = shell.kept.end.size.get();
    let mut longest = 0;
    for at in (2 * APART..size).step_by(7) {
        longest = longest.max(shell.past(Position::new(at)).replayed);
    }
    // A past state begins up to a commit late, and takes some commits until it is complete.
    assert!(longest < 4 * APART, "{longest} records were replayed, of {size}");
}

#[test]
fn damaged_rows_of_past_states_are_passed_over() {
    let shell = busy(31, 200, true);
    let states = replayed(&shell);
    let size = shell.kept.end.size;
    for kind in [keys::PAST_MARK, keys::PAST_WHOLE, keys::PAST_SECRET] {
        for (row_key, row) in shell.rows.under(kind).into_iter().step_by(7) {
            for damage in 0..3 {
                let fork = shell.rows.fork();
                let mut damaged = row.clone();
                let middle = damaged.len() / 2;
                match damage {
                    0 => damaged[middle] ^= 1,
                    1 => damaged.truncate(middle),
                    _ => {}
                }
                if damage == 2 {
                    fork.remove(&row_key)
                } else {
                    fork.put(&row_key, &damaged)
                }
                let found = shell.past_in(&fork, size);
                check(&found, states.last().unwrap(), "damaged");
                let unusable = unusable(&fork.0, &shell.kept).unwrap().len();
                // An erasure still works, and removes the words from the remaining rows.
                let mut shell = Shell { rows: fork, ..shell.copy() };
                shell.erase_these(&erasable(&shell));
                let found = shell.past(shell.kept.end.size);
                check(&found, &shell.kept.state, "erased beside damage");
                let missed = damage == 2 && kind == keys::PAST_MARK;
                assert_eq!(unusable, usize::from(!missed), "damage {damage} of {row_key:?}");
            }
        }
    }
}

#[test]
fn rows_that_an_end_left_over_are_cleared_away() {
    let mut shell = busy(41, 100, false);
    for _ in 0..400 {
        step(&mut shell);
        let marks: Vec<_> =
            shell.rows.under(keys::PAST_MARK).iter().filter_map(|(key, _)| keys::parse_past_mark(key)).collect();
        if shell.kept.history.progress().is_some_and(|(_, written)| written.is_some()) && shell.chance.below(3) == 0 {
            shell.reopen();
            shell.kept.history.keep_every(APART);
        }
        let last = marks.last().copied().unwrap_or(Position::FIRST);
        let rows = shell.rows.under(keys::PAST_SECRET);
        let places =
            rows.iter().filter_map(|(key, _)| keys::parse_past_secret(&key[..key.len() - 4])).map(|(at, _)| at);
        let unfinished: BTreeSet<_> = places.filter(|at| *at > last).collect();
        assert!(unfinished.len() <= 1, "rows of {unfinished:?} lie there");
    }
}

#[test]
fn times_become_positions() {
    let shell = busy(51, 400, false);
    let (mut times, whole) = (Vec::new(), &shell.kept.state.whole);
    let end = shell.kept.end.size;
    scan_records(&shell.rows.0, Position::FIRST, end, &mut |raw| {
        times.push(raw.header().time);
        Ok(ControlFlow::Continue(()))
    })
    .unwrap();
    assert!(whole.rebased.len() > 2, "times fall too seldom");
    for stretch in stretches(&whole.rebased, end, (times[0], whole.last_at)) {
        let [from, until] = [stretch.from, stretch.until].map(|at| usize::try_from(at.get()).unwrap());
        for time in &times[from..until] {
            for time in [time.as_nanos() - 1, time.as_nanos(), time.as_nanos() + 1] {
                let time = crate::domain::time::Timestamp::from_nanos(time);
                let expected = from + times[from..until].iter().filter(|at| **at <= time).count();
                let found = shell.with_log(&shell.rows, |log| size_at(log, time, stretch.from..stretch.until)).unwrap();
                assert_eq!(found.get(), expected as u64);
            }
        }
    }
}

/// Returns the positions of all bodies that can be erased.
fn erasable(shell: &Shell) -> BTreeSet<Position> {
    let can_be = |at: &Position| look(&shell.rows.0, &BTreeSet::from([*at]), shell.kept.end.size).unwrap().is_ok();
    (0..shell.kept.end.size.get()).map(Position::new).filter(can_be).collect()
}

const WORDS: &str = "call Anna, 555-0100";

/// Words about a secret and a group are in past states, complete ones and one that is being written; after an erasure
/// they are in none.
#[test]
fn erased_words_are_in_no_past_state() {
    let mut in_the_making = 0;
    for steps in (20..44).step_by(3) {
        let mut shell = Shell::new(61);
        shell.kept.history.keep_every(16);
        let words = || Change::Set(Description::parse(WORDS).unwrap());
        for _ in 0..40 {
            let create = shell.create();
            shell.run_plainly(&create);
        }
        let id = *shell.kept.state.secrets.keys().nth(20).unwrap();
        let update = |description| {
            let changes = SecretChanges { description, ..SecretChanges::default() };
            Decided::UpdateSecret { secret: id, changes: Box::new(changes) }
        };
        let group = GroupId::from_bytes([7; 16]);
        let name = GroupName::parse("anna's").unwrap();
        shell.run_plainly(&Decided::CreateGroup { id: group, name, description: Description::parse(WORDS).ok() });
        shell.run_plainly(&update(words()));
        for _ in 0..60 {
            let changes = SecretChanges {
                retention: Some(2 + u8::try_from(shell.chance.below(40)).unwrap()),
                ..SecretChanges::default()
            };
            shell.run_plainly(&Decided::UpdateSecret { secret: id, changes: Box::new(changes) });
        }
        shell.run_plainly(&update(Change::Clear));
        shell.run_plainly(&Decided::UpdateGroup { group, name: None, description: Change::Clear });
        for _ in 0..steps {
            shell.run_plainly(&Decided::RecordHeartbeat);
        }
        in_the_making += u32::from(shell.kept.history.progress().is_some());
        let holding = |shell: &Shell| {
            let holds = |row: &[u8]| row.windows(WORDS.len()).any(|window| window == WORDS.as_bytes());
            all(&shell.rows.0, &KeyRange::all())
                .into_iter()
                .filter(|(_, row)| holds(row))
                .map(|(key, _)| key[0])
                .collect::<BTreeSet<_>>()
        };
        assert!(holding(&shell).is_superset(&BTreeSet::from([keys::PAST_SECRET, keys::PAST_WHOLE])));
        shell.erase_these(&erasable(&shell));
        // Until the past state that is being written is complete.
        for _ in 0..60 {
            shell.run_plainly(&Decided::RecordHeartbeat);
        }
        assert_eq!(holding(&shell), BTreeSet::new(), "{steps} steps");
        let found = shell.past(shell.kept.end.size);
        assert_eq!((found.state.secrets, found.hidden.len()), (shell.kept.state.secrets.clone(), 0));
        let found = shell.past(Position::new(120));
        assert!(found.hidden.contains(&id) && found.hides_groups());
    }
    assert!(in_the_making >= 2, "{in_the_making} erasures met one in the making");
}

/// A store in use, with threads: a long log has a past state, which a close finishes and which saves a replay.
#[test]
fn a_close_finishes_the_past_state_that_is_being_written() {
    let rows = Rows::new();
    let store = rows.open();
    let secrets: Vec<_> = (0..40).map(|number| put_secret(&store, &format!("secret-{number}"))).collect();
    let ops = ops(&store);
    let lock = |number| NewLock::new(LockName::parse(&format!("lock-{number}")).unwrap());
    let size = || store.status().unwrap().log_size.get();
    while size() + 210 < 1_024 {
        let locks = (0..100).map(lock).collect();
        ops.run(Command::place_locks(secrets[0], VersionRef::Current, locks, LockMode::Keep)).unwrap();
        ops.run(Command::remove_locks(secrets[0], VersionRef::Current, LockNames::All)).unwrap();
    }
    while size() < 1_026 {
        ops.place_lock(secrets[1], VersionRef::Current, lock(7)).unwrap();
    }
    assert!(rows.under(keys::PAST_MARK).is_empty(), "there are more rows than go along with a few commits");
    assert!(!rows.under(keys::PAST_SECRET).is_empty());
    store.close().unwrap();
    let store = rows.open();
    assert_eq!(rows.under(keys::PAST_MARK).len(), 1);
    for number in 0..20 {
        super::ops(&store).place_lock(secrets[2], VersionRef::Current, lock(number)).unwrap();
    }
    let moment = store.as_of(AsOf::Position(Position::new(1_030))).unwrap();
    assert!(moment.replayed() < 20, "{} records were replayed", moment.replayed());
    assert_eq!(moment.secrets().len(), 40);
    let early = store.as_of(AsOf::Position(Position::new(60))).unwrap();
    assert_eq!(early.replayed(), 61);
    sound(&store);
}
