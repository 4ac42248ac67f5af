//! Durable operations per second of 64 callers, and of one.

use std::path::Path;
use std::time::Duration;

use crate::Scale;
use crate::ours::Ours;
use crate::sqlite::{Sharing, Sqlite};
use crate::stats::{Row, Sample, Target};
use crate::work::{CALLERS, Contestant, Work, throughput};

/// Measures both kinds of work.
pub(crate) fn rows(dir: &Path, scale: Scale) -> Vec<Row> {
    let dir = dir.join("throughput");
    std::fs::create_dir(&dir).expect("a directory");
    let ours = Ours::create(&dir, CALLERS);
    let one = Sqlite::create(&dir, CALLERS, Sharing::OneConnection);
    let each = Sqlite::create(&dir, CALLERS, Sharing::ConnectionEach);
    let rows = [Work::Locks, Work::Mix].map(|work| compare(work, scale, [&ours, &one, &each]));
    ours.store.close().expect("a close");
    std::fs::remove_dir_all(dir).expect("its end");
    rows.into_iter().flatten().collect()
}

fn compare(work: Work, scale: Scale, [ours, one, each]: [&dyn Contestant; 3]) -> Vec<Row> {
    let [mut ours_rate, mut one_rate, mut each_rate, mut ratio] = [const { Sample::new() }; 4];
    for _ in 0..scale.rounds {
        let rate = |contestant| throughput(contestant, CALLERS, work, Duration::from_millis(scale.run_millis));
        let (ours, one, each) = (rate(ours), rate(one), rate(each));
        ours_rate.add(ours);
        one_rate.add(one);
        each_rate.add(each);
        ratio.add(ours / one.max(each));
    }
    let name = match work {
        Work::Locks => "locks",
        Work::Mix => "mix",
    };
    vec![
        Row::new(format!("{CALLERS} callers, {name}: times SQLite"), Target::AtLeast(15.0), ratio, "x"),
        Row::new(format!("{CALLERS} callers, {name}: ours"), Target::None, ours_rate, "/s"),
        Row::new(format!("{CALLERS} callers, {name}: SQLite, one connection"), Target::None, one_rate, "/s"),
        Row::new(format!("{CALLERS} callers, {name}: SQLite, a connection each"), Target::None, each_rate, "/s"),
    ]
}
