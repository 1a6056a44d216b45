//! The annotations of a service account or a pod that injection reads, found in one pass over all that it has.

use podpass_kinds::annotations::{
    ASSUME_ROLE_CHAIN, AUDIENCE, Carrier, INCLUDE_CONTAINERS, Misnamed, REGION, ROLE_ARN,
    SESSION_NAME, SKIP_CONTAINERS, STS_REGIONAL_ENDPOINTS, TOKEN_EXPIRATION, name,
};
use podpass_kinds::{Reason, ServiceAccountView};

use crate::Note;
use crate::pod::{Pod, Texts};
use crate::view::Shape;

/// The annotations that count, each as it stands.
pub(crate) struct Annotated<'a> {
    carrier: Carrier,
    prefix: &'a str,
    /// How many names that were meant to be others have been noted.
    misnamed: usize,
    pub(crate) role_arn: Option<&'a str>,
    pub(crate) audience: Option<&'a str>,
    pub(crate) sts_regional_endpoints: Option<&'a str>,
    pub(crate) token_expiration: Option<&'a str>,
    pub(crate) skip_containers: Option<&'a str>,
    pub(crate) include_containers: Option<&'a str>,
    pub(crate) region: Option<&'a str>,
    pub(crate) session_name: Option<&'a str>,
    pub(crate) assume_role_chain: Option<&'a str>,
}

impl<'a> Annotated<'a> {
    fn none(carrier: Carrier, prefix: &'a str) -> Self {
        Self {
            carrier,
            prefix,
            misnamed: 0,
            role_arn: None,
            audience: None,
            sts_regional_endpoints: None,
            token_expiration: None,
            skip_containers: None,
            include_containers: None,
            region: None,
            session_name: None,
            assume_role_chain: None,
        }
    }

    /// Reads those of a service account; names that were meant to be others are noted.
    pub(crate) fn of_account(
        account: &'a ServiceAccountView,
        prefix: &'a str,
        notes: &mut Vec<Note>,
    ) -> Self {
        let mut found = Self::none(Carrier::ServiceAccount, prefix);
        for (key, text) in &account.annotations {
            match found.place(key) {
                Some(place) => *place = Some(text),
                None => found.check_name(key, notes),
            }
        }
        found
    }

    /// Reads those of a pod; names that were meant to be others are noted, and so is what is no text.
    pub(crate) fn of_pod(pod: &'a Pod<'_>, prefix: &'a str, notes: &mut Vec<Note>) -> Self {
        let mut found = Self::none(Carrier::Pod, prefix);
        let annotations = pod.metadata().map(|metadata| &metadata.annotations);
        if let Some(Shape::Wrong) = annotations {
            notes.push(Note::malformed("/metadata/annotations", "an object"));
        }
        let texts = annotations.and_then(|annotations| annotations.members());
        for (key, text) in texts.into_iter().flat_map(Texts::iter) {
            match (found.place(key), text) {
                (None, _) => found.check_name(key, notes),
                (Some(place), Shape::Is(text)) => *place = Some(text),
                (Some(_), Shape::Absent) => {}
                (Some(_), Shape::Wrong) => {
                    notes.push(Note::malformed(found.pointer(key), "a string"));
                }
            }
        }
        found
    }

    /// Where the annotation of that name goes; `None` when it does not count here.
    fn place(&mut self, key: &str) -> Option<&mut Option<&'a str>> {
        let of_account = self.carrier == Carrier::ServiceAccount;
        let suffix = || key.strip_prefix(self.prefix)?.strip_prefix('/');
        Some(match key {
            SESSION_NAME => &mut self.session_name,
            ASSUME_ROLE_CHAIN if of_account => &mut self.assume_role_chain,
            _ => match suffix()? {
                TOKEN_EXPIRATION => &mut self.token_expiration,
                SKIP_CONTAINERS => &mut self.skip_containers,
                INCLUDE_CONTAINERS => &mut self.include_containers,
                REGION => &mut self.region,
                ROLE_ARN if of_account => &mut self.role_arn,
                AUDIENCE if of_account => &mut self.audience,
                STS_REGIONAL_ENDPOINTS if of_account => &mut self.sts_regional_endpoints,
                _ => return None,
            },
        })
    }

    fn check_name(&mut self, key: &str, notes: &mut Vec<Note>) {
        if self.misnamed == MAX_MISNAMED {
            return;
        }
        let Some(misnamed) = Misnamed::of(key, self.prefix, self.carrier) else {
            return;
        };
        self.misnamed += 1;
        let (reason, message, carriers) = match misnamed {
            Misnamed::Lookalike { meant, carriers } => {
                let message = format!("annotation `{key}` is not `{meant}` and is ignored");
                (Reason::AnnotationLookalike, message, carriers)
            }
            Misnamed::WithoutEffect { carriers } => {
                let message = format!(
                    "annotation `{key}` has no effect on {}",
                    self.carrier.noun()
                );
                (Reason::AnnotationWithoutEffect, message, carriers)
            }
        };
        let message = match carriers {
            [other] if *other != self.carrier => {
                format!("{message}; that one belongs on {}", other.noun())
            }
            _ => message,
        };
        notes.push(Note::new(reason, self.pointer(key), message));
    }

    /// The place of the annotation with that suffix, for notes.
    pub(crate) fn place_of(&self, suffix: &str) -> String {
        self.pointer(&name(self.prefix, suffix))
    }

    /// The place of the annotation with that name, for notes: empty for the service account.
    pub(crate) fn pointer(&self, name: &str) -> String {
        match self.carrier {
            Carrier::ServiceAccount => String::new(),
            Carrier::Pod => format!(
                "/metadata/annotations/{}",
                name.replace('~', "~0").replace('/', "~1")
            ),
        }
    }

    /// The full name of the annotation with that suffix.
    pub(crate) fn name_of(&self, suffix: &str) -> String {
        name(self.prefix, suffix)
    }
}

/// After so many nobody reads on, and an object may hold thousands.
const MAX_MISNAMED: usize = 10;
