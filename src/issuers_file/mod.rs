//! Reads the file that names issuers, strictly, into descriptions of them.
//!
//! The file is a JSON object of issuers by their names ([`manual::issuers`](crate::manual::issuers) describes its fields). A
//! field that is unknown, or is given twice at any depth, is refused. An issuer that is described wrongly does not keep the
//! others from being read. An error names the line, the issuer, the field and the rule, and never repeats a value: somebody
//! may have put a password there.
//!
//! Reading asks no file, no store and no server. What a description names is looked for when the issuer is made: by
//! [`ExecDescription::issuer`], or by a host from the fields of the description. Names and words of SQL are checked then.
//!
//! ```
//! use latchkeep::issuers_file::{IssuerDescription, IssuersFile};
//!
//! let file = IssuersFile::parse(
//!     r#"{
//!         "orders": {"kind": "exec", "program": "/usr/local/bin/issue", "args": ["--orders"]},
//!         "billing": {"kind": "exec", "program": "/usr/local/bin/issue", "argv": ["hunter2"]}
//!     }"#,
//! )?;
//! let [orders, billing] = file.issuers() else { panic!("the file names two issuers") };
//! let Ok(IssuerDescription::Exec(exec)) = &orders.description else { panic!("it is described rightly") };
//! assert_eq!(exec.args, ["--orders"]);
//! let issuer = exec.issuer()?;
//! # let _ = issuer;
//!
//! let wrong = billing.description.as_ref().unwrap_err();
//! assert_eq!(wrong.to_string(), "line 3: issuer billing: argv is no field that is known here");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod exec;
mod fields;
mod postgres;
mod private_ca;
mod secret_source;
mod writer;

use std::fmt;

pub use error::IssuersFileError;
pub use exec::ExecDescription;
pub use postgres::{
    GrantDescription, GrantTarget, PostgresPasswordDescription, PostgresRoleDescription, PostgresServerDescription,
    TlsDescription,
};
pub use private_ca::{LeafKeyKind, PrivateCaDescription};
pub use secret_source::SecretSource;

use crate::domain::name::IssuerName;
use fields::{Fields, Named, Place};

/// Bytes of a file, at most.
pub const FILE_BYTES_MAX: usize = 1_048_576;

/// Issuers in a file, at most.
pub const ISSUERS_MAX: usize = 1_000;

/// Elements of a list and variables of an environment, at most.
pub const LIST_MAX: usize = 1_000;

/// Bytes of one text, at most.
pub const TEXT_BYTES_MAX: usize = 65_536;

/// The issuers of a file, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuersFile {
    issuers: Vec<DescribedIssuer>,
}

/// One issuer as the file describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DescribedIssuer {
    /// The name under which secrets ask for it; nothing when no issuer can have the name that the file gives. The description
    /// is then the error that says so.
    pub name: Option<IssuerName>,
    /// The line in which its description begins, from 1.
    pub line: usize,
    /// What the file says of it, or why that cannot be.
    pub description: Result<IssuerDescription, IssuersFileError>,
}

/// What a file says of an issuer, by kind.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum IssuerDescription {
    /// `exec`: a program.
    Exec(ExecDescription),
    /// `postgres_password`: sets passwords of roles that stay.
    PostgresPassword(PostgresPasswordDescription),
    /// `postgres_role`: makes fresh roles.
    PostgresRole(PostgresRoleDescription),
    /// `private_ca`: signs certificates.
    PrivateCa(PrivateCaDescription),
}

impl IssuersFile {
    /// Reads the text of a file, perhaps with a byte order mark before it. Takes time and memory in proportion to the text.
    ///
    /// # Errors
    ///
    /// [`IssuersFileError`] when the text is longer than [`FILE_BYTES_MAX`], is no JSON object, names an issuer twice, or
    /// names more than [`ISSUERS_MAX`]. What is wrong with one issuer alone is in its [`DescribedIssuer::description`].
    pub fn parse(text: &str) -> Result<Self, IssuersFileError> {
        if text.len() > FILE_BYTES_MAX {
            return Err(IssuersFileError::of_file(1, "is longer than 1 MiB"));
        }
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let named = fields::issuers(text)?;
        if let Some(issuer) = named.get(ISSUERS_MAX) {
            return Err(IssuersFileError::of_file(issuer.line, "names more than 1000 issuers"));
        }
        Ok(Self { issuers: named.iter().map(DescribedIssuer::read).collect() })
    }

    /// Returns the issuers, in the order of the file.
    #[must_use]
    pub fn issuers(&self) -> &[DescribedIssuer] {
        &self.issuers
    }

    /// Writes the issuers that are described rightly as a file, which reads as the same descriptions. Defaults are written out.
    #[must_use]
    pub fn to_json(&self) -> String {
        writer::write(&self.issuers)
    }
}

impl DescribedIssuer {
    fn read(named: &Named<'_>) -> Self {
        let (line, place) = (named.line, Place::of(named));
        let Ok(name) = IssuerName::parse(&named.name) else {
            let rule = "has a name that takes 2 to 64 letters, digits, dots, underscores and dashes, a letter first";
            return Self { name: None, line, description: Err(place.wrong(rule)) };
        };
        Self { name: Some(name), line, description: IssuerDescription::read(place) }
    }
}

impl IssuerDescription {
    fn read(place: Place<'_>) -> Result<Self, IssuersFileError> {
        let fields = Fields::of(place)?;
        let kind = fields.text("kind")?;
        match fields.needed("kind", kind)?.as_str() {
            "exec" => ExecDescription::read(&fields).map(Self::Exec),
            "postgres_password" => PostgresPasswordDescription::read(&fields).map(Self::PostgresPassword),
            "postgres_role" => PostgresRoleDescription::read(&fields).map(Self::PostgresRole),
            "private_ca" => PrivateCaDescription::read(&fields).map(Self::PrivateCa),
            _ => Err(fields.wrong("kind", "takes exec, postgres_password, postgres_role or private_ca")),
        }
    }
}

impl fmt::Debug for IssuerDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exec(described) => described.fmt(f),
            Self::PostgresPassword(described) => described.fmt(f),
            Self::PostgresRole(described) => described.fmt(f),
            Self::PrivateCa(described) => described.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests;
