//! One module for each command.

pub(crate) mod aws;
pub(crate) mod bind;
pub(crate) mod completion;
pub(crate) mod credential_process;
pub(crate) mod exec;
pub(crate) mod explain;
pub(crate) mod get;
pub(crate) mod inject;
pub(crate) mod install;
pub(crate) mod lint;
pub(crate) mod man;
pub(crate) mod preflight;
pub(crate) mod sandbox;
pub(crate) mod simulate;
pub(crate) mod status;
pub(crate) mod token;
pub(crate) mod trust;
pub(crate) mod uninstall;
pub(crate) mod verify;
pub(crate) mod version;
