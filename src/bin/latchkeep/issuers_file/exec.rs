//! Owns issuers of kind exec: programs of the user's.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use latchkeep::{ExecIssuer, IssuerClass};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Made, care, limit, parse};

/// Seconds that a job may take, at most: 30 days.
const JOB_LIMIT_SECS_MAX: u64 = 2_592_000;

/// Seconds that a run of a program may take, when nothing is said.
const LIMIT_SECS_DEFAULT: u64 = 30;

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

pub(super) fn make(fields: Map<String, Value>) -> Result<Made, String> {
    let exec: Exec = parse(fields)?;
    let longest = limit(exec.limit_secs, LIMIT_SECS_DEFAULT)?;
    // Whoever may change it is asked for credentials.
    care::unchanged(&exec.program)?;
    Ok(Made { issuer: Arc::new(exec.issuer(longest)?), longest, problem: None })
}

impl Exec {
    fn issuer(self, limit: Duration) -> Result<ExecIssuer, String> {
        let class = match self.class.as_deref() {
            None => IssuerClass::Opaque,
            Some(label) => IssuerClass::from_label(label).ok_or_else(|| {
                format!("{label} is no class; set_value, create_with_token, create_discoverable and opaque are")
            })?,
        };
        let mut issuer = ExecIssuer::new(self.program).map_err(|invalid| invalid.to_string())?.of_class(class);
        issuer = issuer.giving_up_after(limit);
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
