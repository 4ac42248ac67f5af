//! Owns `latchkeep scrub`, and the bar that shows how far long work has come.
//!
//! Read next: [`super::log`].

use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use latchkeep::{ScrubProgress, ScrubReport};
use serde_json::{Value, json};

use super::summary::counted;
use crate::exit::Exit;
use crate::failure::{self, Failure};
use crate::out::red;
use crate::scene::Scene;

pub(crate) fn run(scene: &mut Scene) -> Result<Exit, Failure> {
    let bar = bar(0, "versions");
    let report = scene.store().scrub(|progress| match progress {
        ScrubProgress::ReplayingLog => bar.set_message("replaying the log"),
        ScrubProgress::ReadingData { done, total } => {
            bar.set_message("versions");
            bar.set_length(total);
            bar.set_position(done);
        }
        _ => {}
    });
    bar.finish_and_clear();
    let report = report?;
    let exit = if report.findings.is_empty() { Exit::Done } else { Exit::Damaged };
    if scene.out.is_json() {
        scene.out.json(&to_json(&report))?;
    } else {
        tell(scene, &report)?;
    }
    Ok(exit)
}

fn to_json(report: &ScrubReport) -> Value {
    json!({
        "records": report.records,
        "secrets": report.secrets,
        "versions": report.versions,
        "sealed_bytes": report.sealed_bytes,
        "findings": report.findings,
        "flaws": said(&report.flaws),
        "accepted_steps": said(&report.accepted_steps),
    })
}

fn tell(scene: &mut Scene, report: &ScrubReport) -> Result<(), Failure> {
    let read = format!(
        "{}, {}, {} with {} of sealed data",
        counted(report.records, "record"),
        counted(report.secrets, "secret"),
        counted(report.versions, "version"),
        HumanBytes(report.sealed_bytes)
    );
    for note in said(&report.flaws).into_iter().chain(said(&report.accepted_steps)) {
        scene.out.line(format!("note: {note}"))?;
    }
    if report.findings.is_empty() {
        return scene.out.line(format!("all is well: {read}"));
    }
    for finding in &report.findings {
        scene.out.line(format!("{}: {finding}", red("finding")))?;
    }
    scene.out.line(format!("read {read}"))?;
    failure::warn(format!("findings: {}; restore the store from a backup", report.findings.len()));
    Ok(())
}

/// Says what an earlier release wrote in error, and what a restore accepted, a sentence each.
pub(super) fn said<T: ToString>(told: &[T]) -> Vec<String> {
    told.iter().map(ToString::to_string).collect()
}

/// Makes a bar on stderr that is only drawn on a terminal.
pub(super) fn bar(total: u64, what: &'static str) -> ProgressBar {
    let bar = ProgressBar::new(total);
    if let Ok(style) = ProgressStyle::with_template("{bar:32} {pos}/{len} {msg} ({eta})") {
        bar.set_style(style);
    }
    bar.set_message(what);
    bar
}
