//! Medians, their spread, and the table.

use std::time::Duration;

/// A sample of one quantity.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sample(Vec<f64>);

impl Sample {
    /// Begins a sample.
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds what was measured.
    pub(crate) fn add(&mut self, value: f64) {
        self.0.push(value);
    }

    /// Adds a time, in microseconds.
    pub(crate) fn add_time(&mut self, time: Duration) {
        self.add(time.as_secs_f64() * 1e6);
    }

    /// Gives the value below which a part of the sample lies.
    pub(crate) fn quantile(&self, part: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let at = (part * (sorted.len().saturating_sub(1)) as f64).round() as usize;
        sorted.get(at).copied().unwrap_or(f64::NAN)
    }

    /// Gives the median.
    pub(crate) fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// Adds another sample.
    pub(crate) fn extend(&mut self, other: &Self) {
        self.0.extend_from_slice(&other.0);
    }
}

/// What a figure has to be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    AtLeast(f64),
    AtMost(f64),
    /// It is only told.
    None,
}

/// A line of the table.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) figure: String,
    pub(crate) target: Target,
    pub(crate) sample: Sample,
    pub(crate) unit: &'static str,
}

impl Row {
    pub(crate) fn new(figure: impl Into<String>, target: Target, sample: Sample, unit: &'static str) -> Self {
        Self { figure: figure.into(), target, sample, unit }
    }

    fn verdict(&self) -> &'static str {
        let median = self.sample.median();
        match self.target {
            Target::None => "",
            Target::AtLeast(least) if median >= least => "met",
            Target::AtMost(most) if median <= most => "met",
            _ => "MISSED",
        }
    }
}

/// Prints the figures: median, and the quartiles as its spread.
pub(crate) fn print(rows: &[Row]) {
    let width = rows.iter().map(|row| row.figure.len()).max().unwrap_or(0);
    println!("{:width$}  {:>12}  {:>12}  {:>25}  {:8}", "figure", "target", "median", "quartiles", "");
    for row in rows {
        let target = match row.target {
            Target::AtLeast(least) => format!(">= {}", short(least)),
            Target::AtMost(most) => format!("<= {}", short(most)),
            Target::None => String::new(),
        };
        let spread = format!("{} .. {}", short(row.sample.quantile(0.25)), short(row.sample.quantile(0.75)));
        let median = short(row.sample.median());
        println!("{:width$}  {target:>12}  {median:>12}  {spread:>25}  {:8} {}", row.figure, row.unit, row.verdict());
    }
}

fn short(value: f64) -> String {
    match value.abs() {
        large if large >= 1_000.0 => format!("{value:.0}"),
        middle if middle >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
