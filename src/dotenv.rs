//! Reads and writes `.env` files: strictly into the JSON of `kv` data, and so that what was written reads back the same.
//!
//! A line is blank, a comment, or `NAME=value`, with `export` before it if wanted. A value is bare (up to a line end or a
//! comment), in single quotes (taken as it is), or in double quotes (with the escapes `\n \r \t \\ \" \$`); quoted values
//! may go over several lines. Nothing is expanded. What shells and other readers of such files read in different ways is
//! refused, or written in a form that they read alike. An error names the line or the field, never the value.
//!
//! ```
//! use latchkeep::{SecretBytes, dotenv};
//!
//! let file = SecretBytes::copy_from(b"# of the shop\nexport USER=shop\nPASSWORD='a b'\n");
//! let json = dotenv::to_json(&file)?;
//! assert_eq!(json.expose(), br#"{"USER":"shop","PASSWORD":"a b"}"#);
//! assert_eq!(dotenv::from_json(&json)?.expose(), b"USER=shop\nPASSWORD='a b'\n");
//!
//! let wrong = dotenv::to_json(&SecretBytes::copy_from(b"A=1\nhunter2")).unwrap_err();
//! assert_eq!(wrong.to_string(), "line 2: takes NAME=value; there is no = after the name");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::collections::BTreeSet;
use std::fmt;

use zeroize::Zeroizing;

use crate::domain::json_text::fields_of;
use crate::seal::secret_bytes::SecretBytes;

/// A line that no `.env` file has, and the rule that it breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DotenvError {
    line: usize,
    rule: &'static str,
}

impl DotenvError {
    /// Returns the line, from 1.
    #[must_use]
    pub const fn line(&self) -> usize {
        self.line
    }

    /// Returns the rule that the line breaks.
    #[must_use]
    pub const fn rule(&self) -> &'static str {
        self.rule
    }
}

impl std::error::Error for DotenvError {}

impl fmt::Display for DotenvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.rule)
    }
}

/// Reads a `.env` file into a JSON object of texts, in the order of the file.
///
/// # Errors
///
/// [`DotenvError`], when a line is none that such a file has, a name stands there twice, or nothing is set.
pub fn to_json(file: &SecretBytes) -> Result<SecretBytes, DotenvError> {
    let text = file.expose_text().map_err(|_| DotenvError { line: 1, rule: "the file is not UTF-8 text" })?;
    let mut reader = Reader { rest: text.strip_prefix('\u{feff}').unwrap_or(text), line: 1, is_after_blank: false };
    // Room for the worst that escaping does, so that no copy is left behind by growing.
    let mut json = Zeroizing::new(Vec::with_capacity(text.len().saturating_mul(6).saturating_add(16)));
    let mut names = BTreeSet::new();
    json.push(b'{');
    while let Some((name, value)) = reader.next_pair()? {
        if !names.insert(name) {
            return Err(DotenvError { line: reader.line, rule: "the name stands here for the second time" });
        }
        if json.len() > 1 {
            json.push(b',');
        }
        push_json(&mut json, name);
        json.push(b':');
        push_json(&mut json, &value);
        reader.end_line()?;
    }
    json.push(b'}');
    if names.is_empty() {
        return Err(DotenvError { line: reader.line, rule: "the file sets nothing" });
    }
    Ok(SecretBytes::copy_from(&json))
}

fn push_json(json: &mut Zeroizing<Vec<u8>>, text: &str) {
    // Writing text into memory does not fail.
    let _ = serde_json::to_writer(&mut **json, text);
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
    /// Whether a blank stands between the = and the value.
    is_after_blank: bool,
}

impl<'a> Reader<'a> {
    const fn wrong(&self, rule: &'static str) -> DotenvError {
        DotenvError { line: self.line, rule }
    }

    fn take(&mut self, len: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(len).unwrap_or((self.rest, ""));
        self.rest = rest;
        self.line = self.line.saturating_add(taken.matches('\n').count());
        taken
    }

    fn skip_blanks(&mut self) {
        let len = self.rest.len().saturating_sub(self.rest.trim_start_matches([' ', '\t', '\r']).len());
        self.take(len);
    }

    fn rest_of_line(&mut self) -> &'a str {
        let len = self.rest.find('\n').unwrap_or(self.rest.len());
        self.take(len)
    }

    /// Gives the next name and its value, or nothing at the end.
    fn next_pair(&mut self) -> Result<Option<(&'a str, Zeroizing<String>)>, DotenvError> {
        loop {
            self.skip_blanks();
            match self.rest.chars().next() {
                None => return Ok(None),
                Some('\n') => self.take(1),
                Some('#') => self.rest_of_line(),
                Some(_) => break,
            };
        }
        if let Some(after) = self.rest.strip_prefix("export")
            && after.starts_with([' ', '\t'])
        {
            self.take("export".len());
            self.skip_blanks();
        }
        let name = self.name()?;
        Ok(Some((name, self.value()?)))
    }

    fn name(&mut self) -> Result<&'a str, DotenvError> {
        let len = self.rest.find(|char: char| !(char.is_ascii_alphanumeric() || char == '_'));
        let name = self.take(len.unwrap_or(self.rest.len()));
        if name.is_empty() || name.starts_with(|char: char| char.is_ascii_digit()) {
            return Err(self.wrong("a name takes letters, digits and underscores, no digit first"));
        }
        self.skip_blanks();
        if self.rest.starts_with('=') {
            self.take(1);
            Ok(name)
        } else {
            Err(self.wrong("takes NAME=value; there is no = after the name"))
        }
    }

    fn value(&mut self) -> Result<Zeroizing<String>, DotenvError> {
        let before = self.rest.len();
        self.skip_blanks();
        self.is_after_blank = self.rest.len() < before;
        match self.rest.chars().next() {
            Some('\'') => self.single_quoted(),
            Some('"') => self.double_quoted(),
            _ => self.bare(),
        }
    }

    fn bare(&mut self) -> Result<Zeroizing<String>, DotenvError> {
        let len = self.rest.find('\n').unwrap_or(self.rest.len());
        let line = self.rest.get(..len).unwrap_or_default();
        if line.starts_with('#') && !self.is_after_blank {
            return Err(self.wrong("a # right after = is a value to a shell and a comment to others; quote the value"));
        }
        let comment = line
            .match_indices('#')
            .map(|(at, _)| at)
            .find(|at| line.get(..*at).is_some_and(|before| before.is_empty() || before.ends_with([' ', '\t'])));
        let value = self.take(comment.unwrap_or(len)).trim_end_matches([' ', '\t', '\r']);
        if value.contains('\r') {
            return Err(self.wrong("a carriage return stands inside a bare value; quote it, or end lines as Unix does"));
        }
        if value.contains(['"', '\'']) {
            return Err(self.wrong("a quote stands inside a value that does not begin with it; quote the whole value"));
        }
        Ok(Zeroizing::new(value.to_owned()))
    }

    fn single_quoted(&mut self) -> Result<Zeroizing<String>, DotenvError> {
        let inside = self.rest.get(1..).unwrap_or_default();
        let Some(len) = inside.find('\'') else { return Err(self.wrong("the single quote is not closed")) };
        let value = inside.get(..len).unwrap_or_default();
        self.take(len.saturating_add(2));
        Ok(Zeroizing::new(value.to_owned()))
    }

    fn double_quoted(&mut self) -> Result<Zeroizing<String>, DotenvError> {
        let begun = self.line;
        self.take(1);
        let mut value = Zeroizing::new(String::with_capacity(self.rest.len()));
        loop {
            let plain = self.rest.find(['"', '\\']).unwrap_or(self.rest.len());
            value.push_str(self.take(plain));
            match self.take(1) {
                "\"" => return Ok(value),
                "\\" => value.push(self.escape()?),
                _ => return Err(DotenvError { line: begun, rule: "the double quote is not closed" }),
            }
        }
    }

    fn escape(&mut self) -> Result<char, DotenvError> {
        let found = match self.rest.chars().next() {
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some(same @ ('\\' | '"' | '$' | '\'' | '`')) => same,
            _ => return Err(self.wrong("in double quotes a \\ stands before n, r, t, \\, \", ', $ or ` only")),
        };
        self.take(1);
        Ok(found)
    }

    /// Holds what follows a value to a line end or a comment.
    fn end_line(&mut self) -> Result<(), DotenvError> {
        self.skip_blanks();
        match self.rest.chars().next() {
            None | Some('\n' | '#') => {
                self.rest_of_line();
                Ok(())
            }
            Some(_) => Err(self.wrong("something stands after the closing quote")),
        }
    }
}

/// A field that cannot be written into a `.env` file, and the rule that it breaks. Never holds a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnwritableField {
    field: String,
    rule: &'static str,
}

impl UnwritableField {
    /// Returns the name of the field; empty when the data as a whole is no JSON object.
    #[must_use]
    pub fn field(&self) -> &str {
        &self.field
    }

    /// Returns the rule that the field breaks.
    #[must_use]
    pub const fn rule(&self) -> &'static str {
        self.rule
    }
}

impl std::error::Error for UnwritableField {}

impl fmt::Display for UnwritableField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "field {:?} {}", self.field, self.rule)
    }
}

/// Writes a JSON object as a `.env` file, if all its values are texts, numbers, booleans or null, in a form that shells,
/// other readers of such files and [`to_json`] read alike. Numbers keep their digits; null is written as an empty text.
///
/// # Errors
///
/// [`UnwritableField`], when the data is no JSON object, a name is none of an environment, a value is a list or an object, or
/// a text that readers of such files read in different ways.
pub fn from_json(json: &SecretBytes) -> Result<SecretBytes, UnwritableField> {
    let wrong = |field: &str, rule| UnwritableField { field: field.to_owned(), rule };
    let text = json.expose_text().map_err(|_| wrong("", "stands in data that is no text"))?;
    let fields = fields_of(text).map_err(|_| wrong("", "stands in data that is no JSON object"))?;
    let mut file = Zeroizing::new(String::with_capacity(json.expose().len().saturating_mul(2)));
    for (name, raw) in fields.iter().map(|(name, raw)| (name.as_str(), *raw)) {
        let known = |char: char| char.is_ascii_alphanumeric() || char == '_';
        if name.is_empty() || !name.chars().all(known) || name.starts_with(|char: char| char.is_ascii_digit()) {
            return Err(wrong(
                name,
                "has a name that an environment does not take: letters, digits, _, no digit first",
            ));
        }
        file.push_str(name);
        file.push('=');
        match (text_of(raw), raw) {
            (Some(text), _) => push_quoted(&mut file, &text).map_err(|rule| wrong(name, rule))?,
            (None, "null") => {}
            (None, raw) if raw.starts_with(['[', '{']) => {
                return Err(wrong(name, "holds a list or an object, not a text"));
            }
            (None, raw) => file.push_str(raw),
        }
        file.push('\n');
    }
    Ok(SecretBytes::copy_from(file.as_bytes()))
}

/// Gives the text that a JSON value is; nothing when it is no text.
fn text_of(raw: &str) -> Option<Zeroizing<String>> {
    raw.starts_with('"').then(|| serde_json::from_str(raw).ok().map(Zeroizing::new)).flatten()
}

/// Writes a value so that POSIX shells, Node, npm's dotenv and python-dotenv read the same.
fn push_quoted(file: &mut String, text: &str) -> Result<(), &'static str> {
    let bare = |char: char| char.is_ascii_alphanumeric() || "_-./:@%+,=".contains(char);
    if text.contains('\0') {
        return Err("holds a NUL, which no environment takes");
    }
    // python-dotenv takes a backslash off before another one and before the quote.
    let is_single = !text.contains(['\'', '\r']) && !text.contains("\\\\") && !text.ends_with('\\');
    if text.chars().all(bare) {
        file.push_str(text);
    } else if is_single {
        file.extend(["'", text, "'"]);
    } else if !text.contains(['"', '$', '`', '\\', '\r']) {
        file.extend(["\"", text, "\""]);
    } else {
        return Err(
            "holds quotes, backslashes or a carriage return in a mix that readers of such files read in different ways",
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> SecretBytes {
        SecretBytes::copy_from(text.as_bytes())
    }

    #[track_caller]
    fn reads(file: &str, json: &str) {
        let read = to_json(&bytes(file)).unwrap();
        assert_eq!(std::str::from_utf8(read.expose()).unwrap(), json);
    }

    #[track_caller]
    fn wrong_in_line(file: &str, line: usize, rule: &str) {
        let wrong = to_json(&bytes(file)).unwrap_err();
        assert_eq!(wrong.line, line, "{wrong}");
        assert!(wrong.rule.contains(rule), "{wrong}");
        assert!(!wrong.to_string().contains("hunter"), "{wrong}");
    }

    #[test]
    fn files_as_people_write_them() {
        reads("A=1", r#"{"A":"1"}"#);
        reads("# head\n\nexport A=1 # one\r\nB = two words\r\n", r#"{"A":"1","B":"two words"}"#);
        reads("\u{feff}A=\nB= #\nC=a#b\n", r#"{"A":"","B":"","C":"a#b"}"#);
        reads("A=x\u{a0}\nB=\u{3000}y\u{c}\n", "{\"A\":\"x\u{a0}\",\"B\":\"\u{3000}y\\f\"}");
        reads("A='x # $y\\n' # c\nB=\"q\\\"\\n$z\\$\"", r#"{"A":"x # $y\\n","B":"q\"\n$z$"}"#);
        reads("KEY=\"-----BEGIN\nabc\n\"\nexported=1", r#"{"KEY":"-----BEGIN\nabc\n","exported":"1"}"#);
        reads("URL=postgres://u:p@h/db?x=y&z=1", r#"{"URL":"postgres://u:p@h/db?x=y&z=1"}"#);
    }

    #[test]
    fn what_is_wrong_is_named_by_line_and_never_by_value() {
        wrong_in_line("A=1\nhunter2", 2, "no =");
        wrong_in_line("A=1\n2B=hunter2", 2, "no digit first");
        wrong_in_line("A=1\n\nA=hunter2", 3, "second time");
        wrong_in_line("A='hunter2\n\n", 1, "not closed");
        wrong_in_line("A=1\nB=\"hunter2", 2, "not closed");
        wrong_in_line("A=\"x\" hunter2", 1, "after the closing quote");
        wrong_in_line("A=\"\\hunter2\"", 1, "stands before");
        wrong_in_line("A=it's hunter2", 1, "quote the whole value");
        wrong_in_line("A=#hunter2", 1, "quote the value");
        wrong_in_line("A=1\rB=hunter2\r", 1, "carriage return");
        wrong_in_line("# nothing\n", 2, "sets nothing");
    }

    #[test]
    fn what_is_written_reads_back_the_same() {
        let json =
            r#"{"A":"plain","B":"two words # $x","C":"it's\n","D":"","E":"\ttab\n","F":"{\"a\":\"b\"}","G":"a\\nb"}"#;
        let file = from_json(&bytes(json)).unwrap();
        let again = to_json(&file).unwrap();
        assert_eq!(std::str::from_utf8(again.expose()).unwrap(), json);
        assert_eq!(from_json(&bytes(r#"{"n":1.10,"b":true,"z":null}"#)).unwrap().expose(), b"n=1.10\nb=true\nz=\n");
    }

    #[test]
    fn what_readers_read_in_different_ways_is_refused_by_its_field() {
        for value in [r#""it's $x""#, r#""a\\\\b'""#, r#""a\rb""#, r#""nul\u0000""#, "[1]", r#"{"a":1}"#, r#""end\\'""#]
        {
            let wrong = from_json(&bytes(&format!(r#"{{"FIELD":{value}}}"#))).unwrap_err();
            assert_eq!(wrong.field, "FIELD", "{value}");
        }
        assert!(from_json(&bytes(r#"{"a b":"1"}"#)).is_err());
    }
}
