//! What a pod's sessions are called in CloudTrail.

use podpass_kinds::{Reason, ServiceAccountView, annotations};

use crate::Note;
use crate::pod::Metadata;

/// Where the name of a pod's sessions comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SessionName {
    /// A field of the pod that is known later than the injection.
    Field(&'static str),
    /// This text.
    Text(String),
}

/// Reads the annotation.
///
/// A name that may be longer than STS accepts names nothing: the pod would have no credentials at all.
pub(crate) fn parse(
    text: &str,
    pointer: &str,
    pod: Option<&Metadata<'_>>,
    account: &ServiceAccountView,
    notes: &mut Vec<Note>,
) -> Option<SessionName> {
    let mut invalid = |message: String| {
        notes.push(Note::new(Reason::SessionNameInvalid, pointer, message));
        None
    };
    let named = annotations::SESSION_NAME;
    match text {
        // 36 characters, and the same as in the token's claims.
        "uid" => Some(SessionName::Field("metadata.uid")),
        "name" => {
            let name = pod.map_or("", |pod| pod.name.text());
            let is_generated = pod.is_some_and(|pod| !pod.generate_name.text().is_empty());
            match (name, is_generated) {
                // The API server cuts what it generates to 63 characters.
                ("", true) => Some(SessionName::Field("metadata.name")),
                ("", false) => invalid(format!(
                    "`{named}` is `name`, and the pod has neither name nor generateName"
                )),
                _ if name.len() > MAX_LENGTH => invalid(format!(
                    "`{named}` is `name`, and the pod's has {} characters: {MAX_LENGTH} are the limit",
                    name.len()
                )),
                _ => Some(SessionName::Text(name.to_owned())),
            }
        }
        "serviceaccount" => {
            let name = format!("{}.{}", account.namespace, account.name);
            if name.len() > MAX_LENGTH {
                return invalid(format!(
                    "`{named}` is `serviceaccount`, and `{name}` has {} characters: {MAX_LENGTH} are the limit",
                    name.len()
                ));
            }
            Some(SessionName::Text(name))
        }
        other => invalid(format!(
            "`{named}` is `{other}`: it can be `uid`, `name` or `serviceaccount`"
        )),
    }
}

/// STS's limit of `RoleSessionName`.
const MAX_LENGTH: usize = 64;
