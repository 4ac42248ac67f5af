//! Owns questions to the person at the terminal; what is typed is not shown where it is secret.
//!
//! Read next: [`super::keys`] and [`super::input`], which ask.

use std::io::{self, BufRead, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use latchkeep::SecretBytes;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag::{register, register_conditional_default};
use signal_hook::low_level::emulate_default_handler;

use crate::exit::Exit;
use crate::failure::Failure;

/// Tells whether somebody is there to be asked.
pub(crate) fn somebody_is_there() -> bool {
    io::stderr().is_terminal()
}

/// Asks for something secret.
pub(crate) fn secret(question: &str) -> Result<SecretBytes, Failure> {
    let failed = |error: io::Error| Failure::new(Exit::Failed, "io", format!("could not ask on the terminal: {error}"));
    let interrupts_end = interrupts_end().map_err(failed)?;
    interrupts_end.store(false, Ordering::SeqCst);
    let answer = rpassword::prompt_password(format!("{question}: "));
    interrupts_end.store(true, Ordering::SeqCst);
    match answer {
        Err(error) if error.kind() == io::ErrorKind::Interrupted => {
            // The terminal is given back by now; end as any program that is interrupted.
            emulate_default_handler(SIGINT).map_err(failed)?;
            Err(failed(error))
        }
        answer => Ok(SecretBytes::from(answer.map_err(failed)?)),
    }
}

/// Gives the switch that says whether an interrupt ends the program at once. It does not while a question hides what is
/// typed: the terminal would be left hiding it.
fn interrupts_end() -> io::Result<&'static AtomicBool> {
    static SWITCH: OnceLock<Arc<AtomicBool>> = OnceLock::new();
    if let Some(switch) = SWITCH.get() {
        return Ok(switch);
    }
    let switch = SWITCH.get_or_init(|| Arc::new(AtomicBool::new(true)));
    register_conditional_default(SIGINT, Arc::clone(switch))?;
    Ok(switch)
}

/// Gives the switch that an interrupt, or a request to end, turns on from now on, rather than end the program at once.
pub(crate) fn noted_interrupts() -> Result<Arc<AtomicBool>, Failure> {
    let noted = Arc::new(AtomicBool::new(false));
    let register = || {
        register(SIGINT, Arc::clone(&noted))?;
        register(SIGTERM, Arc::clone(&noted))?;
        interrupts_end().map(|switch| switch.store(false, Ordering::SeqCst))
    };
    let failed = |error| Failure::new(Exit::Failed, "io", format!("could not prepare for an interrupt: {error}"));
    register().map_err(failed)?;
    Ok(noted)
}

/// Asks for something secret twice, so that a slip of the fingers shows.
pub(crate) fn secret_twice(question: &str) -> Result<SecretBytes, Failure> {
    let first = secret(question)?;
    let again = secret("once more")?;
    if first.equals_in_constant_time(&again) {
        Ok(first)
    } else {
        Err(Failure::usage("the two entries differ; nothing was done, try again"))
    }
}

/// Asks a person to type `word` before something is done that cannot be undone. Nobody there means yes: a script has
/// nobody to ask.
pub(crate) fn confirm(warning: &str, word: &str) -> Result<(), Failure> {
    if is_anybody_asked() { ask(warning, word) } else { Ok(()) }
}

/// Asks the same where only a person can know whether it is right: with nobody there it is refused.
pub(crate) fn confirm_by_person(warning: &str, word: &str) -> Result<(), Failure> {
    if is_anybody_asked() {
        return ask(warning, word);
    }
    let message = format!("{warning}; there is no terminal to ask on, and nothing was done");
    Err(Failure::usage(message).hint("compare the clock with another one first; --yes says that it is right"))
}

fn is_anybody_asked() -> bool {
    io::stdin().is_terminal() && somebody_is_there()
}

fn ask(warning: &str, word: &str) -> Result<(), Failure> {
    let mut to = io::stderr();
    write!(to, "{warning}; type {word} to go on: ")?;
    to.flush()?;
    let mut answer = String::new();
    io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(|error| Failure::new(Exit::Failed, "io", format!("could not read the answer: {error}")))?;
    if answer.trim() == word { Ok(()) } else { Err(Failure::usage("not confirmed; nothing was done")) }
}
