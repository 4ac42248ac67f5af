//! The command line: thin over the library's public interface, one file per command.
//!
//! A command parses, asks the store, and shows the answer; no rule of the product is decided here. Read next: [`args`],
//! for what can be asked, then [`scene`], for what a command works with.
#![cfg_attr(
    not(test),
    warn(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::print_stdout,
        clippy::print_stderr,
        clippy::dbg_macro
    )
)]

mod anchors;
mod args;
mod brought;
mod commands;
mod exit;
mod explanation;
mod failure;
mod fields;
mod find;
mod input;
mod interrupts;
mod issuers_file;
mod keys;
mod looking;
mod out;
mod place;
mod prompt;
mod rotations;
mod scene;
mod seen;
mod shown;
mod times;

use std::process::ExitCode;

use args::{BackupCommand, Cli, Command};
use exit::Exit;
use failure::Failure;

fn main() -> ExitCode {
    let (cli, given) = Cli::read();
    let json = cli.global.json;
    let outcome = run(cli, given);
    outcome.unwrap_or_else(|failure| failure.show(json)).into()
}

fn run(cli: Cli, given: args::Given) -> Result<Exit, Failure> {
    match cli.command {
        Command::Init(init) => commands::init::run(&cli.global, given, &init),
        Command::Tour(tour) => commands::tour::run(&cli.global, given, &tour),
        Command::Backup(args) => match &args.command {
            Some(BackupCommand::Verify(verify)) => commands::backup::verify(&cli.global, verify),
            None => commands::backup::take(&cli.global, given, &args),
        },
        Command::Restore(args) => commands::restore::run(&cli.global, given, &args),
        Command::Store(command) => {
            if let Some(outcome) = commands::without_store(&command, &cli.global, given) {
                return outcome;
            }
            commands::check_anchors(&command, &cli.global)?;
            // Whoever has to think or type does so before the store is taken from others.
            let stdin = commands::ask_ahead(&command)?;
            let mut scene = scene::Scene::open(&cli.global, given, commands::access(&command))?;
            scene.stdin = stdin;
            let outcome = commands::run(&command, &mut scene);
            scene.close(outcome)
        }
    }
}
