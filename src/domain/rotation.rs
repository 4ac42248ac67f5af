//! Owns what a rotation is that needs an issuer: who makes the credential, how far it has come, and what is left to do
//! for the credentials of earlier versions.
//!
//! Plain data; the protocol is in [`super::decide`]. Read next: [`super::secret`].

use super::code::coded_enum;

coded_enum!(
    /// What an issuer can do, and with it how a rotation goes on after a crash in the middle.
    IssuerClass {
        /// The store picks the value; setting it again does no harm; the old value dies. Goes on by setting it again.
        SetValue = 1, "set_value";
        /// The outside system knows a call again by its token. Goes on by calling again.
        CreateWithToken = 2, "create_with_token";
        /// What was made can be found by its token. Goes on by looking, then adopting or making anew.
        CreateDiscoverable = 3, "create_discoverable";
        /// None of these. Does not go on: a person has to look.
        Opaque = 4, "opaque";
    }
);

impl IssuerClass {
    /// Tells whether a rotation ends the credential of the current version at the call, instead of making one beside it.
    #[must_use]
    pub const fn replaces_in_place(self) -> bool {
        matches!(self, Self::SetValue)
    }
}
