//! Owns questions to the person at the terminal; what is typed is not shown where it is secret.
//!
//! Read next: [`super::keys`] and [`super::input`], which ask.

use std::io::{self, BufRead, IsTerminal, Write};

use latchkeep::SecretBytes;

use crate::exit::Exit;
use crate::failure::Failure;

/// Tells whether somebody is there to be asked.
pub(crate) fn somebody_is_there() -> bool {
    io::stderr().is_terminal()
}

/// Asks for something secret.
pub(crate) fn secret(question: &str) -> Result<SecretBytes, Failure> {
    let answer = rpassword::prompt_password(format!("{question}: "))
        .map_err(|error| Failure::new(Exit::Failed, "io", format!("could not ask on the terminal: {error}")))?;
    Ok(SecretBytes::from(answer))
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
    if !io::stdin().is_terminal() || !somebody_is_there() {
        return Ok(());
    }
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
