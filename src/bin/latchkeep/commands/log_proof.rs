//! Owns what leaves the log in few bytes: checkpoints, verifier keys, and the proof of one event, made and checked.
//!
//! Read next: [`super::log_verify`], for the proof of all events.

use latchkeep::Position;
use latchkeep::audit::{Check, Outcome, ProvedEvent, Verdict, VerifyOptions, verify_event_proof};
use serde_json::json;

use crate::args::{LogCheckpoint, LogKeys, LogProve, LogVerifyProof};
use crate::exit::Exit;
use crate::failure::{self, Failure};
use crate::out::Out;
use crate::scene::Scene;
use crate::times::shown as shown_time;
use crate::{brought, place};

/// Prints a signed checkpoint.
pub(crate) fn checkpoint(args: &LogCheckpoint, scene: &mut Scene) -> Result<Exit, Failure> {
    let checkpoint = match args.at {
        None => scene.store().checkpoint()?,
        Some(size) => {
            let signed = scene.store().checkpoint_at(Position::new(size))?;
            signed.ok_or_else(|| Failure::usage(format!("the log never had {size} records")))?
        }
    };
    let tree_head = checkpoint.checkpoint().tree_head;
    if scene.out.is_json() {
        scene.out.json(&json!({
            "log_id": checkpoint.checkpoint().log_id.to_hex(),
            "size": tree_head.size,
            "root": tree_head.root.to_base64(),
            "checkpoint": checkpoint.note(),
        }))?;
    } else {
        scene.out.line(checkpoint.note().trim_end_matches('\n'))?;
    }
    Ok(Exit::Done)
}

/// Prints the verifier keys.
pub(crate) fn keys(args: &LogKeys, scene: &mut Scene) -> Result<Exit, Failure> {
    let keys = scene.store().verifier_keys()?;
    let shown = keys.iter().skip(if args.current { keys.len().saturating_sub(1) } else { 0 });
    if scene.out.is_json() {
        let shown = shown.map(|(number, key)| json!({ "number": number, "verifier_key": key.to_string() }));
        let shown = json!({ "log_id": scene.store().log_id().to_hex(), "keys": shown.collect::<Vec<_>>() });
        scene.out.json(&shown)?;
        return Ok(Exit::Done);
    }
    for (number, key) in shown {
        scene.out.line(if args.current { key.to_string() } else { format!("{number}\t{key}") })?;
    }
    Ok(Exit::Done)
}

/// Proves that an event stands in the log.
pub(crate) fn prove(args: &LogProve, scene: &mut Scene) -> Result<Exit, Failure> {
    args.out.as_deref().map_or(Ok(()), |path| place::check(path, args.force))?;
    let size = scene.store().status()?.log_size.get();
    if args.position >= size {
        let message = format!("there is no event at position {}; the log has {size} records, from 0 on", args.position);
        return Err(Failure::usage(message));
    }
    let proof = scene.store().prove_event(Position::new(args.position))?.to_string();
    if let Some(path) = &args.out {
        place::write(path, proof.as_bytes(), args.force)?;
    }
    if scene.out.is_json() {
        let text = args.out.is_none().then_some(&proof);
        scene.out.json(&json!({ "position": args.position, "file": args.out, "proof": text }))?;
    } else if let Some(path) = &args.out {
        scene.out.line(format!("wrote the proof of the event at position {} to {}", args.position, path.display()))?;
    } else {
        scene.out.line(proof.trim_end_matches('\n'))?;
    }
    Ok(Exit::Done)
}

/// Verifies the proof of an event; needs no store.
pub(crate) fn verify(args: &LogVerifyProof, out: &mut Out) -> Result<Exit, Failure> {
    let mut options = VerifyOptions::default();
    options.keys.clone_from(&args.keys);
    options.witnesses.clone_from(&args.witnesses.witnesses);
    options.policy = args.witnesses.policy.as_deref().map(brought::policy).transpose()?;
    let text = brought::proof(&args.proof)?;
    let proved = match verify_event_proof(&text, &options) {
        Ok(proved) => proved,
        Err(why) => {
            let message = format!("{} proves nothing: {why}", args.proof.display());
            return Err(Failure::new(Exit::Damaged, "not_proved", message));
        }
    };
    let event: serde_json::Value = serde_json::from_str(&proved.cloud_event).unwrap_or_default();
    let cosignatures = Verdict { check: Check::Cosignatures, outcome: proved.cosignatures.clone() };
    if out.is_json() {
        let tree_head = proved.checkpoint.tree_head;
        out.json(&json!({
            "proved": true,
            "readable": proved.is_readable,
            "cosignatures": cosignatures,
            "position": proved.header.position,
            "size": tree_head.size,
            "root": tree_head.root.to_base64(),
            "event": event,
        }))?;
    } else {
        tell(&proved, &event, out)?;
        if !args.witnesses.is_empty() {
            out.line(&cosignatures)?;
        }
    }
    Ok(conclude(&proved))
}

const fn conclude(proved: &ProvedEvent) -> Exit {
    match (&proved.cosignatures, proved.is_readable) {
        (Outcome::Failed { .. }, _) => Exit::Damaged,
        (Outcome::NotChecked { .. }, _) | (_, false) => Exit::NotAllChecked,
        (Outcome::Passed { .. } | Outcome::NotAsked { .. }, true) => Exit::Done,
    }
}

fn tell(proved: &ProvedEvent, event: &serde_json::Value, out: &mut Out) -> Result<(), Failure> {
    let text = |name: &str| event.get(name).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
    let (position, checkpoint) = (proved.header.position, &proved.checkpoint);
    let size = checkpoint.tree_head.size;
    out.line(format!("proved: the event at position {position} stands in the log of {size} records"))?;
    let data = event.get("data").map(ToString::to_string).unwrap_or_default();
    let mut facts = vec![
        ("log id", checkpoint.log_id.to_hex()),
        ("event", text("type")),
        ("recorded at", shown_time(proved.header.time)),
        ("actor", text("authid")),
        ("about", text("subject")),
        ("data", data),
    ];
    facts.retain(|(_, fact)| !fact.is_empty());
    if !proved.is_readable {
        failure::note("the event cannot be read: its body is erased, or a later release wrote it");
    }
    out.facts(&facts)
}
