//! `podpass webhook controller` on a real control plane, with the permissions that the manifests give it.

mod certificate;
mod finding;
mod lease;
mod stand;
