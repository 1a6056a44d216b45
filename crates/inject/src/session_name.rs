//! What a pod's sessions are called in CloudTrail.

use podpass_kinds::{Reason, ServiceAccountView, annotations};
use podpass_policy::SessionName as ValidName;

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
/// A name that STS may refuse names nothing: the pod would have no credentials at all.
pub(crate) fn parse(
    text: &str,
    pointer: &str,
    pod: Option<&Metadata<'_>>,
    account: &ServiceAccountView,
    notes: &mut Vec<Note>,
) -> Option<SessionName> {
    match choose(text, pod, account) {
        Ok(name) => Some(name),
        Err(problem) => {
            let message = format!("`{}` is `{text}`{problem}", annotations::SESSION_NAME);
            notes.push(Note::new(Reason::SessionNameInvalid, pointer, message));
            None
        }
    }
}

fn choose(
    text: &str,
    pod: Option<&Metadata<'_>>,
    account: &ServiceAccountView,
) -> Result<SessionName, String> {
    match text {
        // 36 characters, and the same as in the token's claims.
        "uid" => Ok(SessionName::Field("metadata.uid")),
        "name" => {
            let name = pod.map_or("", |pod| pod.name.text());
            let is_generated = pod.is_some_and(|pod| !pod.generate_name.text().is_empty());
            match (name, is_generated) {
                // The API server cuts what it generates to 63 characters, of which five are its own, and refuses a name
                // with others than letters, digits, `-` and `.`.
                ("", true) => Ok(SessionName::Field("metadata.name")),
                ("", false) => Err(", and the pod has neither name nor generateName".to_owned()),
                _ => named(name.to_owned()),
            }
        }
        "serviceaccount" => named(format!("{}.{}", account.namespace, account.name)),
        _ => Err(": it can be `uid`, `name` or `serviceaccount`".to_owned()),
    }
}

fn named(name: String) -> Result<SessionName, String> {
    match name.parse::<ValidName>() {
        Ok(_) => Ok(SessionName::Text(name)),
        Err(_) => Err(format!(
            ", and `{name}` with its {} characters is no session's name: it has 2 to 64 letters, digits or characters \
             of `_+=,.@-`",
            name.chars().count()
        )),
    }
}
