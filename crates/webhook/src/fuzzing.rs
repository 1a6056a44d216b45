//! What the fuzz target `review` does: it panics when a promise is broken.
//!
//! Only with the feature `fuzzing`, which the replay of the seeds and the fuzzer's own workspace turn on.

use podpass_inject::{Injection, Pod, Settings, inject};
use podpass_kinds::{ServiceAccountView, annotations};
use serde_json::Value;

use crate::review::{Review, Verdict};

/// Reads an AdmissionReview. A refusal says why, and there is none for a member that need not be read; what is read is
/// injected into, and the answer is JSON that repeats the uid and whose patch fits the pod.
pub fn review(data: &[u8]) {
    let read = Review::read(data);
    if let Err(refused) = &read {
        assert!(!refused.message.is_empty());
    }
    if let Ok(review) = read {
        answer(&review);
    }
    let Ok(document) = serde_json::from_slice::<Value>(data) else {
        return;
    };
    // Written anew it has no member twice, which is what API servers send.
    let text = document.to_string();
    let read = Review::read(text.as_bytes());
    assert_eq!(read.is_ok(), is_complete(&document), "{text}");
}

/// Whether all that has to be read is there and of its type.
fn is_complete(document: &Value) -> bool {
    let is_text = |value: &Value| value.is_null() || value.is_string();
    let request = &document["request"];
    let pod = &request["object"];
    let spec = &pod["spec"];
    let named = ["uid", "namespace"]
        .iter()
        .all(|member| is_text(&request[*member]));
    // A namespace's name needs no escape.
    let plain = request["namespace"]
        .as_str()
        .is_none_or(|name| Value::from(name).to_string().len() == name.len() + 2);
    document.is_object()
        && ["kind", "apiVersion"]
            .iter()
            .all(|member| is_text(&document[*member]))
        && request.is_object()
        && named
        && plain
        && pod.is_object()
        && (spec.is_null() || spec.is_object())
        && is_text(&spec["serviceAccountName"])
}

fn answer(review: &Review<'_>) {
    let account = ServiceAccountView {
        namespace: review.namespace.to_owned(),
        name: review.service_account.clone().into_owned(),
        annotations: [(
            annotations::name(annotations::DEFAULT_PREFIX, annotations::ROLE_ARN),
            "arn:aws:iam::123456789012:role/app".to_owned(),
        )]
        .into(),
        ..ServiceAccountView::default()
    };
    let (Ok(pod), Ok(value)) = (
        Pod::from_json(review.pod),
        serde_json::from_slice::<Value>(review.pod),
    ) else {
        return;
    };
    let injection = inject(&pod, &account, &Settings::default());
    if let Injection::Patched(patch) = &injection {
        patch.apply(&value).expect("a patch fits its pod");
    }
    let warnings: Vec<String> = injection.notes().iter().map(ToString::to_string).collect();
    let verdict = Verdict {
        envelope: &review.envelope,
        refusal: None,
        patch: None,
        warnings: &warnings,
        audit: &[],
    };
    let answer: Value = serde_json::from_slice(&verdict.to_json()).expect("an answer is JSON");
    assert_eq!(answer["response"]["uid"], *review.envelope.uid);
    assert_eq!(answer["response"]["allowed"], true);
}
