//! Owns the constraints of an authority's certificate on everything signed below it: names (RFC 5280, 4.2.1.10), and
//! uses.
//!
//! Read next: [`super::own`].

use core::net::IpAddr;

use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{GeneralName, GeneralSubtree, ParsedExtension};
use x509_parser::oid_registry::{OID_X509_EXT_EXTENDED_KEY_USAGE, OID_X509_EXT_NAME_CONSTRAINTS};

/// Returns whether the constraints of a certificate can be read; unreadable ones are refused, since a client may read
/// them.
pub(super) fn are_read(authority: &X509Certificate<'_>) -> bool {
    let unread = authority.extensions().iter().any(|extension| {
        let constrains =
            extension.oid == OID_X509_EXT_NAME_CONSTRAINTS || extension.oid == OID_X509_EXT_EXTENDED_KEY_USAGE;
        constrains
            && matches!(extension.parsed_extension(), ParsedExtension::ParseError { .. } | ParsedExtension::Unparsed)
    });
    !unread && authority.name_constraints().is_ok() && authority.extended_key_usage().is_ok()
}

/// Returns whether a certificate permits a DNS name below it. A wildcard (`*.example.com`) means all names below its
/// domain: the whole domain must be permitted, and nothing below it may be excluded.
pub(super) fn take_domain(authority: &X509Certificate<'_>, name: &str) -> bool {
    take(
        authority,
        |base| within_domain(base, name),
        |base| Some(within_domain(base, name)? || is_below_wildcard(base, name)),
    )
}

/// Returns whether a certificate permits an address below it.
pub(super) fn take_address(authority: &X509Certificate<'_>, at: IpAddr) -> bool {
    take(authority, |base| within_network(base, at), |base| within_network(base, at))
}

/// Returns whether it constrains the subjects of what is signed below it.
pub(super) fn constrain_subjects(authority: &X509Certificate<'_>) -> bool {
    let found = authority.name_constraints().ok().flatten();
    found.is_some_and(|found| {
        let trees = [&found.value.permitted_subtrees, &found.value.excluded_subtrees];
        trees.into_iter().flatten().flatten().any(|tree| matches!(tree.base, GeneralName::DirectoryName(_)))
    })
}

/// Returns whether certificates below this one may be for servers, and whether for clients. Clients check a leaf
/// against the extended key usage of each certificate above it that has one.
pub(super) fn uses(authority: &X509Certificate<'_>) -> [bool; 2] {
    let usage = authority.extended_key_usage().ok().flatten();
    usage
        .map_or([true; 2], |usage| [usage.value.server_auth, usage.value.client_auth].map(|one| one || usage.value.any))
}

/// Checks a name against the constraints. Excluded names are refused, and if names of its kind are permitted, only
/// those are accepted. A constraint of another kind does not apply.
fn take(
    authority: &X509Certificate<'_>,
    is_permitted: impl Fn(&GeneralName<'_>) -> Option<bool>,
    is_excluded: impl Fn(&GeneralName<'_>) -> Option<bool>,
) -> bool {
    let Ok(constraints) = authority.name_constraints() else { return false };
    constraints.is_none_or(|constraints| {
        let trees = |trees: &Option<Vec<GeneralSubtree<'_>>>, look: &dyn Fn(&GeneralName<'_>) -> Option<bool>| {
            trees.iter().flatten().filter_map(|tree| look(&tree.base)).collect::<Vec<bool>>()
        };
        let permitted = trees(&constraints.value.permitted_subtrees, &is_permitted);
        let excluded = trees(&constraints.value.excluded_subtrees, &is_excluded);
        !excluded.contains(&true) && (permitted.is_empty() || permitted.contains(&true))
    })
}

/// Returns whether a DNS name is within a constraint; `None` when that is of another kind. With a leading dot it means
/// only names below it, as OpenSSL reads it.
fn within_domain(base: &GeneralName<'_>, name: &str) -> Option<bool> {
    let GeneralName::DNSName(base) = base else { return None };
    let base = base.to_ascii_lowercase();
    let below = base.strip_prefix('.').unwrap_or(&base);
    let rest = name.strip_suffix(below);
    Some(
        below.is_empty()
            || rest.is_some_and(|rest| rest.ends_with('.'))
            || (rest == Some("") && !base.starts_with('.')),
    )
}

/// Returns whether a constraint names something below the domain of a wildcard.
fn is_below_wildcard(base: &GeneralName<'_>, name: &str) -> bool {
    let (GeneralName::DNSName(base), Some(domain)) = (base, name.strip_prefix("*.")) else { return false };
    let base = base.to_ascii_lowercase();
    base.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
}

/// Returns whether an address is within a constraint; `None` when that is of another kind. It is an address and a mask.
fn within_network(base: &GeneralName<'_>, at: IpAddr) -> Option<bool> {
    let GeneralName::IPAddress(base) = base else { return None };
    let at = match at {
        IpAddr::V4(at) => at.octets().to_vec(),
        IpAddr::V6(at) => at.octets().to_vec(),
    };
    let (network, mask) = base.split_at_checked(at.len())?;
    if mask.len() != at.len() {
        // Of the other kind of addresses.
        return None;
    }
    let fits = at.iter().zip(network).zip(mask).all(|((at, network), mask)| at & mask == network & mask);
    Some(fits)
}
