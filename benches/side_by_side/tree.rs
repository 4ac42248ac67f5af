//! What the proofs cost: 64 callers with the tree, checkpoints and an anchor, and without.

use std::path::Path;
use std::time::Duration;

use latchkeep::FileAnchor;

use crate::Scale;
use crate::ours::{Ours, options};
use crate::stats::{Row, Sample, Target};
use crate::work::{CALLERS, Work, throughput};

/// Measures the same work with and without, in turn.
pub(crate) fn rows(dir: &Path, scale: Scale) -> Vec<Row> {
    let dir = dir.join("tree");
    std::fs::create_dir(&dir).expect("a directory");
    let anchor = FileAnchor::new(dir.join("anchor"));
    let with = Ours::create_with(options(&dir.join("with")).anchoring(anchor), CALLERS);
    let without = Ours::create_with(options(&dir.join("without")), CALLERS);
    let [mut with_rate, mut without_rate, mut ratio] = [const { Sample::new() }; 3];
    let rate = |ours| throughput(ours, CALLERS, Work::Mix, Duration::from_millis(scale.run_millis));
    for _ in 0..scale.rounds {
        let proving = rate(&with);
        latchkeep::without_tree(true);
        let bare = rate(&without);
        latchkeep::without_tree(false);
        with_rate.add(proving);
        without_rate.add(bare);
        ratio.add(proving / bare);
    }
    vec![
        Row::new(
            format!("{CALLERS} callers, mix: with tree and checkpoints, times without"),
            Target::AtLeast(0.9),
            ratio,
            "x",
        ),
        Row::new(
            format!("{CALLERS} callers, mix: with tree, checkpoints and an anchor"),
            Target::None,
            with_rate,
            "/s",
        ),
        Row::new(format!("{CALLERS} callers, mix: without"), Target::None, without_rate, "/s"),
    ]
}
