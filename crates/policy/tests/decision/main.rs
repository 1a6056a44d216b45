//! How the layers of policies decide together.

mod layers;
mod setup;
mod statements;
mod trust;
