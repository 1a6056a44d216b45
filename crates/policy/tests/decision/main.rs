//! How the layers of policies decide together.

mod controls;
mod layers;
mod setup;
mod statements;
mod trust;
