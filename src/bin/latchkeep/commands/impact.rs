//! Owns how people and programs are shown who would be hit by a rotation or a deletion.
//!
//! Read next: [`super::explain`].

use latchkeep::view::{Impact, ImpactReport};

use super::summary::counted;
use crate::args::OperationArg;
use crate::failure::Failure;
use crate::scene::Scene;
use crate::times::shown as shown_time;

/// Readers that people are shown; programs get all of them.
const READERS_SHOWN: usize = 10;

/// Tells people whom a rotation and a deletion would hit, as far as they were asked about; the locks in the way of what is
/// in `told` were told with its refusal.
pub(super) fn tell(
    scene: &mut Scene,
    asked: Option<OperationArg>,
    told: &[OperationArg],
    report: &ImpactReport,
) -> Result<(), Failure> {
    if let Some(impact) = report.rotation.as_ref().filter(|_| matches!(asked, None | Some(OperationArg::Rotate))) {
        lines("a rotation", impact, !told.contains(&OperationArg::Rotate), scene)?;
    }
    if matches!(asked, None | Some(OperationArg::Delete)) {
        lines("a deletion", &report.deletion, !told.contains(&OperationArg::Delete), scene)?;
    }
    if let Some(impact) = report.data_destruction.as_ref().filter(|_| matches!(asked, Some(OperationArg::DestroyData)))
    {
        lines("the destruction", impact, !told.contains(&OperationArg::DestroyData), scene)?;
    }
    if matches!(asked, Some(OperationArg::Read)) { Ok(()) } else { readers(scene, report) }
}

/// Tells people who read it of late.
fn readers(scene: &mut Scene, report: &ImpactReport) -> Result<(), Failure> {
    for read in report.recent_readers.iter().take(READERS_SHOWN) {
        let (times, last) = (counted(read.reads, "read"), shown_time(read.last_at));
        let number = read.version_number.map_or_else(|| read.version_id.to_string(), |number| number.to_string());
        scene.out.line(format!("read by {}: {times} of version {number}, the last {last}", read.reader))?;
    }
    let untold = report.recent_readers.len().saturating_sub(READERS_SHOWN);
    if untold > 0 {
        scene.out.line(format!("and by {untold} more"))?;
    }
    if report.readers_from_position.get() > 0 {
        scene.out.line(format!("reads before position {} were not looked for", report.readers_from_position))?;
    }
    Ok(())
}

fn lines(operation: &str, impact: &Impact, with_locks: bool, scene: &mut Scene) -> Result<(), Failure> {
    for lock in impact.locks.iter().filter(|_| with_locks) {
        scene.out.line(format!("{operation} would hit: lock {} {}", lock.name, lock.words()))?;
    }
    for said in impact.consumers.iter().filter(|said| said.is_hit) {
        let uses = said.acknowledged.map_or_else(
            || "which has not said what it uses".to_owned(),
            |number| format!("which uses version {number}"),
        );
        scene.out.line(format!("{operation} would hit: consumer {}, {uses}", said.consumer))?;
    }
    Ok(())
}
