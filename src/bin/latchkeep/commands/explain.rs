//! Owns `latchkeep explain`: what an operation would do, or which locks would refuse it, without doing it.
//!
//! Read next: [`super::super::explanation`].

use latchkeep::view::{self, EventSummary, Explanation};
use latchkeep::{Command, Forecast, Operation, Secret, VersionRef};
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
        if let Some(refusal) = &forecast.refusal
            && args.operation.is_some()
        {
            exit = Exit::of_refusal(refusal);
        }
        let forecast = show((*operation).into(), &forecast, &secret, &numbers);
        told.extend(forecast.refusal.as_ref().and_then(Explanation::locked).map(|_| *operation));
        if scene.out.is_json() {
            shown.push(json!(forecast));
        } else {
            tell(scene, *operation, &forecast)?;
        }
    }
    let impact = scene.store().impact(secret.id)?.view(&secret, secret.impact_of_destruction(args.version).as_ref());
    if scene.out.is_json() {
        let mut fields = shown::object(view::Secret::of(&secret));
        fields.insert("impact".to_owned(), json!(impact));
        fields.insert("operations".to_owned(), Value::Array(shown));
        scene.out.json(&fields.into())?;
    } else {
        impact::tell(scene, args.operation, &told, &impact)?;
    }
    Ok(exit)
}

/// Shows what an operation would lead to.
fn show(operation: Operation, forecast: &Forecast, secret: &Secret, numbers: &Numbers) -> view::Forecast {
    let summary = |event: &latchkeep::Event| EventSummary::new(event.label(), summary::of(event, numbers));
    match &forecast.refusal {
        Some(refusal) => view::Forecast::refused(operation, Explanation::of(refusal).learn(secret)),
        None => view::Forecast::done(operation, forecast.events.iter().map(summary).collect()),
    }
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

impl From<OperationArg> for Operation {
    fn from(operation: OperationArg) -> Self {
        match operation {
            OperationArg::Read => Self::Read,
            OperationArg::Rotate => Self::Rotate,
            OperationArg::Restore => Self::Restore,
            OperationArg::Delete => Self::Delete,
            OperationArg::DestroyData => Self::DestroyData,
        }
    }
}

fn tell(scene: &mut Scene, operation: OperationArg, forecast: &view::Forecast) -> Result<(), Failure> {
    let name = name(operation);
    let Some(refusal) = &forecast.refusal else {
        scene.out.line(format!("{name}: {}", out::green("would be done")))?;
        for EventSummary { event, what, .. } in &forecast.events {
            scene.out.line(format!("  {event}  {what}").trim_end())?;
        }
        return Ok(());
    };
    scene.out.line(format!("{name}: {}", out::red("would be refused")))?;
    let Some(block) = refusal.locked() else { return scene.out.line(format!("  {}", refusal.message)) };
    for line in explanation::lines(block) {
        scene.out.line(line)?;
    }
    scene.out.line(format!("{}: {}", out::bold("try"), explanation::next_command(block)))
}
