//! Owns what goes to stdout: lines, tables and JSON; plain where it is piped, with colour and frames on a terminal.
//!
//! Secret values go through one door, [`Out::value`]. Read next: [`super::shown`], for the JSON itself.

use std::fmt::Display;
use std::io::{self, BufWriter, IsTerminal, Write};

use anstream::AutoStream;
use clap::builder::styling::{AnsiColor, Style};
use comfy_table::{ContentArrangement, Table, presets};
use serde_json::Value;

use crate::failure::Failure;

/// Where a command shows its answer.
pub(crate) struct Out {
    to: BufWriter<AutoStream<io::Stdout>>,
    json: bool,
    terminal: bool,
}

impl Out {
    /// Writes to stdout.
    pub(crate) fn new(json: bool) -> Self {
        let terminal = io::stdout().is_terminal();
        Self { to: BufWriter::new(AutoStream::auto(io::stdout())), json, terminal }
    }

    /// Tells whether JSON was asked for.
    pub(crate) const fn is_json(&self) -> bool {
        self.json
    }

    /// Tells whether a person looks on.
    pub(crate) const fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Writes a line.
    pub(crate) fn line(&mut self, text: impl Display) -> Result<(), Failure> {
        Ok(writeln!(self.to, "{text}")?)
    }

    /// Writes JSON: on several lines for a person, on one for a program.
    pub(crate) fn json(&mut self, value: &Value) -> Result<(), Failure> {
        let text = if self.terminal { format!("{value:#}") } else { value.to_string() };
        self.line(text)
    }

    /// Writes a table: framed on a terminal; else a line per row, columns parted by tabs, without the head.
    pub(crate) fn table(&mut self, head: &[&str], rows: Vec<Vec<String>>) -> Result<(), Failure> {
        if self.terminal {
            return self.line(framed(head, rows));
        }
        for row in rows {
            let cells: Vec<String> = row.iter().map(|cell| on_one_line(cell)).collect();
            self.line(cells.join("\t"))?;
        }
        Ok(())
    }

    /// Writes rows of a name and what it is.
    pub(crate) fn facts(&mut self, facts: &[(&str, String)]) -> Result<(), Failure> {
        let width = facts.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
        for (name, fact) in facts {
            if self.terminal {
                self.line(format!("{}{:gap$}  {fact}", bold(name), "", gap = width.saturating_sub(name.len())))?;
            } else {
                self.line(format!("{name}\t{}", on_one_line(fact)))?;
            }
        }
        Ok(())
    }

    /// Writes the bytes of a secret value as they are: nothing is added, taken away or coloured.
    pub(crate) fn value(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.to.flush()?;
        let mut to = io::stdout().lock();
        to.write_all(bytes)?;
        Ok(to.flush()?)
    }

    /// Makes sure that all of it is out.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        Ok(self.to.flush()?)
    }
}

fn framed(head: &[&str], rows: Vec<Vec<String>>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    // Broken into letters a table says nothing; a terminal that is too narrow, or does not tell, wraps by itself.
    if table.width().is_some_and(|width| width >= WIDTH_MIN) {
        table.set_content_arrangement(ContentArrangement::Dynamic);
    }
    table.set_header(head.iter().copied());
    table.add_rows(rows);
    table
}

/// Columns of a terminal from which tables are fitted to it.
const WIDTH_MIN: u16 = 60;

fn on_one_line(text: &str) -> String {
    text.replace(['\n', '\r', '\t'], " ")
}

fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// In bold, where colours are shown.
pub(crate) fn bold(text: &str) -> String {
    styled(Style::new().bold(), text)
}

/// In red, where colours are shown.
pub(crate) fn red(text: &str) -> String {
    styled(Style::new().fg_color(Some(AnsiColor::Red.into())).bold(), text)
}

/// In yellow, where colours are shown.
pub(crate) fn yellow(text: &str) -> String {
    styled(Style::new().fg_color(Some(AnsiColor::Yellow.into())).bold(), text)
}

/// Dimmed, where that can be shown.
pub(crate) fn dim(text: &str) -> String {
    styled(Style::new().dimmed(), text)
}

/// In green, where colours are shown.
pub(crate) fn green(text: &str) -> String {
    styled(Style::new().fg_color(Some(AnsiColor::Green.into())), text)
}
