//! Secrets in rows. [`Secret`] itself does not serialise, so that none gets anywhere by accident.

use serde::{Deserialize, Deserializer, Serializer};

use crate::settings::Secret;

pub(crate) fn serialize<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    String::deserialize(deserializer).map(Secret::new)
}
