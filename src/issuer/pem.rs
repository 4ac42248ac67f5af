//! Owns the reading of PEM text (RFC 7468): blocks with a label, base 64 between two lines.
//!
//! It never leaves a copy of a block behind: one may be a private key. Text between blocks is ignored, since tools
//! write explanations there. Read next: [`super::certificate`].

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// Blocks in one text, at most: a chain of certificates has three or four.
pub(crate) const BLOCKS_MAX: usize = 16;

/// A block of PEM text.
pub(crate) struct Block<'a> {
    pub(crate) label: &'a str,
    pub(crate) der: Zeroizing<Vec<u8>>,
}

/// Reads the blocks of a text.
///
/// # Errors
///
/// The rule that the text breaks, phrased to follow the name of its field.
pub(crate) fn blocks(text: &str) -> Result<Vec<Block<'_>>, &'static str> {
    let mut blocks = Vec::new();
    // Some editors put a byte order mark before the text.
    let mut lines = text.strip_prefix('\u{feff}').unwrap_or(text).lines().map(str::trim_end);
    while let Some(line) = lines.next() {
        let Some(label) = line.strip_prefix("-----BEGIN ").and_then(|rest| rest.strip_suffix("-----")) else {
            if line.starts_with("-----") {
                return Err("is PEM with a line out of place: each block has one BEGIN and one END");
            }
            continue;
        };
        if blocks.len() >= BLOCKS_MAX {
            return Err("holds more than 16 PEM blocks");
        }
        blocks.push(Block { label, der: body(label, text.len(), &mut lines)? });
    }
    if blocks.is_empty() { Err("is not PEM: no line starts with -----BEGIN") } else { Ok(blocks) }
}

/// Reads the lines of one block up to its end.
fn body<'a>(
    label: &str,
    len_max: usize,
    lines: &mut impl Iterator<Item = &'a str>,
) -> Result<Zeroizing<Vec<u8>>, &'static str> {
    // Reserved once for the whole text, so that no reallocation leaves a copy behind.
    let mut digits = Zeroizing::new(Vec::with_capacity(len_max));
    for line in lines {
        if let Some(rest) = line.strip_prefix("-----END ") {
            if rest.strip_suffix("-----") != Some(label) {
                return Err("is PEM with a block whose END is not that of its BEGIN");
            }
            return decode(&digits);
        }
        if line.contains(':') {
            return Err("is PEM with headers, as in keys that are encrypted the old way; bring it without");
        }
        digits.extend(line.bytes().filter(|byte| !byte.is_ascii_whitespace()));
    }
    Err("is PEM that is cut off: a block has no END")
}

fn decode(digits: &[u8]) -> Result<Zeroizing<Vec<u8>>, &'static str> {
    const RULE: &str = "is PEM with a block that is not base 64";
    let mut der = Zeroizing::new(vec![0; base64::decoded_len_estimate(digits.len())]);
    let len = STANDARD.decode_slice(digits, &mut der).map_err(|_| RULE)?;
    der.truncate(len);
    if der.is_empty() { Err("is PEM with an empty block") } else { Ok(der) }
}

/// Writes one block, with lines of 64 characters.
#[cfg(feature = "private-ca")]
pub(super) fn encode(label: &str, der: &[u8]) -> String {
    const LINE: usize = 64;
    let digits = Zeroizing::new(STANDARD.encode(der));
    // Reserved once for the whole, so that no reallocation leaves a copy behind.
    let room = digits.len().saturating_mul(2).saturating_add(label.len().saturating_mul(2)).saturating_add(LINE);
    let mut text = String::with_capacity(room);
    text.push_str("-----BEGIN ");
    text.push_str(label);
    text.push_str("-----\n");
    let mut rest = digits.as_str();
    while !rest.is_empty() {
        let (line, left) = rest.split_at_checked(LINE).unwrap_or((rest, ""));
        text.push_str(line);
        text.push('\n');
        rest = left;
    }
    text.push_str("-----END ");
    text.push_str(label);
    text.push_str("-----\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "-----BEGIN A B-----\naGVs\nbG8=\n-----END A B-----\n";

    #[test]
    fn blocks_are_read_in_order_and_text_between_them_is_passed_over() {
        let text = format!("subject=x\r\n{}\nissuer=y\n{}", ONE.replace('\n', "\r\n"), ONE.replace("A B", "C"));
        let found = blocks(&text).unwrap();
        assert_eq!(found.iter().map(|block| block.label).collect::<Vec<_>>(), ["A B", "C"]);
        assert!(found.iter().all(|block| **block.der == *b"hello"));
    }

    #[cfg(feature = "private-ca")]
    #[test]
    fn a_block_that_is_written_is_read_again() {
        for len in [1, 47, 48, 49, 96, 1_000] {
            let der = vec![7; len];
            let text = encode("A B", &der);
            assert!(text.lines().all(|line| line.len() <= 64));
            assert_eq!(*blocks(&text).unwrap().remove(0).der, der);
        }
    }

    #[test]
    fn each_damage_is_named() {
        for (text, rule) in [
            (String::new(), "is not PEM"),
            ("hello".to_owned(), "is not PEM"),
            (ONE[..30].to_owned(), "cut off"),
            (ONE.replace("END A B", "END A"), "END is not that"),
            (ONE.replace("-----END", "--END"), "cut off"),
            (ONE.replace("aGVs", "aG-s"), "not base 64"),
            (ONE.replace("aGVs\nbG8=\n", ""), "empty"),
            (ONE.replace("aGVs", "Proc-Type: 4,ENCRYPTED"), "headers"),
            (format!("-----END A B-----\n{ONE}"), "out of place"),
            (ONE.repeat(17), "more than 16"),
        ] {
            let found = blocks(&text).map(|blocks| blocks.len()).unwrap_err();
            assert!(found.contains(rule), "{found}");
        }
        assert_eq!(blocks(&ONE.repeat(16)).unwrap().len(), 16);
    }
}
