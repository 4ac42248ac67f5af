//! The plain model: what the specification says in the fewest words, with lists and loops, and nothing taken from the
//! crate's own rules.

/// One version of a secret.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Version {
    pub(crate) number: u64,
    /// The data, while it is there.
    pub(crate) data: Option<String>,
    /// Names of locks, with when they end.
    pub(crate) locks: Vec<(String, Option<u64>)>,
    pub(crate) downloaded: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Secret {
    pub(crate) name: String,
    /// Oldest first.
    pub(crate) versions: Vec<Version>,
    pub(crate) retention: usize,
    pub(crate) strict: bool,
    pub(crate) expires_at: Option<u64>,
    pub(crate) is_destroyed: bool,
    pub(crate) is_held: bool,
    pub(crate) revision: u64,
}

/// Which version is meant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Which {
    Current,
    Previous,
    Number(u64),
}

/// What can be asked.
#[derive(Clone, Debug)]
pub(crate) enum Ask {
    Create { name: String, retention: usize, strict: bool, expires_at: Option<u64>, data: String },
    Rotate { secret: usize, data: String },
    Restore { secret: usize },
    Read { secret: usize, which: Which },
    Place { secret: usize, which: Which, names: Vec<String>, until: Option<u64>, mode: Mode },
    Remove { secret: usize, which: Which, name: Option<String> },
    DestroyData { secret: usize, which: Which },
    Delete { secret: usize },
    Rename { secret: usize, name: String },
    Retain { secret: usize, retention: usize },
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Mode {
    Keep,
    RemovePrevious,
    RemovePreviousAndDelete,
}

pub(crate) type Answer = Result<Option<String>, &'static str>;

/// The store: secrets in the order of their making, none for deleted ones.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    pub(crate) secrets: Vec<Option<Secret>>,
    pub(crate) now: u64,
}

const LOCKED: &str = "secret_version_locked";

impl Model {
    /// Does what time has made due on every secret: leases first, then expiry.
    pub(crate) fn pass_time(&mut self) {
        let now = self.now;
        for secret in self.secrets.iter_mut().flatten() {
            for version in &mut secret.versions {
                let before = version.locks.len();
                version.locks.retain(|(_, until)| until.is_none_or(|until| until > now));
                secret.revision += (before - version.locks.len()) as u64;
            }
            secret.expire(now);
        }
    }

    /// Answers, and changes what changes: the data for a read, nothing for the rest, or the code of a refusal.
    pub(crate) fn ask(&mut self, ask: &Ask) -> Answer {
        let now = self.now;
        if let Ask::Create { name, .. } | Ask::Rename { name, .. } = ask {
            let own = if let Ask::Rename { secret, .. } = ask { Some(*secret) } else { None };
            if let Some(own) = own {
                let secret = self.secrets[own].as_ref().ok_or("not_found")?;
                if secret.is_destroyed {
                    return Err("secret_inactive");
                }
            }
            let taken = |(at, secret): (usize, &Option<Secret>)| {
                Some(at) != own && secret.as_ref().is_some_and(|secret| secret.name == *name)
            };
            if self.secrets.iter().enumerate().any(taken) {
                return Err("secret_name_taken");
            }
        }
        let secret = match ask {
            Ask::Create { name, retention, strict, expires_at, data } => {
                self.secrets.push(Some(Secret {
                    name: name.clone(),
                    versions: vec![Version::new(1, data.clone())],
                    retention: *retention,
                    strict: *strict,
                    expires_at: *expires_at,
                    is_destroyed: false,
                    is_held: false,
                    revision: 2,
                }));
                return Ok(None);
            }
            Ask::Delete { secret } => {
                let found = self.secrets[*secret].as_ref().ok_or("not_found")?;
                if found.versions.iter().any(|version| version.data.is_some() && !version.locks.is_empty()) {
                    return Err(LOCKED);
                }
                self.secrets[*secret] = None;
                return Ok(None);
            }
            Ask::Rotate { secret, .. }
            | Ask::Restore { secret }
            | Ask::Read { secret, .. }
            | Ask::Place { secret, .. }
            | Ask::Remove { secret, .. }
            | Ask::DestroyData { secret, .. }
            | Ask::Rename { secret, .. }
            | Ask::Retain { secret, .. } => self.secrets[*secret].as_mut().ok_or("not_found")?,
        };
        match ask {
            Ask::Rotate { data, .. } => secret.add(data.clone()),
            Ask::Restore { .. } => secret.restore(),
            Ask::Read { which, .. } => secret.read(*which),
            Ask::Place { which, names, until, mode, .. } => secret.place(*which, names, *until, *mode),
            Ask::Remove { which, name, .. } => secret.remove(*which, name.as_deref(), now),
            Ask::DestroyData { which, .. } => secret.destroy_data(*which),
            Ask::Rename { name, .. } => {
                secret.revision += u64::from(secret.name != *name);
                secret.name.clone_from(name);
                Ok(None)
            }
            Ask::Retain { .. } if secret.is_destroyed => Err("secret_inactive"),
            Ask::Retain { retention, .. } => {
                secret.revision += u64::from(secret.retention != *retention);
                secret.retention = *retention;
                Ok(None)
            }
            Ask::Create { .. } | Ask::Delete { .. } => unreachable!("answered above"),
        }
    }
}

impl Version {
    fn new(number: u64, data: String) -> Self {
        Self { number, data: Some(data), locks: Vec::new(), downloaded: false }
    }
}

impl Secret {
    fn find(&self, which: Which) -> Result<usize, &'static str> {
        let last = self.versions.len() - 1;
        match which {
            Which::Current => Some(last),
            Which::Previous => last.checked_sub(1),
            Which::Number(number) => self.versions.iter().position(|version| version.number == number),
        }
        .ok_or("not_found")
    }

    fn add(&mut self, data: String) -> Answer {
        if self.is_destroyed {
            return Err("secret_inactive");
        }
        let kept = self.retention - 1;
        let out = self.versions.len().saturating_sub(kept);
        let falls_out: Vec<usize> = (0..out).filter(|at| self.versions[*at].data.is_some()).collect();
        let is_locked = |version: &Version| !version.locks.is_empty();
        if falls_out.iter().any(|at| is_locked(&self.versions[*at]))
            || (self.strict && self.versions.iter().any(is_locked))
        {
            return Err(LOCKED);
        }
        for at in &falls_out {
            self.versions[*at].data = None;
        }
        self.revision += 1 + falls_out.len() as u64;
        let number = self.versions.last().unwrap().number + 1;
        self.versions.push(Version::new(number, data));
        if self.versions.len() > 50 {
            self.versions.remove(0);
        }
        Ok(None)
    }

    fn restore(&mut self) -> Answer {
        if self.is_destroyed {
            return Err("secret_inactive");
        }
        let previous = self.find(Which::Previous).map_err(|_| "nothing_to_restore")?;
        let data = self.versions[previous].data.clone().ok_or("nothing_to_restore")?;
        self.add(data)
    }

    fn read(&mut self, which: Which) -> Answer {
        let at = self.find(which)?;
        let version = &mut self.versions[at];
        let data = version.data.clone().ok_or("version_data_destroyed")?;
        self.revision += u64::from(!version.downloaded);
        version.downloaded = true;
        Ok(Some(data))
    }

    fn place(&mut self, which: Which, names: &[String], until: Option<u64>, mode: Mode) -> Answer {
        let at = self.find(which)?;
        if self.versions[at].data.is_none() {
            return Err("version_data_unavailable");
        }
        if mode != Mode::Keep && at + 1 != self.versions.len() {
            return Err("invalid_parameter");
        }
        for name in names {
            let locks = &mut self.versions[at].locks;
            locks.retain(|(other, _)| other != name);
            locks.push((name.clone(), until));
            locks.sort();
            self.revision += 1;
        }
        if mode == Mode::Keep || at == 0 {
            return Ok(None);
        }
        let previous = &mut self.versions[at - 1];
        let before = previous.locks.len();
        previous.locks.retain(|(name, _)| !names.contains(name));
        self.revision += (before - previous.locks.len()) as u64;
        if mode == Mode::RemovePreviousAndDelete && previous.locks.is_empty() && previous.data.take().is_some() {
            self.revision += 1;
        }
        Ok(None)
    }

    fn remove(&mut self, which: Which, name: Option<&str>, now: u64) -> Answer {
        let at = self.find(which)?;
        let locks = &mut self.versions[at].locks;
        let before = locks.len();
        locks.retain(|(other, _)| name.is_some_and(|name| name != other));
        let removed = before - locks.len();
        self.revision += removed as u64;
        if removed > 0 {
            self.expire(now);
        }
        Ok(None)
    }

    fn destroy_data(&mut self, which: Which) -> Answer {
        let at = self.find(which)?;
        if self.versions[at].data.is_none() {
            return Err("version_data_destroyed");
        }
        if !self.versions[at].locks.is_empty() {
            return Err(LOCKED);
        }
        self.versions[at].data = None;
        self.revision += 1;
        Ok(None)
    }

    fn expire(&mut self, now: u64) {
        if self.is_destroyed || self.expires_at.is_none_or(|at| at > now) {
            return;
        }
        let with_data = || self.versions.iter().filter(|version| version.data.is_some());
        if with_data().any(|version| !version.locks.is_empty()) {
            self.revision += u64::from(!self.is_held);
            self.is_held = true;
            return;
        }
        self.revision += 1 + with_data().count() as u64;
        self.versions.iter_mut().for_each(|version| version.data = None);
        (self.is_destroyed, self.is_held) = (true, false);
    }
}
