//! The latency of one durable operation, for one caller.

use std::path::Path;
use std::time::Instant;

use crate::Scale;
use crate::bare::Bare;
use crate::ours::Ours;
use crate::sqlite::{Sharing, Sqlite};
use crate::stats::{Row, Sample, Target};
use crate::work::{Contestant, Work};

/// Operations of one kind before it is another's turn.
const TURN: usize = 20;

/// Measures one operation after another, in turns.
pub(crate) fn rows(dir: &Path, scale: Scale) -> Vec<Row> {
    let dir = dir.join("latency");
    std::fs::create_dir(&dir).expect("a directory");
    let (ours, sqlite) = (Ours::create(&dir, 1), Sqlite::create(&dir, 1, Sharing::OneConnection));
    let mut bare = Bare::create(&dir);
    let [mut ours_time, mut sqlite_time, mut bare_time, mut ratio] = [const { Sample::new() }; 4];
    for _ in 0..scale.operations / TURN {
        let ours = turn(&mut ours_time, |number| ours.run(0, Work::Locks.operation(number)));
        turn(&mut sqlite_time, |number| sqlite.run(0, Work::Locks.operation(number)));
        let bare = turn(&mut bare_time, |_| bare.append());
        ratio.add(ours / bare);
    }
    ours.store.close().expect("a close");
    std::fs::remove_dir_all(dir).expect("its end");
    vec![
        Row::new("one caller: times a bare append and fdatasync", Target::AtMost(2.0), ratio, "x"),
        Row::new("one caller: ours", Target::None, ours_time, "us"),
        Row::new("one caller: bare append and fdatasync", Target::None, bare_time, "us"),
        Row::new("one caller: SQLite", Target::None, sqlite_time, "us"),
    ]
}

/// Measures a turn; gives its median.
fn turn(all: &mut Sample, mut run: impl FnMut(u64)) -> f64 {
    let mut sample = Sample::new();
    for number in 0..TURN as u64 {
        let started = Instant::now();
        run(number);
        sample.add_time(started.elapsed());
    }
    all.extend(&sample);
    sample.median()
}
