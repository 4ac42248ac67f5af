//! Owns what the revocation list that was published last tells about the register: whether the register is whole, and what it
//! lacks.
//!
//! The register notes the number of each list before it signs one, so a list with a higher number than the register knows was
//! signed by a register that had more entries. Read next: [`super::register`].

use super::authority::{CertificateAuthority, time};
use super::own::Own;
use super::register::{Book, CertificateNote, CertificateSerial};
use crate::domain::time::Timestamp;
use crate::issuer::outcome::IssuerError;
use crate::issuer::pem;

/// A revocation list that this authority signed.
struct PublishedList {
    number: u64,
    /// Nothing when one of them has a serial number that this authority does not give.
    revoked: Option<Vec<(CertificateSerial, Timestamp)>>,
}

impl CertificateAuthority {
    /// Checks the register against the revocation list that was published last, PEM. Call it after the authority was opened,
    /// before a new list replaces that one.
    ///
    /// # Errors
    ///
    /// [`IssuerError`]: not available when the list has a higher number than the register knows of, since the register is a new
    /// one or an older copy then, and what was revoked since would be valid again. Refused when the text is no revocation list
    /// that the key of this authority signed.
    pub fn check_register(&self, list: &str) -> Result<(), IssuerError> {
        let (number, known) = (PublishedList::read(&self.own, list)?.number, self.read(Book::last_list));
        if number > known {
            return Err(IssuerError::unavailable(&format!(
                "the register of certificates is new, or an older copy: the published revocation list has number {number}, and \
                 the register knows of none after {known}; what was revoked since would be valid again"
            )));
        }
        Ok(())
    }

    /// Adds to the register what the revocation list that was published last (PEM) knows and the register does not: revoked
    /// certificates, and the number of the list. Returns how many certificates it added. For a register that was lost, or is
    /// an older copy.
    ///
    /// Certificates that were given out and are not revoked are on no list, so they stay unknown: to revoke one of them, enter it
    /// by hand. Durable when it returns; costs a durable write for each certificate.
    ///
    /// # Errors
    ///
    /// [`IssuerError`] (refused) when the text is no revocation list that the key of this authority signed, or has serial numbers
    /// that this authority does not give; and what the register says.
    pub fn recover_register(&self, list: &str) -> Result<usize, IssuerError> {
        let list = PublishedList::read(&self.own, list)?;
        let revoked = list.revoked.ok_or_else(|| {
            IssuerError::refused(
                "the revocation list that was published has serial numbers that this authority does not give",
            )
        })?;
        let mut added = 0_usize;
        for (serial, at) in revoked {
            if !self.read(|book| book.is_revoked(serial)) {
                self.note(&CertificateNote::Revoked { serial, at })?;
                added = added.saturating_add(1);
            }
        }
        // Last, so that a register of which a part was recovered is still told to be older than the list.
        if self.read(Book::last_list) < list.number {
            self.note(&CertificateNote::Listed { number: list.number })?;
        }
        Ok(added)
    }
}

impl PublishedList {
    fn read(own: &Own, text: &str) -> Result<Self, IssuerError> {
        let unread = || IssuerError::refused("what was published as revocation list cannot be read as one");
        let blocks = pem::blocks(text).map_err(|_| unread())?;
        let [block] = blocks.as_slice() else { return Err(unread()) };
        let Ok(([], list)) = x509_parser::parse_x509_crl(&block.der) else { return Err(unread()) };
        // Its name may have changed with its certificate; its key has not.
        if own.look(|own| list.verify_signature(own.public_key()).is_ok()) != Some(true) {
            return Err(IssuerError::refused(
                "the revocation list that was published is signed by another key: an authority has a list of its own",
            ));
        }
        let number = match list.crl_number() {
            None => 0,
            Some(number) => match number.to_u64_digits().as_slice() {
                [] => 0,
                [number] if *number < u64::MAX => *number,
                _ => {
                    return Err(IssuerError::refused(
                        "the number of the revocation list that was published is too high",
                    ));
                }
            },
        };
        let serial = |one: &x509_parser::revocation_list::RevokedCertificate<'_>| {
            let serial = CertificateSerial::from_bytes(one.raw_serial())?;
            Some((serial, time(one.revocation_date.timestamp())))
        };
        Ok(Self { number, revoked: list.iter_revoked_certificates().map(serial).collect() })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use super::*;
    use crate::domain::id::{LogId, RotationId};
    use crate::issuer::private_ca::authority::NewAuthority;
    use crate::issuer::private_ca::register_file::FileRegister;

    const LIFE: Duration = Duration::from_secs(24 * 3_600);

    fn made() -> NewAuthority {
        CertificateAuthority::generate("Example", LIFE, now()).unwrap()
    }

    fn now() -> Timestamp {
        Timestamp::parse("2026-11-23T12:00:00Z").unwrap()
    }

    fn open(made: &NewAuthority, register: &Path) -> CertificateAuthority {
        let register = if register.exists() { FileRegister::open(register) } else { FileRegister::create(register) };
        CertificateAuthority::open(&made.certificate, &made.key, Box::new(register.unwrap()), now).unwrap()
    }

    fn revoking_one(authority: &CertificateAuthority) -> CertificateSerial {
        let made_for = (LogId::from_bytes([4; 16]), RotationId::from_bytes([5; 16]));
        let serial = authority.enter(made_for, now().plus(LIFE)).unwrap();
        authority.revoke(serial).unwrap();
        serial
    }

    #[track_caller]
    fn refused<T>(answer: Result<T, IssuerError>, words: &str) {
        let error = answer.err().unwrap().to_string();
        assert!(error.contains(words), "{error}");
    }

    /// A register that was missing was made anew, and what had been revoked was valid again; so it was with an older copy.
    #[test]
    fn a_register_that_lacks_what_was_published_is_told_and_recovered() {
        let (home, made) = (tempfile::tempdir().unwrap(), made());
        let [whole, copy, lost] = ["whole", "copy", "lost"].map(|name| home.path().join(name));
        let authority = open(&made, &whole);
        let first = revoking_one(&authority);
        authority.check_register(&authority.revocation_list().unwrap()).unwrap();
        std::fs::copy(&whole, &copy).unwrap();
        let second = revoking_one(&authority);
        let published = authority.revocation_list().unwrap();
        authority.check_register(&published).unwrap();

        for (register, added) in [(copy, 1), (lost, 2)] {
            let authority = open(&made, &register);
            refused(authority.check_register(&published), "would be valid again");
            assert_eq!(authority.recover_register(&published).unwrap(), added);
            drop(authority);
            let authority = open(&made, &register);
            authority.check_register(&published).unwrap();
            assert_eq!(authority.recover_register(&published).unwrap(), 0);
            assert!([first, second].iter().all(|serial| authority.read(|book| book.is_revoked(*serial))));
            let list = PublishedList::read(&authority.own, &authority.revocation_list().unwrap()).unwrap();
            assert!(list.number > PublishedList::read(&authority.own, &published).unwrap().number);
            assert_eq!(list.revoked.unwrap().len(), 2);
        }
    }

    #[test]
    fn only_a_list_of_the_same_key_counts() {
        let (home, ours, theirs) = (tempfile::tempdir().unwrap(), made(), made());
        let authority = open(&ours, &home.path().join("ours"));
        let foreign = open(&theirs, &home.path().join("theirs")).revocation_list().unwrap();
        for (list, words) in [
            (foreign.as_str(), "signed by another key"),
            (ours.certificate.as_str(), "cannot be read"),
            ("", "cannot be read"),
            (&foreign[..foreign.len() / 2], "cannot be read"),
        ] {
            refused(authority.check_register(list), words);
            refused(authority.recover_register(list), words);
        }
    }

    #[test]
    fn a_register_is_made_by_its_own_name_alone() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("register");
        refused(FileRegister::open(&path), "does not exist");
        assert!(!path.exists());
        drop(FileRegister::create(&path).unwrap());
        refused(FileRegister::create(&path), "exists already");
        FileRegister::open(&path).unwrap();
    }
}
