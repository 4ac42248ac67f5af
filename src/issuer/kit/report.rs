//! Owns the result of a trial: a line for each property.

use std::fmt;

/// The result for one property.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// It holds.
    Held,
    /// It does not hold; the text says what was seen.
    Broken(String),
    /// It was not tested; the text says why.
    NotAsked(&'static str),
}

/// The result of a trial: a line for each property, in the order of the tests.
///
/// `Display` writes the lines, without secret data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    lines: Vec<(&'static str, Finding)>,
}

impl Report {
    pub(super) fn push(&mut self, property: &'static str, finding: Finding) {
        self.lines.push((property, finding));
    }

    /// Returns each property with its result.
    #[must_use]
    pub fn lines(&self) -> &[(&'static str, Finding)] {
        &self.lines
    }

    /// Returns whether no property is broken.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        !self.lines.iter().any(|(_, finding)| matches!(finding, Finding::Broken(_)))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (property, finding) in &self.lines {
            match finding {
                Finding::Held => writeln!(f, "held       {property}")?,
                Finding::Broken(seen) => writeln!(f, "BROKEN     {property}: {seen}")?,
                Finding::NotAsked(why) => writeln!(f, "not asked  {property}: {why}")?,
            }
        }
        Ok(())
    }
}
