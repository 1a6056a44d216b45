//! AdmissionReview: what is read of a request, and how an answer is written.

use std::borrow::Cow;

use serde::Deserialize;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

/// A request for admission, borrowed from the body it came in.
///
/// Kind, operation and resource are not looked at, as by the peer: the registration decides what is sent here.
#[derive(Debug)]
pub(crate) struct Review<'a> {
    pub(crate) envelope: Envelope<'a>,
    pub(crate) namespace: &'a str,
    /// The pod's JSON.
    pub(crate) pod: &'a [u8],
    /// `spec.serviceAccountName`; empty when there is none.
    pub(crate) service_account: Cow<'a, str>,
}

/// What an answer repeats of its request. Absent in a request that could not be read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Envelope<'a> {
    pub(crate) kind: Option<Cow<'a, str>>,
    pub(crate) api_version: Option<Cow<'a, str>>,
    pub(crate) uid: Cow<'a, str>,
}

/// A body that is no review of a pod; the answer refuses the pod with the message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unreadable<'a> {
    pub(crate) envelope: Envelope<'a>,
    pub(crate) message: String,
}

impl<'a> Review<'a> {
    /// Reads a body. Nothing of the pod counts but `spec.serviceAccountName`.
    pub(crate) fn read(body: &'a [u8]) -> Result<Self, Box<Unreadable<'a>>> {
        let bad = |envelope, message: String| Err(Box::new(Unreadable { envelope, message }));
        if body.iter().all(u8::is_ascii_whitespace) {
            return bad(Envelope::default(), BAD_CONTENT.to_owned());
        }
        let document: Option<Document<'_>> = match serde_json::from_slice(body) {
            Ok(document) => document,
            Err(error) => {
                let message = format!("couldn't get version/kind; json parse error: {error}");
                return bad(Envelope::default(), message);
            }
        };
        let Some(document) = document else {
            return bad(Envelope::default(), BAD_CONTENT.to_owned());
        };
        let mut envelope = Envelope {
            kind: document.kind.map(|text| text.0),
            api_version: document.api_version.map(|text| text.0),
            uid: Cow::Borrowed(""),
        };
        let Some(request) = document.request else {
            return bad(envelope, BAD_CONTENT.to_owned());
        };
        if let Some(uid) = request.uid {
            envelope.uid = uid.0;
        }
        let Some(pod) = request.object else {
            return bad(envelope, "the review has no `request.object`".to_owned());
        };
        let peeked: PodPeek<'_> = match serde_json::from_str(pod.get()) {
            Ok(peeked) => peeked,
            Err(error) => return bad(envelope, format!("`request.object` is no pod: {error}")),
        };
        let service_account = peeked.spec.and_then(|spec| spec.service_account_name);
        let namespace = match request.namespace {
            Some(Text(Cow::Borrowed(namespace))) => namespace,
            None => "",
            // A namespace's name has no character that JSON would escape.
            Some(Text(Cow::Owned(_))) => {
                return bad(envelope, "`request.namespace` is no name".to_owned());
            }
        };
        Ok(Self {
            envelope,
            namespace,
            pod: pod.get().as_bytes(),
            service_account: service_account.map(|text| text.0).unwrap_or_default(),
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    #[serde(borrow)]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    api_version: Option<Text<'a>>,
    #[serde(borrow)]
    request: Option<Request<'a>>,
}

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    uid: Option<Text<'a>>,
    #[serde(borrow)]
    namespace: Option<Text<'a>>,
    #[serde(borrow)]
    object: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct PodPeek<'a> {
    #[serde(borrow)]
    spec: Option<SpecPeek<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SpecPeek<'a> {
    #[serde(borrow)]
    service_account_name: Option<Text<'a>>,
}

/// Text that is borrowed where it can be, which serde does in an `Option` only for a type of its own.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// An answer to a review.
#[derive(Debug)]
pub(crate) struct Verdict<'a> {
    pub(crate) envelope: &'a Envelope<'a>,
    /// `None` admits; a text refuses with it.
    pub(crate) refusal: Option<&'a str>,
    /// The JSON patch in base64.
    pub(crate) patch: Option<&'a str>,
    /// What the user is told; API servers cut them at 4 KiB together.
    pub(crate) warnings: &'a [String],
    /// What the audit log says, under the webhook's name.
    pub(crate) audit: &'a [(&'static str, String)],
}

impl Verdict<'_> {
    /// Writes the AdmissionReview, whose members are in the peer's order.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        // Enough for the envelope; the patch is by far the largest part.
        let mut json = Vec::with_capacity(self.patch.map_or(0, str::len) + 512);
        let written = serde_json::to_writer(&mut json, &Answer(self));
        debug_assert!(written.is_ok(), "texts can always be printed");
        json
    }
}

struct Answer<'a>(&'a Verdict<'a>);

impl Serialize for Answer<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let envelope = self.0.envelope;
        let mut members = serializer.serialize_map(None)?;
        if let Some(kind) = &envelope.kind {
            members.serialize_entry("kind", kind)?;
        }
        if let Some(version) = &envelope.api_version {
            members.serialize_entry("apiVersion", version)?;
        }
        members.serialize_entry("response", &Response(self.0))?;
        members.end()
    }
}

struct Response<'a>(&'a Verdict<'a>);

impl Serialize for Response<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let verdict = self.0;
        let mut members = serializer.serialize_map(None)?;
        members.serialize_entry("uid", &verdict.envelope.uid)?;
        members.serialize_entry("allowed", &verdict.refusal.is_none())?;
        if let Some(message) = verdict.refusal {
            members.serialize_entry("status", &Status { message })?;
        }
        if let Some(patch) = verdict.patch {
            members.serialize_entry("patch", patch)?;
            members.serialize_entry("patchType", "JSONPatch")?;
        }
        if !verdict.audit.is_empty() {
            members.serialize_entry("auditAnnotations", &Texts(verdict.audit))?;
        }
        if !verdict.warnings.is_empty() {
            members.serialize_entry("warnings", verdict.warnings)?;
        }
        members.end()
    }
}

#[derive(serde::Serialize)]
struct Status<'a> {
    message: &'a str,
}

struct Texts<'a>(&'a [(&'static str, String)]);

impl Serialize for Texts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

/// The peer's words for a review without a request.
const BAD_CONTENT: &str = "bad content";

#[cfg(test)]
mod tests {
    use super::*;

    fn unreadable(body: &str) -> (Option<String>, String, String) {
        let refused = Review::read(body.as_bytes()).unwrap_err();
        let kind = refused.envelope.kind.as_deref().map(str::to_owned);
        (kind, refused.envelope.uid.to_string(), refused.message)
    }

    #[test]
    fn only_what_decides_is_read() {
        let body = r#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"u-1",
            "operation":7,"namespace":"ns","object":{"spec":{"serviceAccountName":"app","containers":"wrong"},
            "metadata":5}}}"#;
        let review = Review::read(body.as_bytes()).unwrap();
        assert_eq!((review.namespace, &*review.service_account), ("ns", "app"));
        assert_eq!(review.envelope.uid, "u-1");
        assert!(review.pod.starts_with(b"{\"spec\""));
        let without = r#"{"request":{"object":{}}}"#;
        let review = Review::read(without.as_bytes()).unwrap();
        assert_eq!((review.namespace, &*review.service_account), ("", ""));
        assert_eq!(review.envelope, Envelope::default());
    }

    #[test]
    fn what_is_no_review_of_a_pod_is_refused_in_words() {
        for body in ["", " \n", "null", "{}", r#"{"request":null}"#] {
            assert_eq!(unreadable(body).2, BAD_CONTENT, "{body:?}");
        }
        let (.., message) = unreadable(r#"{"kind":"#);
        assert!(message.starts_with("couldn't get version/kind; json parse error: "));
        let wrong = r#"{"kind":"K","request":{"uid":"u","object":"text"}}"#;
        let (kind, uid, message) = unreadable(wrong);
        assert_eq!((kind.as_deref(), uid.as_str()), (Some("K"), "u"));
        assert!(
            message.starts_with("`request.object` is no pod: "),
            "{message}"
        );
        for object in ["null", ""] {
            let body = if object.is_empty() {
                r#"{"request":{"uid":"u"}}"#.to_owned()
            } else {
                format!(r#"{{"request":{{"uid":"u","object":{object}}}}}"#)
            };
            assert_eq!(unreadable(&body).2, "the review has no `request.object`");
        }
    }

    #[test]
    fn answers_are_the_peers_with_more_where_there_is_more_to_say() {
        let envelope = Envelope {
            kind: Some("AdmissionReview".into()),
            api_version: Some("admission.k8s.io/v1beta1".into()),
            uid: "u".into(),
        };
        let mut verdict = Verdict {
            envelope: &envelope,
            refusal: None,
            patch: None,
            warnings: &[],
            audit: &[],
        };
        let text = |verdict: &Verdict<'_>| String::from_utf8(verdict.to_json()).unwrap();
        let start = r#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1beta1","response":{"uid":"u","#;
        assert_eq!(text(&verdict), format!(r#"{start}"allowed":true}}}}"#));
        let warnings = ["a \"b\"".to_owned()];
        let audit = [("decision", "mutated".to_owned())];
        verdict.patch = Some("W10=");
        verdict.warnings = &warnings;
        verdict.audit = &audit;
        let rest = r#""allowed":true,"patch":"W10=","patchType":"JSONPatch","auditAnnotations":{"decision":"mutated"},"warnings":["a \"b\""]}}"#;
        assert_eq!(text(&verdict), format!("{start}{rest}"));
        let nobody = Envelope::default();
        let refused = Verdict {
            envelope: &nobody,
            refusal: Some(BAD_CONTENT),
            patch: None,
            warnings: &[],
            audit: &[],
        };
        let expected =
            r#"{"response":{"uid":"","allowed":false,"status":{"message":"bad content"}}}"#;
        assert_eq!(text(&refused), expected);
    }
}
