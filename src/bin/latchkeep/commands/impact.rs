//! Owns how people and programs are shown who would be hit by a rotation or a deletion.
//!
//! Read next: [`super::explain`].

use latchkeep::{Impact, ImpactReport, RecentReader, Secret, view};
use serde_json::{Value, json};

use super::summary::{Numbers, counted};
use crate::args::OperationArg;
use crate::failure::Failure;
use crate::scene::Scene;
use crate::times::shown as shown_time;

/// Readers that people are shown; programs get all of them.
const READERS_SHOWN: usize = 10;

/// Shows it to programs.
pub(super) fn json(secret: &Secret, report: &ImpactReport, destruction: Option<&Impact>, numbers: &Numbers) -> Value {
    let one = |impact| view::Impact::of(secret, impact);
    let reader = |read: &RecentReader| {
        json!({
            "reader": read.reader,
            "version_id": read.version,
            "version": numbers.name(read.version),
            "reads": read.reads,
            "last_at": read.last_at,
        })
    };
    json!({
        "rotation": report.rotation.as_ref().map(one),
        "deletion": one(&report.deletion),
        "data_destruction": destruction.map(one),
        "recent_readers": report.readers.iter().map(reader).collect::<Vec<_>>(),
        "readers_from_position": report.readers_from,
    })
}

/// Tells people whom a rotation and a deletion would hit, as far as they were asked about; the locks in the way of what is
/// in `told` were told with its refusal.
pub(super) fn tell(
    scene: &mut Scene,
    asked: Option<OperationArg>,
    told: &[OperationArg],
    secret: &Secret,
    (report, destruction): (&ImpactReport, Option<&Impact>),
    numbers: &Numbers,
) -> Result<(), Failure> {
    let one = |impact| view::Impact::of(secret, impact);
    if let Some(impact) = report.rotation.as_ref().filter(|_| matches!(asked, None | Some(OperationArg::Rotate))) {
        lines("a rotation", &one(impact), !told.contains(&OperationArg::Rotate), scene)?;
    }
    if matches!(asked, None | Some(OperationArg::Delete)) {
        lines("a deletion", &one(&report.deletion), !told.contains(&OperationArg::Delete), scene)?;
    }
    if let Some(impact) = destruction.filter(|_| matches!(asked, Some(OperationArg::DestroyData))) {
        lines("the destruction", &one(impact), !told.contains(&OperationArg::DestroyData), scene)?;
    }
    if matches!(asked, Some(OperationArg::Read)) { Ok(()) } else { readers(scene, report, numbers) }
}

/// Tells people who read it of late.
fn readers(scene: &mut Scene, report: &ImpactReport, numbers: &Numbers) -> Result<(), Failure> {
    for read in report.readers.iter().take(READERS_SHOWN) {
        let (times, last) = (counted(read.reads, "read"), shown_time(read.last_at));
        scene.out.line(format!(
            "read by {}: {times} of {}, the last {last}",
            read.reader,
            numbers.name(read.version)
        ))?;
    }
    let untold = report.readers.len().saturating_sub(READERS_SHOWN);
    if untold > 0 {
        scene.out.line(format!("and by {untold} more"))?;
    }
    if report.readers_from.get() > 0 {
        scene.out.line(format!("reads before position {} were not looked for", report.readers_from))?;
    }
    Ok(())
}

fn lines(operation: &str, impact: &view::Impact, with_locks: bool, scene: &mut Scene) -> Result<(), Failure> {
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
