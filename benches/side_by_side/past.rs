//! What past states cost commands, at the most that they can: a row for each fourth record; and what a look back takes.

use std::path::Path;
use std::time::{Duration, Instant};

use latchkeep::Position;
use latchkeep::audit::AsOf;

use crate::Scale;
use crate::ours::{Ours, options};
use crate::stats::{Row, Sample, Target};
use crate::work::{CALLERS, Work, throughput};

/// Secrets of each store, so that a past state begins every 80,000 records.
const SECRETS: usize = 20_000;

/// Measures a store that keeps past states beside one that keeps none.
pub(crate) fn rows(dir: &Path, scale: Scale) -> Vec<Row> {
    let secrets = if scale.is_quick { 500 } else { SECRETS };
    let make = |name: &str, apart| {
        let dir = dir.join(name);
        std::fs::create_dir(&dir).expect("a directory");
        Ours::create_with(options(&dir.join("ours")).past_states_apart(apart), secrets)
    };
    let (with, without) = (make("with-past", 1_024), make("without-past", u64::MAX));
    let [mut kept, mut ratio, mut back, mut replayed] = [const { Sample::new() }; 4];
    for round in 0..scale.rounds {
        let rate = |ours| throughput(ours, CALLERS, Work::Locks, Duration::from_millis(scale.run_millis));
        // Whoever comes second has a warmer disk.
        let (one, other) = if round % 2 == 0 {
            let one = rate(&with);
            (one, rate(&without))
        } else {
            let other = rate(&without);
            (rate(&with), other)
        };
        kept.add(one);
        ratio.add(one / other);
        let size = with.store.status().expect("a status").log_size.get();
        let began = Instant::now();
        let moment = with.store.as_of(AsOf::Position(Position::new(size / 3))).expect("a moment");
        back.add(began.elapsed().as_secs_f64() * 1_000.0);
        replayed.add(moment.replayed() as f64);
    }
    for ours in [with, without] {
        ours.store.close().expect("a close");
    }
    vec![
        Row::new("past states kept, 64 callers, locks: ours".to_owned(), Target::None, kept, "/s"),
        Row::new("past states kept: times a store that keeps none".to_owned(), Target::None, ratio, "x"),
        Row::new(format!("a look back, {secrets} secrets"), Target::None, back, "ms"),
        Row::new("records replayed for it".to_owned(), Target::None, replayed, ""),
    ]
}
