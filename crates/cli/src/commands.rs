//! One module for each command.

pub(crate) mod aws;
pub(crate) mod inject;
pub(crate) mod sandbox;
pub(crate) mod token;
