//! Owns the arguments of the `latchkeep secret` commands that make and change secrets.
//!
//! Read next: [`super::secret_read`], for those that look.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use latchkeep::{Description, JsonObject, Label, SecretName, SecretType, Username, VersionRef};

use super::issuance::IssuanceArgs;
use super::secret_read::{Get, List, Show};
use super::secret_update::Update;
use crate::times::{Length, Moment};

/// `latchkeep secret ...`
#[derive(Debug, Subcommand)]
pub(crate) enum SecretCommand {
    Create(Box<Create>),
    Get(Get),
    Show(Show),
    List(List),
    Rotate(Rotate),
    Update(Box<Update>),
    Restore(Restore),
    DestroyData(DestroyData),
    Delete(Delete),
}

/// A type of secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TypeArg {
    /// Any text: a token, an SSH key.
    #[value(alias = "arbitrary_text")]
    Arbitrary,
    /// A user name and a password, which can be generated.
    #[value(alias = "username_password")]
    UsernamePassword,
    /// Names and values: a `.env` file or a JSON object.
    Kv,
    /// API keys that the store makes itself: a new one at each read, or one per lease.
    #[value(alias = "iam_credentials")]
    IamCredentials,
    /// A certificate, with its private key and chain.
    #[value(alias = "imported_cert")]
    ImportedCert,
    /// A credential in a system outside, made by an issuer.
    #[value(alias = "service_credentials")]
    ServiceCredentials,
    /// A credential that a job of yours makes, by an issuer.
    #[value(alias = "custom_credentials")]
    CustomCredentials,
    /// A certificate that an authority of yours signs, by an issuer.
    #[value(alias = "private_cert")]
    PrivateCert,
}

impl TypeArg {
    /// Tells whether an issuer makes its credentials.
    pub(crate) const fn has_issuer(self) -> bool {
        matches!(self, Self::ServiceCredentials | Self::CustomCredentials | Self::PrivateCert)
    }
}

impl From<TypeArg> for SecretType {
    fn from(named: TypeArg) -> Self {
        match named {
            TypeArg::Arbitrary => Self::Arbitrary,
            TypeArg::UsernamePassword => Self::UsernamePassword,
            TypeArg::Kv => Self::Kv,
            TypeArg::IamCredentials => Self::IamCredentials,
            TypeArg::ImportedCert => Self::ImportedCert,
            TypeArg::ServiceCredentials => Self::ServiceCredentials,
            TypeArg::CustomCredentials => Self::CustomCredentials,
            TypeArg::PrivateCert => Self::PrivateCert,
        }
    }
}

/// Which secret is meant.
#[derive(Args, Clone, Debug)]
pub(crate) struct SecretArg {
    /// The secret: NAME, TYPE/NAME, or its id.
    pub(crate) secret: String,
    /// Its type, where the name alone names several.
    #[arg(long = "type", value_name = "TYPE", hide_possible_values = true)]
    pub(crate) secret_type: Option<TypeArg>,
}

/// Where a value comes from. Without any of these: a prompt on a terminal, else stdin.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Where the value comes from (never an argument)")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag that is typed or not")]
pub(crate) struct SourceArgs {
    /// A file, taken byte for byte; - means stdin. For kv: JSON.
    #[arg(long, value_name = "FILE", group = "source")]
    pub(crate) from_file: Option<PathBuf>,
    /// Standard input, to its end.
    #[arg(long, group = "source")]
    pub(crate) from_stdin: bool,
    /// Two questions on the terminal; what is typed is not shown.
    #[arg(long, group = "source")]
    pub(crate) prompt: bool,
    /// A .env file, for kv: NAME=value lines, with comments, quotes and export as in a shell; nothing is expanded.
    #[arg(long, value_name = "FILE", group = "source")]
    pub(crate) from_env: Option<PathBuf>,
    /// Generates it: a password, by the policy of the secret.
    #[arg(long, group = "source")]
    pub(crate) generate: bool,
    /// Takes one line end off the end of the value. Passwords are always taken without one.
    #[arg(long)]
    pub(crate) trim: bool,
}

/// The parts of a certificate.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Certificates (imported-cert)")]
pub(crate) struct CertificateArgs {
    /// The certificate, PEM; a file that also has the chain above it (fullchain.pem) is parted.
    #[arg(long, value_name = "FILE", conflicts_with = "source")]
    pub(crate) certificate: Option<PathBuf>,
    /// Its private key, PEM.
    #[arg(long, value_name = "FILE", requires = "certificate")]
    pub(crate) private_key: Option<PathBuf>,
    /// The certificates above it, PEM.
    #[arg(long, value_name = "FILE", requires = "certificate", alias = "intermediate")]
    pub(crate) chain: Option<PathBuf>,
}

/// Puts a new secret into the store.
///
/// The value comes from a file, stdin or a prompt, never from an argument, which other users of the machine could see.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  latchkeep secret create arbitrary deploy-key --from-file ~/.ssh/id_ed25519
  printf %s \"$TOKEN\" | latchkeep secret create arbitrary api-token --from-stdin
  latchkeep secret create kv billing-env --from-env .env
  latchkeep secret create kv settings --from-file settings.json
  latchkeep secret create username-password db-admin --username admin --generate --length 40
  latchkeep secret create imported-cert www --certificate www.pem --private-key www.key --chain chain.pem
  latchkeep secret create iam-credentials deployer --ttl 1h --service-id ci
  latchkeep secret create service-credentials orders-db --issuer orders-db --consumer billing --grace 1h")]
pub(crate) struct Create {
    /// The type of the secret.
    #[arg(value_name = "TYPE")]
    pub(crate) secret_type: TypeArg,
    /// Its name: unique among the secrets of its type.
    pub(crate) name: SecretName,
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    #[command(flatten)]
    pub(crate) certificate: CertificateArgs,
    #[command(flatten)]
    pub(crate) password: PasswordArgs,
    #[command(flatten)]
    pub(crate) api_key: ApiKeyArgs,
    #[command(flatten)]
    pub(crate) issuance: IssuanceArgs,
    #[command(flatten)]
    pub(crate) about: AboutArgs,
}

/// What a user name and password need.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Passwords (username-password)")]
pub(crate) struct PasswordArgs {
    /// The user name; it never changes.
    #[arg(long)]
    pub(crate) username: Option<Username>,
    /// Characters of a generated password, 12 to 256.
    #[arg(long, value_name = "N", default_value_t = latchkeep::limits::PASSWORD_LENGTH_DEFAULT)]
    pub(crate) length: u16,
    /// Leaves digits out of generated passwords.
    #[arg(long)]
    pub(crate) no_digits: bool,
    /// Leaves symbols out of generated passwords.
    #[arg(long)]
    pub(crate) no_symbols: bool,
    /// Leaves upper-case letters out of generated passwords.
    #[arg(long)]
    pub(crate) no_uppercase: bool,
}

/// What API keys need.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "API keys (iam-credentials)")]
pub(crate) struct ApiKeyArgs {
    /// How long a key lives, 1 minute to 90 days.
    #[arg(long, value_name = "LENGTH", default_value = "1h")]
    pub(crate) ttl: Length,
    /// Whom the keys are for.
    #[arg(long, value_name = "ID", conflicts_with = "access_group")]
    pub(crate) service_id: Option<latchkeep::Actor>,
    /// The access groups that the keys are for, instead of a service id.
    #[arg(long, value_name = "GROUP")]
    pub(crate) access_group: Vec<Label>,
    /// Gives out the same key until it has lived its time, instead of a new one at each read.
    #[arg(long)]
    pub(crate) reuse_api_key: bool,
}

/// What is known about a secret.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "About the secret")]
pub(crate) struct AboutArgs {
    /// What it is for.
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<Description>,
    /// A label; can be given up to 30 times.
    #[arg(long, value_name = "LABEL")]
    pub(crate) label: Vec<Label>,
    /// Its group, by name or id; for life.
    #[arg(long, value_name = "GROUP")]
    pub(crate) group: Option<String>,
    /// When it expires: a date, RFC 3339, or a length from now such as 90d.
    #[arg(long, value_name = "TIME")]
    pub(crate) expires: Option<Moment>,
    /// How many versions keep their data, 2 to 50.
    #[arg(long, value_name = "N")]
    pub(crate) retention: Option<u8>,
    /// A JSON object that is kept with it, in the open.
    #[arg(long, value_name = "JSON")]
    pub(crate) metadata: Option<JsonObject>,
    /// A JSON object that is kept with its first version, in the open.
    #[arg(long, value_name = "JSON")]
    pub(crate) version_metadata: Option<JsonObject>,
    /// Lets a lock on any version refuse a rotation, not only one on the version that would go.
    #[arg(long)]
    pub(crate) refuse_rotation_while_locked: bool,
}

/// Adds a version to a secret; it is current from then on.
///
/// What was current becomes previous, with its locks. What was previous is destroyed, so a lock on it refuses the
/// rotation (with --retention, the version that falls out).
#[derive(Args, Debug)]
#[command(after_long_help = "\
Examples:
  latchkeep secret rotate api-token --from-file token.txt
  latchkeep secret rotate db-admin --generate
  latchkeep secret rotate www --certificate www.pem --private-key www.key")]
pub(crate) struct Rotate {
    #[command(flatten)]
    pub(crate) secret: SecretArg,
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    #[command(flatten)]
    pub(crate) certificate: CertificateArgs,
    /// A JSON object that is kept with the new version, in the open.
    #[arg(long, value_name = "JSON")]
    pub(crate) version_metadata: Option<JsonObject>,
}

/// Adds a version with the data of the previous one.
#[derive(Args, Debug)]
pub(crate) struct Restore {
    #[command(flatten)]
    pub(crate) secret: SecretArg,
}

/// Destroys the data of one version; the rest of the secret stays.
#[derive(Args, Debug)]
pub(crate) struct DestroyData {
    #[command(flatten)]
    pub(crate) secret: SecretArg,
    /// The version: current, previous, its number, or its id.
    #[arg(long, value_name = "VERSION")]
    pub(crate) version: VersionRef,
    /// Asks no question on a terminal.
    #[arg(long, short)]
    pub(crate) yes: bool,
}

/// Deletes a secret, with all its versions and their data.
///
/// A lock on any version that has data refuses it. On a terminal it asks for the name once more.
#[derive(Args, Debug)]
pub(crate) struct Delete {
    #[command(flatten)]
    pub(crate) secret: SecretArg,
    /// Asks no question on a terminal.
    #[arg(long, short)]
    pub(crate) yes: bool,
}
