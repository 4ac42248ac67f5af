//! Owns `latchkeep log verify`: of an export, with nothing but what an auditor has; or of the store's own log.
//!
//! Read next: [`super::log_replay`].

use std::fmt::Display;
use std::path::Path;

use latchkeep::audit::{Conclusion, Outcome, Report, VerifyOptions, verify_export};
use serde_json::{Value, json};

use super::summary::counted;
use crate::args::{KeyArgs, LogVerify};
use crate::brought::{self, Export};
use crate::exit::Exit;
use crate::failure::{self, Failure};
use crate::out::{Out, dim, green, red, yellow};
use crate::scene::Scene;

/// Verifies the store's own log.
pub(crate) fn own(args: &LogVerify, scene: &mut Scene) -> Result<Exit, Failure> {
    if !args.keys.keys.is_empty() || !args.keys.witnesses.is_empty() {
        let message =
            "--key, --witness and --policy are for exports, and no export is named; the store knows its own keys";
        return Err(Failure::usage(message));
    }
    let earlier = args.earlier.as_deref().map(brought::checkpoints).transpose()?;
    let size = scene.store().status()?.log_size.get();
    let bar = super::scrub::bar(size, "records");
    let verified = scene.store().verify_log(|records| bar.set_position(records));
    bar.finish_and_clear();
    let verified = verified?;
    let extends = earlier.as_ref().map(|file| scene.store().verify_anchored(file)).transpose()?;
    // Nobody has signed that a restore is accepted.
    let is_checked = earlier.is_none_or(|file| file.largest().is_some());
    let extends = extends.filter(|_| is_checked);
    let head = super::log::hex(&verified.head);
    if scene.out.is_json() {
        let mut shown = json!({ "verified": true, "records": verified.records, "head": head });
        if let (Some(earlier), Value::Object(fields)) = (extends, &mut shown) {
            fields.insert("extends".to_owned(), json!(earlier));
        }
        scene.out.json(&shown)?;
        return Ok(conclude_own(is_checked));
    }
    scene.out.line(format!("the log is whole: {}, head {head}", counted(verified.records, "record")))?;
    if let Some(earlier) = extends {
        scene.out.line(format!("it extends the log of the earlier checkpoint, which had {earlier} records"))?;
    }
    Ok(conclude_own(is_checked))
}

fn conclude_own(is_checked: bool) -> Exit {
    if is_checked {
        return Exit::Done;
    }
    failure::warn(
        "not held to an earlier checkpoint: the file has none that the restores it accepts have left in force",
    );
    Exit::NotAllChecked
}

/// Verifies an export; needs no store.
pub(crate) fn export(args: &LogVerify, path: &Path, out: &mut Out) -> Result<Exit, Failure> {
    let options = options(&args.keys, args.earlier.as_deref())?;
    let mut export = Export::open(path)?;
    let bar = export.bar.clone();
    let report = verify_export(&mut export, &options, |records| bar.set_message(counted(records, "record")));
    bar.finish_and_clear();
    if out.is_json() {
        out.json(&to_json(&report, &export)?)?;
    } else {
        tell(&report, out)?;
    }
    Ok(conclude(&report, &export))
}

/// Gives what whoever verifies has brought along.
pub(super) fn options(keys: &KeyArgs, earlier: Option<&Path>) -> Result<VerifyOptions, Failure> {
    let mut options = VerifyOptions::default();
    options.keys.clone_from(&keys.keys);
    options.witnesses.clone_from(&keys.witnesses.witnesses);
    options.policy = keys.witnesses.policy.as_deref().map(brought::policy).transpose()?;
    if let Some(path) = earlier {
        let file = brought::checkpoints(path)?;
        options.earlier = file.checkpoints().map(str::to_owned).collect();
        options.restores = file.restores().to_vec();
    }
    Ok(options)
}

/// Gives the report as JSON, with what kept the input from being read.
pub(super) fn to_json(report: &Report, export: &Export) -> Result<Value, Failure> {
    let internal = |error: serde_json::Error| Failure::new(Exit::Failed, "internal", error.to_string());
    let mut shown = serde_json::to_value(report).map_err(internal)?;
    if let (Some(problem), Value::Object(fields)) = (export.problem(), &mut shown) {
        fields.insert("input_problem".to_owned(), json!(problem));
    }
    Ok(shown)
}

/// Writes a line for each verdict, and one for the sum.
pub(super) fn tell(report: &Report, out: &mut Out) -> Result<(), Failure> {
    let text = report.to_string();
    let mut lines = text.lines();
    for verdict in &report.verdicts {
        let line = lines.next().unwrap_or_default();
        let (word, rest) = line.split_at_checked(WORD_CHARS).unwrap_or((line, ""));
        let word: &dyn Display = &match verdict.outcome {
            Outcome::Passed { .. } => green(word),
            Outcome::Failed { .. } => red(word),
            Outcome::NotChecked { .. } => yellow(word),
            Outcome::NotAsked { .. } => dim(word),
        };
        out.line(format!("{word}{rest}"))?;
    }
    lines.try_for_each(|line| out.line(line))?;
    match report.tree_head {
        Some(tree_head) => out.line(format!("size {}, root {}", tree_head.size, tree_head.root.to_base64())),
        None => Ok(()),
    }
}

/// The width of the word that each verdict begins with.
const WORD_CHARS: usize = 11;

/// Says on stderr what must not be overlooked, and gives the exit code.
pub(super) fn conclude(report: &Report, export: &Export) -> Exit {
    if let Some(problem) = export.problem() {
        failure::warn(format!("the input cannot be read to its end: {problem}"));
    }
    match report.conclusion() {
        Conclusion::Failed => {
            failure::warn("the export is not sound: what it tells is not to be relied on");
            Exit::Damaged
        }
        Conclusion::NotAllChecked => {
            failure::warn("no check failed, but not all could be checked: nothing is known of what was not seen");
            if report.keys_from_export {
                failure::note(
                    "no --key was given, so this says nothing about who made the export; latchkeep log keys prints one",
                );
            }
            Exit::NotAllChecked
        }
        Conclusion::Passed => Exit::Done,
    }
}
