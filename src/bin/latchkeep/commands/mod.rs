//! The commands, one file each: ask the store, show the answer.
//!
//! Read next: [`tour`], which runs most of them.

pub(crate) mod backup;
pub(crate) mod clock;
mod clock_rebase;
pub(crate) mod credential;
mod explain;
mod group;
mod impact;
pub(crate) mod init;
mod lock;
mod lock_list;
mod log;
mod log_accept;
mod log_export;
mod log_into;
mod log_proof;
mod log_replay;
mod log_verify;
mod quarantine;
pub(crate) mod restore;
mod rotation;
mod rotation_ask;
mod rotation_run;
mod run_outcome;
mod scrub;
mod secret_change;
mod secret_create;
mod secret_get;
mod secret_list;
mod secret_show;
mod secret_update;
mod status;
mod summary;
mod task;
pub(crate) mod tour;
mod watch;

pub(crate) use log::hex;
pub(crate) use summary::counted;

use crate::args::{
    ClockCommand, CredentialCommand, Given, Global, GroupCommand, LockCommand, LogCommand, QuarantineCommand,
    QuarantineShow, Reported, RotationCommand, SecretCommand, StoreCommand, TaskCommand,
};
use crate::brought::is_dash;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input::{self, Stdin};
use crate::out::Out;
use crate::prompt;
use crate::scene::{Access, Scene};

/// Tells what a command needs the store for.
pub(crate) const fn access(command: &StoreCommand) -> Access {
    match command {
        StoreCommand::Secret(SecretCommand::Show(_) | SecretCommand::List(_))
        | StoreCommand::Lock(LockCommand::List(_))
        | StoreCommand::Group(GroupCommand::List(_))
        | StoreCommand::Rotation(RotationCommand::List(_) | RotationCommand::Show(_))
        | StoreCommand::Task(TaskCommand::List(_) | TaskCommand::Show(_))
        | StoreCommand::Explain(_)
        | StoreCommand::Quarantine(QuarantineCommand::Show(QuarantineShow { issuers: None }))
        | StoreCommand::Clock(ClockCommand::Show)
        | StoreCommand::Status
        | StoreCommand::Scrub => Access::Look,
        StoreCommand::Watch(args) if args.until_end => Access::Look,
        StoreCommand::Secret(_)
        | StoreCommand::Lock(_)
        | StoreCommand::Group(_)
        | StoreCommand::Watch(_)
        | StoreCommand::Rotation(_)
        | StoreCommand::Task(_)
        | StoreCommand::Log(LogCommand::Erase(_))
        | StoreCommand::Credential(_)
        | StoreCommand::Clock(_)
        | StoreCommand::Quarantine(_) => Access::Act,
        StoreCommand::Log(_) => Access::Look,
    }
}

/// Does what comes before the store is taken from others: looks at the arguments, asks the person, reads stdin. Gives
/// what the command will find on its stdin.
pub(crate) fn ask_ahead(command: &StoreCommand) -> Result<Stdin, Failure> {
    match command {
        StoreCommand::Secret(SecretCommand::Create(args)) => {
            secret_create::check(args)?;
            if !secret_create::takes_value(args) {
                return Ok(Stdin::Process);
            }
            input::ahead(&args.source, &format!("the value of {}", args.name))
        }
        StoreCommand::Lock(LockCommand::Delete(args)) if args.names.is_empty() && !args.all => {
            Err(Failure::usage("no lock is named").hint("name those to be removed, or --all of the version"))
        }
        StoreCommand::Secret(SecretCommand::Rotate(args)) if args.certificate.certificate.is_none() => {
            input::ahead(&args.source, &format!("the new value of {}", args.secret.secret))
        }
        StoreCommand::Task(TaskCommand::Update(args)) => {
            task::check(args)?;
            match args.status {
                Reported::CredentialsCreated => input::ahead(&args.source(), "the credential"),
                Reported::CredentialsDeleted | Reported::Failed => Ok(Stdin::Process),
            }
        }
        other => confirm(other).map(|()| Stdin::Process),
    }
}

/// Asks whether what cannot be undone is meant.
fn confirm(command: &StoreCommand) -> Result<(), Failure> {
    match command {
        StoreCommand::Secret(SecretCommand::DestroyData(args)) if !args.yes => {
            let (secret, version) = (&args.secret.secret, args.version);
            let warning = format!("this destroys the data of version {version} of {secret} for good");
            prompt::confirm(&warning, secret)
        }
        StoreCommand::Secret(SecretCommand::Delete(args)) if !args.yes => {
            let secret = &args.secret.secret;
            let warning = format!("this deletes {secret} with all its versions for good");
            prompt::confirm(&warning, secret)
        }
        StoreCommand::Rotation(RotationCommand::Retire(args)) if !args.yes => {
            let (secret, version) = (&args.secret.secret, args.version);
            let warning =
                format!("this ends the credential of version {version} of {secret}, for whoever still uses it");
            prompt::confirm(&warning, secret)
        }
        StoreCommand::Quarantine(QuarantineCommand::End(args)) if !args.yes => quarantine::confirm(),
        StoreCommand::Credential(CredentialCommand::End(args)) if !args.yes => credential::confirm(args),
        StoreCommand::Log(LogCommand::Erase(args)) if !args.yes => {
            let what = args.secret.clone().unwrap_or_else(|| "erase".to_owned());
            let warning = match &args.secret {
                Some(secret) => format!("this erases the bodies of all records about {secret} for good"),
                None => format!(
                    "this erases the bodies of {} for good",
                    summary::counted(u64::try_from(args.positions.len()).unwrap_or(u64::MAX), "record")
                ),
            };
            prompt::confirm(&warning, &what)
        }
        _ => Ok(()),
    }
}

/// Does what a command asks that needs no store; nothing when it needs one.
pub(crate) fn without_store(command: &StoreCommand, global: &Global, given: Given) -> Option<Result<Exit, Failure>> {
    let StoreCommand::Log(command) = command else { return None };
    if global.expect.is_some() && log::needs_no_store(command) {
        return Some(Err(
            Failure::usage("--expect is for a store, and none is opened").hint("--earlier is for exports")
        ));
    }
    let mut out = Out::new(global.json);
    if let LogCommand::Replay(args) = command
        && let Some(dir) = &args.into
    {
        return Some(log_into::run(global, given, args, dir, &mut out));
    }
    let outcome = log::without_store(command, &mut out)?;
    Some(outcome.and_then(|exit| out.flush().map(|()| exit)))
}

/// Refuses a checkpoint on stdout where a value goes, to the byte.
pub(crate) fn check_anchors(command: &StoreCommand, global: &Global) -> Result<(), Failure> {
    match command {
        StoreCommand::Secret(SecretCommand::Get(args)) if args.out.is_none() => {
            if global.anchor.iter().any(|path| is_dash(path)) {
                let message = "--anchor - would put a checkpoint behind the value on stdout";
                return Err(Failure::usage(message).hint("name a file for the one or, with --out, for the other"));
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Does what a command asks.
pub(crate) fn run(command: &StoreCommand, scene: &mut Scene) -> Result<Exit, Failure> {
    match command {
        StoreCommand::Secret(command) => secret(command, scene),
        StoreCommand::Lock(command) => lock(command, scene),
        StoreCommand::Group(command) => group::run(command, scene),
        StoreCommand::Log(command) => log::run(command, scene),
        StoreCommand::Watch(args) => watch::run(args, scene),
        StoreCommand::Rotation(command) => rotation::run(command, scene),
        StoreCommand::Task(command) => task::run(command, scene),
        StoreCommand::Explain(args) => explain::run(args, scene),
        StoreCommand::Credential(command) => credential::run(command, scene),
        StoreCommand::Quarantine(QuarantineCommand::Show(args)) => quarantine::show(args, scene),
        StoreCommand::Quarantine(QuarantineCommand::End(_)) => quarantine::end(scene),
        StoreCommand::Clock(ClockCommand::Show) => clock::show(scene),
        StoreCommand::Clock(ClockCommand::Confirm(args)) => clock::confirm(scene, args.yes),
        StoreCommand::Clock(ClockCommand::Rebase(args)) => clock_rebase::rebase(scene, args.yes),
        StoreCommand::Status => status::run(scene),
        StoreCommand::Scrub => scrub::run(scene),
    }
}

fn secret(command: &SecretCommand, scene: &mut Scene) -> Result<Exit, Failure> {
    match command {
        SecretCommand::Create(args) => secret_create::run(args, scene),
        SecretCommand::Get(args) => secret_get::run(args, scene),
        SecretCommand::Show(args) => secret_show::run(args, scene),
        SecretCommand::List(args) => secret_list::run(args, scene),
        SecretCommand::Rotate(args) => secret_change::rotate(args, scene),
        SecretCommand::Update(args) => secret_update::run(args, scene),
        SecretCommand::Restore(args) => secret_change::restore(args, scene),
        SecretCommand::DestroyData(args) => secret_change::destroy_data(args, scene),
        SecretCommand::Delete(args) => secret_change::delete(args, scene),
    }
}

fn lock(command: &LockCommand, scene: &mut Scene) -> Result<Exit, Failure> {
    match command {
        LockCommand::Create(args) => lock::create(args, scene),
        LockCommand::List(args) => lock_list::run(args, scene),
        LockCommand::Renew(args) => lock::renew(args, scene),
        LockCommand::Delete(args) => lock::delete(args, scene),
    }
}
