//! What the fuzz targets do with their input: plain functions that panic when a promise is broken.
//!
//! `Cargo.toml` says how to run them. Each module names one crate only, whose tests take in the file by `#[path]` and
//! replay `seeds/` with it.

pub mod inject;
pub mod policy;
pub mod token;
