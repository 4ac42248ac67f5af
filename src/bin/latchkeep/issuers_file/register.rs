//! Owns the register of an authority, as the file of issuers names it: whether it may be made, whether it is whole, and how a
//! person has one recovered that was lost.
//!
//! A register that is made anew would make revoked certificates valid again. So none is made where the revocation list or the
//! store shows that there was one. Read next: [`super::private_ca`].

use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use latchkeep::issuers_file::PrivateCaDescription;
use latchkeep::{
    CertificateAuthority, Credential, FileRegister, IssuerClass, IssuerErrorKind, IssuerName, Rotation, Secret, Session,
};

use super::Host;
use super::private_ca::told;
use crate::failure;

/// Bytes of a revocation list: more than a full register leads to.
const LIST_BYTES_MAX: u64 = 64 * 1_024 * 1_024;

/// Where the register of an authority is, and what its host says of it.
pub(super) struct Register {
    file: PathBuf,
    issuer: IssuerName,
    session: Session,
    recovers: bool,
}

impl Register {
    pub(super) fn of(described: &PrivateCaDescription, host: &Host<'_>) -> Self {
        let (issuer, session) = (host.name.clone(), host.session.clone());
        Self { file: described.register_file.clone(), issuer, session, recovers: host.recovers }
    }

    /// Opens the register; makes one where nothing shows that there was one, or where it is to be recovered.
    pub(super) fn open(&self, has_list: bool) -> Result<FileRegister, String> {
        let about = self.file.metadata();
        let is_missing = about.as_ref().is_err_and(|error| error.kind() == ErrorKind::NotFound);
        let is_lost = is_missing || about.is_ok_and(|about| about.len() == 0);
        let shown_by = if !is_lost || self.recovers {
            None
        } else if has_list {
            Some("its revocation list does")
        } else {
            self.store_knows_some().then_some("the store has certificates of it")
        };
        if let Some(shown_by) = shown_by {
            return Err(format!(
                "its register {} does not exist or is empty, though {shown_by}: revoked certificates would be valid again; {}",
                self.file.display(),
                self.next()
            ));
        }
        let opened = if is_missing { FileRegister::create(&self.file) } else { FileRegister::open(&self.file) };
        opened.map_err(|error| told(&error))
    }

    /// Holds the register to the list that was published last, or recovers it from that.
    pub(super) fn compare(&self, authority: &CertificateAuthority, list: Option<&str>) -> Result<(), String> {
        let (Some(list), issuer) = (list, &self.issuer) else {
            if self.recovers {
                failure::note(format!(
                    "issuer {}: there is no revocation list to recover its register from",
                    self.issuer
                ));
            }
            return Ok(());
        };
        if self.recovers {
            let added = authority.recover_register(list).map_err(|error| told(&error))?;
            failure::note(format!(
                "issuer {issuer}: its register got {added} revoked certificates from its revocation list"
            ));
            return Ok(());
        }
        authority.check_register(list).map_err(|error| match error.kind() {
            IssuerErrorKind::Unavailable => format!("{}; {}", told(&error), self.next()),
            _ => told(&error),
        })
    }

    /// Says what a person can do.
    fn next(&self) -> String {
        let (file, issuer) = (self.file.display(), &self.issuer);
        format!("mount or restore {file}, or if it is lost: latchkeep rotation run --recover-register {issuer}")
    }

    /// Tells whether the issuer has made certificates for the store.
    fn store_knows_some(&self) -> bool {
        let made = |credential: &Credential| {
            credential.issuer == self.issuer && credential.class == IssuerClass::CreateDiscoverable
        };
        let open = |rotation: &Rotation| rotation.issuer == self.issuer && rotation.credential().is_some();
        let knows = |secret: &Secret| {
            secret.versions.iter().filter_map(|version| version.credential.as_deref()).any(made)
                || secret.rotation.as_deref().is_some_and(open)
        };
        self.session.store().secrets().iter().any(|secret| knows(secret))
    }
}

/// Reads the revocation list that was published last; nothing where there is none.
pub(super) fn published(file: &Path) -> Result<Option<String>, String> {
    let unread = || format!("the revocation list {} cannot be read as one", file.display());
    let opened = match File::open(file) {
        Ok(opened) => opened,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(_) => return Err(unread()),
    };
    let mut text = String::new();
    let read = opened.take(LIST_BYTES_MAX).read_to_string(&mut text).map_err(|_| unread())?;
    Ok(Some(text).filter(|_| read > 0))
}
