//! Owns descriptions of kind `exec`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::error::IssuersFileError;
use super::fields::Fields;
use crate::domain::invalid::Invalid;
use crate::domain::rotation::IssuerClass;
use crate::issuer::exec::ExecIssuer;

/// Seconds that a run of a program may take: an hour at most.
const LIMIT_SECS_MAX: u64 = 3_600;

/// Seconds that a job may take, at most: 30 days.
const JOB_LIMIT_SECS_MAX: u64 = 2_592_000;

/// How long a run of a program may take, when nothing is said.
const LIMIT_DEFAULT: Duration = Duration::from_secs(30);

const FIELDS: [&str; 8] = ["kind", "program", "args", "env", "directory", "class", "limit_secs", "job_limit_secs"];

/// What a file says of an issuer of kind `exec`: a program. In `Debug` neither its arguments nor the values of its environment
/// are shown, since secrets may be among them.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExecDescription {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// Its environment; names hold neither `=` nor NUL, values no NUL.
    pub env: BTreeMap<String, String>,
    /// The directory in which it runs; the host's when nothing is said.
    pub directory: Option<PathBuf>,
    /// The class whose promises it keeps; opaque when nothing is said.
    pub class: IssuerClass,
    /// How long a run may take: 1 to 3,600 seconds, 30 when nothing is said.
    pub limit: Duration,
    /// How long a job that it begins may take, 1 second to 30 days, if it begins jobs. Of classes that take jobs only.
    pub job_limit: Option<Duration>,
}

impl ExecDescription {
    pub(super) fn read(fields: &Fields<'_>) -> Result<Self, IssuersFileError> {
        fields.only(&FIELDS, "is no field that is known here")?;
        let program = fields.path("program")?;
        let class = match fields.text("class")? {
            None => IssuerClass::Opaque,
            Some(label) => IssuerClass::from_label(&label).ok_or_else(|| {
                fields.wrong("class", "takes set_value, create_with_token, create_discoverable or opaque")
            })?,
        };
        let job_limit = fields.number("job_limit_secs", 1..=JOB_LIMIT_SECS_MAX, "takes 1 to 2592000")?;
        if job_limit.is_some() && !class.takes_jobs() {
            return Err(fields
                .wrong("job_limit_secs", "is for the classes create_with_token and opaque; the others take no jobs"));
        }
        let env = fields.texts_by_name("env")?;
        if env.iter().any(|(name, value)| name.is_empty() || name.contains(['=', '\0']) || value.contains('\0')) {
            return Err(fields.wrong("env", "takes names without =, and nothing with a NUL"));
        }
        Ok(Self {
            program: fields.needed("program", program)?,
            args: fields.texts("args")?,
            env,
            directory: fields.path("directory")?,
            class,
            limit: limit(fields)?.unwrap_or(LIMIT_DEFAULT),
            job_limit: job_limit.map(Duration::from_secs),
        })
    }

    /// Makes the issuer. Whether the program is there shows when it is first asked; who may change it is not checked.
    ///
    /// # Errors
    ///
    /// [`Invalid`] unless the path of the program is absolute.
    pub fn issuer(&self) -> Result<ExecIssuer, Invalid> {
        let mut issuer = ExecIssuer::new(&self.program)?.of_class(self.class).giving_up_after(self.limit);
        if let Some(limit) = self.job_limit {
            issuer = issuer.leaving_to_jobs(limit);
        }
        for arg in &self.args {
            issuer = issuer.with_arg(arg);
        }
        for (name, value) in &self.env {
            issuer = issuer.with_env(name, value);
        }
        Ok(match &self.directory {
            Some(directory) => issuer.in_directory(directory),
            None => issuer,
        })
    }
}

/// Reads how long one call may take.
pub(super) fn limit(fields: &Fields<'_>) -> Result<Option<Duration>, IssuersFileError> {
    Ok(fields.number("limit_secs", 1..=LIMIT_SECS_MAX, "takes 1 to 3600")?.map(Duration::from_secs))
}

impl fmt::Debug for ExecDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecDescription")
            .field("program", &self.program)
            .field("args", &self.args.len())
            .field("env", &self.env.keys())
            .field("directory", &self.directory)
            .field("class", &self.class)
            .field("limit", &self.limit)
            .field("job_limit", &self.job_limit)
            .finish()
    }
}
