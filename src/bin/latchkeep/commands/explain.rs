//! Owns `latchkeep explain`: what an operation would do, or which locks would refuse it, without doing it.
//!
//! Read next: [`super::super::explanation`].

use latchkeep::{Command, Forecast, LOCKED_MESSAGE, Refusal, Secret, VersionRef};
use serde_json::{Value, json};

use super::impact;
use super::summary::{self, Numbers};
use crate::args::{Explain, OperationArg};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::scene::Scene;
use crate::{explanation, find, out, shown};

const ALL: [OperationArg; 5] =
    [OperationArg::Read, OperationArg::Rotate, OperationArg::Restore, OperationArg::Delete, OperationArg::DestroyData];

pub(crate) fn run(args: &Explain, scene: &mut Scene) -> Result<Exit, Failure> {
    let secret = find::secret(scene.store(), &args.secret)?;
    let asked = args.operation.as_ref().map_or(ALL.as_slice(), std::slice::from_ref);
    let mut numbers = Numbers::default();
    numbers.learn_secret(&secret);
    let (mut shown, mut told) = (Vec::new(), Vec::new());
    let mut exit = Exit::Done;
    for operation in asked {
        let forecast = forecast(scene, *operation, &secret, args.version)?;
        let refusal = forecast.refusal.as_ref();
        if let Some(refusal) = refusal
            && args.operation.is_some()
        {
            exit = Exit::of_refusal(refusal);
        }
        told.extend(refusal.and_then(Refusal::blocked).map(|_| *operation));
        let events: Vec<(&str, String)> =
            forecast.events.iter().map(|event| (event.label(), summary::of(event, &numbers))).collect();
        if scene.out.is_json() {
            shown.push(to_json(*operation, refusal, &events));
        } else {
            tell(scene, *operation, refusal, &events)?;
        }
    }
    let (impact, destruction) = (scene.store().impact(secret.id)?, secret.impact_of_destruction(args.version));
    if scene.out.is_json() {
        let mut fields = shown::secret(&secret);
        fields.insert("impact".to_owned(), impact::json(&impact, destruction.as_ref(), &numbers));
        fields.insert("operations".to_owned(), Value::Array(shown));
        scene.out.json(&fields.into())?;
    } else {
        impact::tell(scene, args.operation, &told, (&impact, destruction.as_ref()), &numbers)?;
    }
    Ok(exit)
}

fn forecast(scene: &Scene, operation: OperationArg, secret: &Secret, version: VersionRef) -> Result<Forecast, Failure> {
    let (session, id) = (&scene.session, secret.id);
    Ok(match operation {
        OperationArg::Read => session.dry_run(&Command::read(id, version))?,
        OperationArg::Rotate => session.dry_run_rotation(id)?,
        OperationArg::Restore => session.dry_run(&Command::restore(id))?,
        OperationArg::Delete => session.dry_run(&Command::delete(id))?,
        OperationArg::DestroyData => session.dry_run(&Command::destroy_data(id, version))?,
    })
}

const fn name(operation: OperationArg) -> &'static str {
    match operation {
        OperationArg::Read => "read",
        OperationArg::Rotate => "rotate",
        OperationArg::Restore => "restore",
        OperationArg::Delete => "delete",
        OperationArg::DestroyData => "destroy-data",
    }
}

fn tell(
    scene: &mut Scene,
    operation: OperationArg,
    refusal: Option<&Refusal>,
    events: &[(&str, String)],
) -> Result<(), Failure> {
    let name = name(operation);
    let Some(refusal) = refusal else {
        scene.out.line(format!("{name}: {}", out::green("would be done")))?;
        for (event, what) in events {
            scene.out.line(format!("  {event}  {what}").trim_end())?;
        }
        return Ok(());
    };
    scene.out.line(format!("{name}: {}", out::red("would be refused")))?;
    match refusal.blocked() {
        Some(blocked) => {
            for line in explanation::lines(blocked) {
                scene.out.line(line)?;
            }
            scene.out.line(format!("{}: {}", out::bold("try"), explanation::next_command(blocked)))
        }
        None => scene.out.line(format!("  {refusal}")),
    }
}

fn to_json(operation: OperationArg, refusal: Option<&Refusal>, events: &[(&str, String)]) -> Value {
    let events = if refusal.is_some() { &[] } else { events };
    let mut shown = json!({
        "operation": name(operation),
        "would_be_done": refusal.is_none(),
        "events": events.iter().map(|(event, what)| json!({ "event": event, "what": what })).collect::<Vec<_>>(),
    });
    if let (Some(refusal), Value::Object(fields)) = (refusal, &mut shown) {
        fields.insert("code".to_owned(), json!(refusal.code()));
        let message = refusal.blocked().map_or_else(|| refusal.to_string(), |_| LOCKED_MESSAGE.to_owned());
        fields.insert("message".to_owned(), json!(message));
        if let Some(blocked) = refusal.blocked() {
            fields.insert("explanation".to_owned(), json!(explanation::headline(blocked)));
            fields.insert("blocked_by".to_owned(), explanation::json(blocked));
            fields.insert("blocked_total".to_owned(), json!(blocked.locks_total));
            fields.insert("advice".to_owned(), json!(blocked.advice()));
        }
    }
    shown
}
