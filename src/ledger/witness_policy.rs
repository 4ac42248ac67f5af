//! Owns the policy that says whose cosignatures a checkpoint needs (C2SP tlog-policy).
//!
//! ```text
//! log <vkey> [<url>]
//! witness <name> <vkey> [<url>]
//! group <name> all|any|<k> <name>...
//! quorum <name>|none
//! ```
//!
//! It verifies nothing: the caller says which witnesses cosigned. Keys of a signature type that this release cannot
//! verify are read, and never count. Read next: [`super::witness`].

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::domain::invalid::Invalid;

use super::signer::{VerifierKey, hex, is_signer_name, key_id};
use super::witness::WitnessKey;

/// Bytes of a policy, at most.
pub const POLICY_BYTES_MAX: usize = 256 * 1_024;

/// Which logs count, and how many of which witnesses must cosign.
///
/// ```
/// use latchkeep::ledger::WitnessPolicy;
///
/// let policy = WitnessPolicy::parse(
///     b"witness one witness.example/w1+efcd800c+BGa+fjMsekUzMr2dCn99sFX1xe8aBq2mbZizn7aBDEc6\n\
///       witness two witness.example/w2+023facbb+BAtROtm0kkAVygkC7QeQRNOsXb7CMG8GlIwQ2o62458t\n\
///       group both all one two\n\
///       quorum both\n",
/// )?;
/// let witnesses: Vec<_> = policy.witnesses().cloned().collect();
/// assert!(policy.is_met(|key| witnesses.contains(key)));
/// assert!(!policy.is_met(|key| *key == witnesses[0]));
/// assert!(WitnessPolicy::parse(b"quorum both\n").is_err());
/// # Ok::<(), latchkeep::Invalid>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WitnessPolicy {
    logs: Vec<VerifierKey>,
    has_logs: bool,
    /// Each refers only to earlier ones.
    members: Vec<Member>,
    quorum: Option<usize>,
}

/// The meaning of a name in the policy.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Member {
    Witness(WitnessKey),
    /// A witness whose signatures this release cannot verify.
    Unsupported,
    Group {
        least: usize,
        of: Vec<usize>,
    },
}

impl WitnessPolicy {
    /// Reads a policy, of at most [`POLICY_BYTES_MAX`] bytes.
    ///
    /// # Errors
    ///
    /// [`Invalid`], which names the line, when the text is not a policy: a control character, an unknown keyword, an
    /// invalid key or one of the wrong type, a name that is defined twice, later or never, a key or a member twice, a
    /// threshold beyond its group, no quorum or more than one.
    pub fn parse(text: &[u8]) -> Result<Self, Invalid> {
        if text.len() > POLICY_BYTES_MAX {
            return Err(Invalid::new(FIELD, "is longer than 256 KiB"));
        }
        let mut reading = Reading::default();
        for (number, line) in (1_usize..).zip(text.split(|byte| *byte == b'\n')) {
            reading.line(line).map_err(|rule| at(number, rule))?;
        }
        let Reading { logs, log_keys, members, quorum, .. } = reading;
        let quorum = quorum.ok_or_else(|| Invalid::new(FIELD, "has no quorum line"))?;
        Ok(Self { logs, has_logs: !log_keys.is_empty(), members, quorum })
    }

    /// Iterates over the witnesses whose cosignatures this release can verify.
    pub fn witnesses(&self) -> impl Iterator<Item = &WitnessKey> {
        self.members.iter().filter_map(|member| match member {
            Member::Witness(key) => Some(key),
            Member::Unsupported | Member::Group { .. } => None,
        })
    }

    /// Returns the keys of the logs that the policy lists, without those of other signature types.
    #[must_use]
    pub fn logs(&self) -> &[VerifierKey] {
        &self.logs
    }

    /// Returns whether the policy lists logs, of any signature type: then no other log counts.
    #[must_use]
    pub const fn has_logs(&self) -> bool {
        self.has_logs
    }

    /// Returns whether the quorum has cosigned; `has_cosigned` is called for each witness.
    pub fn is_met(&self, has_cosigned: impl Fn(&WitnessKey) -> bool) -> bool {
        let mut met = Vec::with_capacity(self.members.len());
        for member in &self.members {
            met.push(match member {
                Member::Witness(key) => has_cosigned(key),
                Member::Unsupported => false,
                Member::Group { least, of } => {
                    of.iter().filter(|at| met.get(**at).copied().unwrap_or(false)).count() >= *least
                }
            });
        }
        self.quorum.is_none_or(|at| met.get(at).copied().unwrap_or(false))
    }
}

/// A policy while its lines are read.
#[derive(Default)]
struct Reading<'a> {
    logs: Vec<VerifierKey>,
    log_keys: BTreeSet<Vec<u8>>,
    witness_keys: BTreeSet<Vec<u8>>,
    names: BTreeMap<&'a [u8], usize>,
    /// The names that are members of a group.
    grouped: BTreeSet<usize>,
    members: Vec<Member>,
    /// What the quorum line requires, once it was read.
    quorum: Option<Quorum>,
}

/// What a quorum line requires: the member at an index, or nothing.
type Quorum = Option<usize>;

impl<'a> Reading<'a> {
    fn line(&mut self, line: &'a [u8]) -> Result<(), &'static str> {
        if line.iter().any(|byte| (*byte < b' ' && *byte != b'\t') || *byte == 0x7f) {
            return Err("has a control character");
        }
        let mut items = line.split(|byte| matches!(byte, b' ' | b'\t')).filter(|item| !item.is_empty());
        let Some(keyword) = items.next().filter(|first| !first.starts_with(b"#")) else { return Ok(()) };
        let items: Vec<_> = items.collect();
        match (keyword, items.as_slice()) {
            (b"log", [key] | [key, _]) => self.log(key),
            (b"witness", [name, key] | [name, key, _]) => self.witness(name, key),
            (b"group", [name, threshold, members @ ..]) => self.group(name, threshold, members),
            (b"quorum", [name]) => self.quorum(name),
            (b"log" | b"witness" | b"group" | b"quorum", _) => Err("has too few items, or too many"),
            _ => Err("begins with none of log, witness, group and quorum"),
        }
    }

    fn log(&mut self, text: &[u8]) -> Result<(), &'static str> {
        let key = Key::parse(text)?;
        if key.signature_type == COSIGNATURE_OF_WITNESS {
            return Err("gives a log the key of a witness");
        }
        if !self.log_keys.insert(key.public_part) {
            return Err("lists the key of a log twice");
        }
        if key.signature_type == SIGNATURE_OF_LOG {
            self.logs.push(VerifierKey::parse(key.text).map_err(|_| BAD_KEY)?);
        }
        Ok(())
    }

    fn witness(&mut self, name: &'a [u8], text: &[u8]) -> Result<(), &'static str> {
        let key = Key::parse(text)?;
        if key.signature_type == SIGNATURE_OF_LOG {
            return Err("gives a witness a key of type 1, whose signatures have no time");
        }
        if !self.witness_keys.insert(key.public_part) {
            return Err("lists the key of a witness twice");
        }
        let member = if key.signature_type == COSIGNATURE_OF_WITNESS {
            Member::Witness(WitnessKey::parse(key.text).map_err(|_| BAD_KEY)?)
        } else {
            Member::Unsupported
        };
        self.define(name, member)
    }

    fn group(&mut self, name: &'a [u8], threshold: &[u8], names: &[&[u8]]) -> Result<(), &'static str> {
        let mut of = Vec::with_capacity(names.len());
        for member in names {
            let at = *self.names.get(member).ok_or("names a member that no line before it defines")?;
            if !self.grouped.insert(at) {
                return Err("names a member that is in a group already");
            }
            of.push(at);
        }
        let least = match threshold {
            b"all" => of.len(),
            b"any" => 1,
            digits => decimal(digits).ok_or("has a threshold that is none of all, any and a plain number")?,
        };
        if !(1..=of.len()).contains(&least) {
            return Err("has a threshold of 0, or beyond its members");
        }
        self.define(name, Member::Group { least, of })
    }

    fn quorum(&mut self, name: &[u8]) -> Result<(), &'static str> {
        let quorum = match name {
            NONE => None,
            name => Some(*self.names.get(name).ok_or("names a quorum that no line before it defines")?),
        };
        if self.quorum.replace(quorum).is_some() { Err("is a second quorum line") } else { Ok(()) }
    }

    fn define(&mut self, name: &'a [u8], member: Member) -> Result<(), &'static str> {
        if name == NONE {
            return Err("defines the name none, which has a meaning already");
        }
        if self.names.insert(name, self.members.len()).is_some() {
            return Err("defines a name twice");
        }
        self.members.push(member);
        Ok(())
    }
}

/// A verifier key of any signature type.
struct Key<'t> {
    text: &'t str,
    signature_type: u8,
    public_part: Vec<u8>,
}

impl<'t> Key<'t> {
    fn parse(text: &'t [u8]) -> Result<Self, &'static str> {
        let text = str::from_utf8(text).map_err(|_| BAD_KEY)?;
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(given_id), Some(encoded)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(BAD_KEY);
        };
        let typed = STANDARD.decode(encoded).map_err(|_| BAD_KEY)?;
        let Some((signature_type, public_key)) = typed.split_first() else { return Err(BAD_KEY) };
        let fits = is_signer_name(name) && !public_key.is_empty();
        if !fits || hex(key_id(name, *signature_type, public_key)) != given_id {
            return Err(BAD_KEY);
        }
        Ok(Self { text, signature_type: *signature_type, public_part: public_key.to_vec() })
    }
}

/// Reads a number without sign and without leading zeros.
fn decimal(digits: &[u8]) -> Option<usize> {
    let text = str::from_utf8(digits).ok()?;
    let number: usize = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

fn at(line: usize, rule: &str) -> Invalid {
    Invalid::new(FIELD, format!("line {line} {rule}"))
}

const FIELD: &str = "witness policy";
const NONE: &[u8] = b"none";
const BAD_KEY: &str = "has a key that is no verifier key, or has the key id of another";
const SIGNATURE_OF_LOG: u8 = 1;
const COSIGNATURE_OF_WITNESS: u8 = super::witness::COSIGNATURE;

#[cfg(test)]
mod tests;
