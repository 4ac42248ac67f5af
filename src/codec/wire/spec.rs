//! Owns the frozen shape of the parameters of a secret type.

use super::shape::{wire_enum, wire_struct};
use super::value::List;
use crate::domain::issuance::Issuance;
use crate::domain::json::JsonObject;
use crate::domain::name::{Actor, IssuerName, Label};
use crate::domain::secret::{ApiKeyTarget, ApiKeyUse, PasswordPolicy, SecretSpec};

wire_struct!(
    /// How passwords are made.
    PasswordPolicyV1 is PasswordPolicy {
        length: u16,
        include_digits: bool,
        include_symbols: bool,
        include_uppercase: bool,
    }
);

wire_enum!(
    /// The identity for which an API key is made.
    ApiKeyTargetV1 is ApiKeyTarget {
        ServiceId = 1, "service_id" (service_id: Actor);
        AccessGroups = 2, "access_groups" (access_groups: List<Label>);
    }
);

wire_struct!(
    /// Who makes credentials, and how.
    IssuanceV1 is Issuance {
        issuer: IssuerName,
        parameters: Option<JsonObject>,
        grace_secs: u32,
        consumers: List<Actor>,
    }
);

wire_enum!(
    /// The parameters of a secret type; the tags are the codes of the secret types.
    SecretSpecV1 is SecretSpec {
        Arbitrary = 1, "arbitrary";
        UsernamePassword = 2, "username_password" { password_policy: PasswordPolicyV1 };
        Kv = 3, "kv";
        IamCredentials = 4, "iam_credentials" { ttl_secs: u32, api_key_use: ApiKeyUse, target: ApiKeyTargetV1 };
        ImportedCert = 7, "imported_cert";
        ServiceCredentials = 5, "service_credentials" { issuance: IssuanceV1 };
        CustomCredentials = 6, "custom_credentials" { issuance: IssuanceV1 };
        PrivateCert = 8, "private_cert" { issuance: IssuanceV1 };
    }
);
