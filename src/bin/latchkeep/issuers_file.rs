//! Owns the file that names issuers: read strictly, with the name of the issuer in every complaint. No passwords belong there.
//!
//! Read next: [`super::commands`].

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use latchkeep::{ExecIssuer, IssuerClass, IssuerName, WorkerOptions};
use serde::Deserialize;
use serde::de::{Error, MapAccess, Visitor};

use crate::failure::Failure;
use crate::input;

/// Bytes of the file, at most.
const FILE_BYTES_MAX: usize = 1_048_576;

/// Seconds that a run of a program may take, at most.
const LIMIT_SECS_MAX: u64 = 3_600;

/// Seconds that a job may take, at most: 30 days.
const JOB_LIMIT_SECS_MAX: u64 = 2_592_000;

/// Seconds that a run of a program may take, when nothing is said.
const LIMIT_SECS_DEFAULT: u64 = 30;

/// An issuer as the file describes it.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Described {
    Exec(Exec),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exec {
    program: PathBuf,
    #[serde(default)]
    args: Vec<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    directory: Option<PathBuf>,
    class: Option<String>,
    limit_secs: Option<u64>,
    job_limit_secs: Option<u64>,
}

/// All of the file; a name that stands there twice is a mistake.
struct Named(BTreeMap<String, serde_json::Value>);

impl<'de> Deserialize<'de> for Named {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;
        impl<'de> Visitor<'de> for Names {
            type Value = Named;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object of issuers by their names")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Named, A::Error> {
                let mut named = BTreeMap::new();
                while let Some((name, described)) = map.next_entry::<String, serde_json::Value>()? {
                    if named.contains_key(&name) {
                        return Err(A::Error::custom(format!("the issuer {name} stands there twice")));
                    }
                    named.insert(name, described);
                }
                Ok(Named(named))
            }
        }
        deserializer.deserialize_map(Names)
    }
}

/// Registers the issuers of a file.
pub(crate) fn read(path: &Path) -> Result<WorkerOptions, Failure> {
    let text = input::read_file(path, FILE_BYTES_MAX)?;
    let wrong = |what: String| Failure::usage(format!("issuers file {}: {what}", path.display()));
    let Named(named) = serde_json::from_slice(text.expose()).map_err(|error| wrong(error.to_string()))?;
    let (mut options, mut longest) = (WorkerOptions::new(), LIMIT_SECS_DEFAULT);
    for (name, described) in named {
        let about = |what: &dyn fmt::Display| wrong(format!("issuer {name}: {what}"));
        let parsed = IssuerName::parse(&name).map_err(|invalid| about(&invalid))?;
        let described: Described = serde_json::from_value(described).map_err(|error| about(&error))?;
        let Described::Exec(exec) = described;
        longest = longest.max(exec.limit_secs.unwrap_or_default());
        options = options.issuer(parsed, exec.issuer().map_err(|what| about(&what))?);
    }
    // The program is ended at its own limit first, which tells more.
    Ok(options.call_limit(Duration::from_secs(longest.saturating_add(CALL_EXTRA_SECS))))
}

/// Seconds that a call may take longer than its program.
const CALL_EXTRA_SECS: u64 = 5;

impl Exec {
    fn issuer(self) -> Result<ExecIssuer, String> {
        let class = match self.class.as_deref() {
            None => IssuerClass::Opaque,
            Some(label) => IssuerClass::from_label(label).ok_or_else(|| {
                format!("{label} is no class; set_value, create_with_token, create_discoverable and opaque are")
            })?,
        };
        let limit = self.limit_secs.unwrap_or(LIMIT_SECS_DEFAULT);
        if !(1..=LIMIT_SECS_MAX).contains(&limit) {
            return Err(format!("limit_secs takes 1 to {LIMIT_SECS_MAX}"));
        }
        let mut issuer = ExecIssuer::new(self.program).map_err(|invalid| invalid.to_string())?.of_class(class);
        issuer = issuer.giving_up_after(Duration::from_secs(limit));
        if let Some(limit) = self.job_limit_secs {
            issuer = issuer.leaving_to_jobs(job_limit(limit, class)?);
        }
        for arg in self.args {
            issuer = issuer.with_arg(arg);
        }
        for (name, value) in self.env {
            if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
                return Err("env takes names without =, and nothing with a NUL".to_owned());
            }
            issuer = issuer.with_env(name, value);
        }
        Ok(match self.directory {
            Some(directory) => issuer.in_directory(directory),
            None => issuer,
        })
    }
}

/// Holds how long a job may take to its bounds, and to the classes that take jobs.
fn job_limit(secs: u64, class: IssuerClass) -> Result<Duration, String> {
    if !(1..=JOB_LIMIT_SECS_MAX).contains(&secs) {
        return Err(format!("job_limit_secs takes 1 to {JOB_LIMIT_SECS_MAX}"));
    }
    match class {
        IssuerClass::CreateWithToken | IssuerClass::Opaque => Ok(Duration::from_secs(secs)),
        _ => Err(format!("job_limit_secs is for create_with_token and opaque; class {class} takes no jobs")),
    }
}
