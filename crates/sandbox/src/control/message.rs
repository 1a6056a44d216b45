//! What control calls and their answers carry, as JSON.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::ClockSetting;
use crate::faults::FaultState;
use crate::issuers::Change;

/// `PUT /_podpass/issuers`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HandedIssuer {
    /// The URL, exactly as tokens have it in `iss`.
    pub(super) issuer: String,
    pub(super) jwks: Value,
}

/// What became of an issuer.
#[derive(Serialize, Deserialize)]
pub(super) struct Handed {
    pub(super) change: Change,
}

/// The answer to `PUT /_podpass/clock`.
#[derive(Serialize, Deserialize)]
pub(super) struct ClockReading {
    /// The time shown.
    pub(super) now: Timestamp,
    pub(super) setting: ClockSetting,
}

/// The answer to `GET` and `DELETE /_podpass/faults`.
#[derive(Serialize, Deserialize)]
pub(super) struct FaultList {
    pub(super) faults: Vec<FaultState>,
}

/// The answer to `POST /_podpass/reset`.
#[derive(Serialize, Deserialize)]
pub(super) struct Reset {
    /// The accounts that there are again.
    pub(super) accounts: Vec<String>,
}

/// Why a call was not done.
#[derive(Serialize, Deserialize)]
pub(super) struct Refusal {
    pub(super) message: String,
}
