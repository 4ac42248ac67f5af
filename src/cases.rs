//! How many cases a property is tried with.

/// Gives the usual number, or what `PROPTEST_CASES` says: proptest does not ask it where a property sets a number of its own.
pub(crate) fn cases(usual: u32) -> u32 {
    std::env::var("PROPTEST_CASES").ok().map_or(usual, |text| text.parse().expect("PROPTEST_CASES is a number"))
}
