//! Owns `latchkeep task`: what is to be done outside, and what jobs report of it.
//!
//! Read next: [`super::rotation`].

use std::sync::Arc;

use latchkeep::{Issued, Receipt, Secret, Task, TaskReport, TaskStatus, view};
use serde_json::json;

use super::rotation::named;
use crate::args::{Reported, TaskArg, TaskCancel, TaskCommand, TaskList, TaskShow, TaskUpdate};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::find;
use crate::input::{self, Purpose};
use crate::scene::Scene;
use crate::times::shown as shown_time;

pub(crate) fn run(command: &TaskCommand, scene: &mut Scene) -> Result<Exit, Failure> {
    match command {
        TaskCommand::List(args) => list(args, scene),
        TaskCommand::Show(args) => show(args, scene),
        TaskCommand::Update(args) => update(args, scene),
        TaskCommand::Cancel(args) => cancel(args, scene),
    }
}

/// Holds a report to what its status takes, before anything is read.
pub(crate) fn check(args: &TaskUpdate) -> Result<(), Failure> {
    let is_created = args.status == Reported::CredentialsCreated;
    let brings = args.outside.is_some() || args.expires_at.is_some() || args.from_file.is_some();
    if brings && !is_created {
        let message = "--outside, --expires-at and --from-file are for --status credentials_created";
        return Err(Failure::usage(message));
    }
    match (args.status, &args.reason) {
        (Reported::Failed, None) => {
            Err(Failure::usage("a task that failed takes a --reason")
                .hint("people read it; nothing secret belongs there"))
        }
        (Reported::CredentialsCreated | Reported::CredentialsDeleted, Some(_)) => {
            Err(Failure::usage("--reason is for --status failed"))
        }
        _ => Ok(()),
    }
}

fn list(args: &TaskList, scene: &mut Scene) -> Result<Exit, Failure> {
    let found: Vec<(Arc<Secret>, Task)> = match &args.secret {
        Some(secret) => {
            let secret = find::secret(scene.store(), &named(secret))?;
            secret.tasks().into_iter().map(|task| (Arc::clone(&secret), task)).collect()
        }
        None => open(scene),
    };
    if scene.out.is_json() {
        let rows: Vec<view::Task> = found.iter().map(|(secret, task)| view::Task::of(secret, task)).collect();
        let total = rows.len();
        scene.out.json(&json!({ "tasks": rows, "total_count": total }))?;
        return Ok(Exit::Done);
    }
    let head = ["secret", "task", "kind", "status", "created", "trigger", "report by", "tried again", "why"];
    let rows = found.iter().map(|(secret, task)| {
        let time = |at: Option<latchkeep::Timestamp>| at.map(shown_time).unwrap_or_default();
        vec![
            secret.metadata.name.to_string(),
            task.id.to_string(),
            task.kind.to_string(),
            task.status.to_string(),
            shown_time(task.created_at),
            task.trigger.to_string(),
            time(task.report_by),
            time(task.retry_at),
            task.failure.as_ref().map(ToString::to_string).unwrap_or_default(),
        ]
    });
    scene.out.table(&head, rows.collect())?;
    Ok(Exit::Done)
}

/// Those of all secrets that are not over.
fn open(scene: &Scene) -> Vec<(Arc<Secret>, Task)> {
    let is_open = |task: &Task| !matches!(task.status, TaskStatus::CredentialsCreated | TaskStatus::CredentialsDeleted);
    let of_secret = |secret: Arc<Secret>| {
        let tasks: Vec<_> = secret.tasks().into_iter().filter(is_open).collect();
        tasks.into_iter().map(move |task| (Arc::clone(&secret), task))
    };
    scene.store().rotating_secrets().into_iter().flat_map(of_secret).collect()
}

fn show(args: &TaskShow, scene: &mut Scene) -> Result<Exit, Failure> {
    let (secret, task) = found(&args.task, scene)?;
    tell(scene, &secret, &task)?;
    Ok(Exit::Done)
}

fn found(args: &TaskArg, scene: &Scene) -> Result<(Arc<Secret>, Task), Failure> {
    let secret = find::secret(scene.store(), &args.secret)?;
    let task = scene.store().task(secret.id, args.task).map_err(Failure::about(&secret))?;
    Ok((secret, task))
}

fn tell(scene: &mut Scene, secret: &Secret, task: &Task) -> Result<(), Failure> {
    if scene.out.is_json() {
        return scene.out.json(&json!(view::Task::of(secret, task)));
    }
    let mut facts = vec![
        ("task", task.id.to_string()),
        ("secret", secret.metadata.name.to_string()),
        ("kind", task.kind.to_string()),
        ("status", task.status.to_string()),
        ("trigger", task.trigger.to_string()),
        ("version id", task.version.to_string()),
        ("created", format!("{} by {}", shown_time(task.created_at), task.created_by)),
    ];
    let mut more = |name, fact: Option<String>| facts.extend(fact.map(|fact| (name, fact)));
    more("report by", task.report_by.map(shown_time));
    more("tried again", task.retry_at.map(shown_time));
    more("ended", task.ended_at.map(shown_time));
    more("why", task.failure.as_ref().map(ToString::to_string));
    scene.out.facts(&facts)
}

fn update(args: &TaskUpdate, scene: &mut Scene) -> Result<Exit, Failure> {
    let (secret, _) = found(&args.task, scene)?;
    let report = match (args.status, &args.reason) {
        (Reported::CredentialsCreated, _) => {
            let credential = input::value(&args.source(), &mut scene.stdin, Purpose::Fields, "the credential")?;
            let mut made = Issued::new(credential);
            if let Some(outside) = &args.outside {
                made = made.known_as(outside.clone());
            }
            if let Some(end) = args.expires_at {
                made = made.expiring_at(end.ahead());
            }
            TaskReport::CredentialsCreated(made)
        }
        (Reported::CredentialsDeleted, _) => TaskReport::CredentialsDeleted,
        (Reported::Failed, Some(reason)) => TaskReport::Failed(reason.clone()),
        (Reported::Failed, None) => return check(args).map(|()| Exit::Done),
    };
    let receipt = scene.session.report_task(secret.id, args.task.task, report).map_err(Failure::about(&secret))?;
    let done = match args.status {
        Reported::CredentialsCreated => "the next latchkeep rotation run proves the credential and puts it into use",
        Reported::CredentialsDeleted => "the credential is ended",
        Reported::Failed => "noted; it is tried again after a pause",
    };
    conclude(scene, &args.task, &secret, &receipt, done)
}

fn cancel(args: &TaskCancel, scene: &mut Scene) -> Result<Exit, Failure> {
    let (secret, _) = found(&args.task, scene)?;
    let receipt =
        scene.session.cancel_task(secret.id, args.task.task, args.reason.clone()).map_err(Failure::about(&secret))?;
    let done = if scene.store().secret(secret.id)?.rotation.is_some() {
        "called off; what was made is ended by the next latchkeep rotation run, once it is known"
    } else {
        "called off; nothing was made"
    };
    conclude(scene, &args.task, &secret, &receipt, done)
}

fn conclude(
    scene: &mut Scene,
    args: &TaskArg,
    secret: &Secret,
    receipt: &Receipt,
    done: &str,
) -> Result<Exit, Failure> {
    if scene.out.is_json() {
        // One that was given up is gone from here.
        let task = scene.store().secret(secret.id)?.task(args.task);
        let task = task.map(|task| view::Task::of(secret, &task));
        scene.out.json(&json!({ "task": task, "receipt": view::Receipt::of(receipt) }))?;
    } else {
        scene.out.line(format!("task {} of {}: {done}", args.task, secret.metadata.name))?;
    }
    Ok(Exit::Done)
}
