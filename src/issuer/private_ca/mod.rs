//! X.509 certificates from a certificate authority of your own: leaf certificates by template, and a revocation list.
//!
//! It never gives out a certificate without an entry in the authority's register. It uses only the host's clock, and
//! leaves the distribution of the revocation list to the host. Read in this order: [`register`], [`register_file`],
//! [`own`], [`constraints`], [`resigning`], [`authority`], [`published_list`], [`template`], [`request`], [`leaf`].

pub(crate) mod authority;
mod constraints;
pub(crate) mod leaf;
mod own;
mod published_list;
pub(crate) mod register;
pub(crate) mod register_file;
mod request;
mod resigning;
pub(crate) mod template;

#[cfg(test)]
mod chains;
#[cfg(test)]
mod openssl;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod tests;
