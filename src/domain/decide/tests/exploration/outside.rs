//! Owns the world outside: what each issuer has made, what logs in, and what a call does to it.
//!
//! A credential is a number, which sealed data holds in its digest, so that what is stored can be compared with what
//! logs in.

use std::collections::BTreeMap;

use crate::domain::id::{RotationId, SecretId};
use crate::domain::name::{IssuerName, OutsideId};
use crate::domain::rotation::{AttemptFailure, IssuerClass, Rotation};
use crate::domain::secret::Secret;
use crate::domain::version::SealedRef;

/// What a credential is, in full.
pub(super) type Value = u64;

/// What a credential is that was sealed.
pub(super) fn value_of(sealed: &SealedRef) -> Value {
    sealed.digest[..8].iter().fold(0, |value, byte| value << 8 | u64::from(*byte))
}

/// The digest of sealed data that holds a credential.
pub(super) fn digest_of(value: Value) -> [u8; 32] {
    let mut digest = [0; 32];
    digest[..8].copy_from_slice(&value.to_be_bytes());
    digest
}

/// What a call is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// To make a credential, or to set this value.
    Create(Option<Value>),
    /// To end what was made for a rotation.
    Clear,
    /// To log in.
    Verify(Value),
    /// To end one credential.
    Retire(Option<OutsideId>),
}

impl Order {
    /// What ends that which a rotation that is given up may have made.
    pub(super) fn to_give_up(secret: &Secret, rotation: &Rotation) -> Self {
        let outside = rotation.credential().and_then(|made| made.outside.clone());
        let current = secret.current().and_then(|current| current.data.sealed()).map(value_of);
        match (rotation.class, current, outside) {
            (IssuerClass::SetValue, Some(current), _) => Self::Create(Some(current)),
            (IssuerClass::SetValue, None, _) => Self::Retire(None),
            (IssuerClass::CreateDiscoverable, ..) | (IssuerClass::CreateWithToken, _, None) => Self::Clear,
            (_, _, outside) => Self::Retire(outside),
        }
    }
}

/// How a call goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Luck {
    Well,
    /// Nothing is done, and the issuer says no.
    Refused,
    /// Nothing is done.
    Away,
    /// It is done, and the reply is lost.
    Lost,
}

/// What a call is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Done(Option<(Value, OutsideId)>),
    Failed(AttemptFailure),
}

/// A credential that logs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Living {
    pub(super) issuer: IssuerName,
    pub(super) rotation: RotationId,
    pub(super) outside: OutsideId,
    pub(super) value: Value,
}

/// The systems outside, one for each issuer.
#[derive(Clone, Debug, Default)]
pub(super) struct Outside {
    /// The one value of the one account of a secret, for class `SetValue`.
    pub(super) accounts: BTreeMap<(IssuerName, SecretId), Value>,
    pub(super) living: Vec<Living>,
    /// What class `CreateWithToken` answers again.
    answered: BTreeMap<RotationId, (Value, OutsideId)>,
}

impl Outside {
    pub(super) fn logs_in(&self, issuer: &IssuerName, secret: SecretId, value: Value) -> bool {
        self.accounts.get(&(issuer.clone(), secret)) == Some(&value)
            || self.living.iter().any(|living| living.issuer == *issuer && living.value == value)
    }

    /// Makes a call. `fresh` is a number that was never used.
    pub(super) fn call(
        &mut self,
        (issuer, class): (&IssuerName, IssuerClass),
        (secret, rotation): (SecretId, RotationId),
        order: &Order,
        luck: Luck,
        fresh: u64,
    ) -> Answer {
        match luck {
            Luck::Refused => return Answer::Failed(AttemptFailure::Refused),
            Luck::Away => return Answer::Failed(AttemptFailure::Unavailable),
            Luck::Well | Luck::Lost => {}
        }
        let answer = match order {
            Order::Create(value) => self.create((issuer, class), (secret, rotation), *value, fresh),
            Order::Clear => {
                self.living.retain(|living| living.issuer != *issuer || living.rotation != rotation);
                Answer::Done(None)
            }
            Order::Verify(value) if self.logs_in(issuer, secret, *value) => Answer::Done(None),
            Order::Verify(_) => Answer::Failed(AttemptFailure::Refused),
            Order::Retire(_) if class.replaces_in_place() => Answer::Done(None),
            Order::Retire(named) => {
                self.living.retain(|living| match named {
                    Some(named) => living.outside != *named,
                    None => living.issuer != *issuer || living.rotation != rotation,
                });
                Answer::Done(None)
            }
        };
        if luck == Luck::Lost { Answer::Failed(AttemptFailure::Unknown) } else { answer }
    }

    fn create(
        &mut self,
        (issuer, class): (&IssuerName, IssuerClass),
        (secret, rotation): (SecretId, RotationId),
        value: Option<Value>,
        fresh: u64,
    ) -> Answer {
        if let Some(value) = value {
            self.accounts.insert((issuer.clone(), secret), value);
            return Answer::Done(None);
        }
        if let Some(before) = self.answered.get(&rotation) {
            return Answer::Done(Some(before.clone()));
        }
        let outside = OutsideId::parse(&format!("made-{fresh}")).unwrap();
        if class == IssuerClass::CreateWithToken {
            self.answered.insert(rotation, (fresh, outside.clone()));
        }
        self.living.push(Living { issuer: issuer.clone(), rotation, outside: outside.clone(), value: fresh });
        Answer::Done(Some((fresh, outside)))
    }
}
