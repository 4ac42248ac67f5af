//! Owns what a trial found: a line for each property.

use std::fmt;

/// What a trial found out about one property.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// It holds.
    Held,
    /// It does not hold; what was seen.
    Broken(String),
    /// It was not asked; why.
    NotAsked(&'static str),
}

/// What a trial found: a line for each property, in the order in which they were tried.
///
/// `Display` gives the lines; it holds no secret data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    lines: Vec<(&'static str, Finding)>,
}

impl Report {
    pub(super) fn push(&mut self, property: &'static str, finding: Finding) {
        self.lines.push((property, finding));
    }

    /// Gives each property with what was found about it.
    #[must_use]
    pub fn lines(&self) -> &[(&'static str, Finding)] {
        &self.lines
    }

    /// Tells whether no property was found broken.
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
