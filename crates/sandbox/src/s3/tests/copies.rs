//! Copies and moves inside S3.

use super::*;

fn copy(to: &str, from: &str) -> Ask {
    ask("PUT", to).header("x-amz-copy-source", from)
}

fn filled() -> Server {
    let mut server = Server::new();
    server.send(ask("PUT", "/target"));
    let original = ask("PUT", "/docs/a é")
        .header("content-type", "text/plain")
        .header("x-amz-meta-a", "1")
        .header("x-amz-tagging", "t=1")
        .body("hello");
    assert_eq!(server.send(original).status, 200);
    server
}

#[test]
fn copies_bytes_metadata_and_tags() {
    let mut server = filled();
    let answer = server.send(copy("/target/b", "/docs/a%20%C3%A9"));
    assert_eq!(
        answer.one("ETag"),
        "&quot;5d41402abc4b2a76b9719d911017c592&quot;"
    );
    let get = server.send(ask("GET", "/target/b"));
    assert_eq!(
        (get.text(), get.header("x-amz-meta-a")),
        ("hello", Some("1"))
    );
    assert_eq!(get.header("content-type"), Some("text/plain"));
    assert_eq!(
        server.send(ask("GET", "/target/b?tagging")).all("Key"),
        ["t"]
    );
}

#[test]
fn directives_replace_metadata_and_tags() {
    let mut server = filled();
    let replace = copy("/target/b", "docs/a%20%C3%A9")
        .header("x-amz-metadata-directive", "REPLACE")
        .header("x-amz-meta-b", "2")
        .header("x-amz-tagging-directive", "REPLACE")
        .header("x-amz-tagging", "u=2");
    assert_eq!(server.send(replace).status, 200);
    let get = server.send(ask("GET", "/target/b"));
    assert_eq!(
        (get.header("x-amz-meta-a"), get.header("x-amz-meta-b")),
        (None, Some("2"))
    );
    assert_eq!(
        server.send(ask("GET", "/target/b?tagging")).all("Key"),
        ["u"]
    );
}

#[test]
fn asks_for_both_sides() {
    let mut caller = Scripted::new(user(OWNER));
    filled().send_as(copy("/target/b", "/docs/a%20%C3%A9"), &mut caller);
    let (source, target) = ("arn:aws:s3:::docs/a é", "arn:aws:s3:::target/b");
    assert_eq!(
        caller.questions(),
        [
            ("s3:GetObject", source),
            ("s3:GetObjectTagging", source),
            ("s3:PutObject", target),
            ("s3:PutObjectTagging", target)
        ]
    );
    for action in [
        "s3:GetObject",
        "s3:GetObjectTagging",
        "s3:PutObject",
        "s3:PutObjectTagging",
    ] {
        let mut server = filled();
        let answer = server.send_as(
            copy("/target/b", "/docs/a%20%C3%A9"),
            &mut Scripted::denying(&[action]),
        );
        assert_eq!(answer.error(), (403, "AccessDenied"), "{action}");
        assert_eq!(
            server.send(ask("GET", "/target")).all("Key").len(),
            0,
            "{action}"
        );
    }
}

#[test]
fn refuses_copies_that_make_no_sense() {
    for (name, request, expected) in [
        (
            "onto itself",
            copy("/docs/a é", "/docs/a%20%C3%A9"),
            (400, "InvalidRequest"),
        ),
        (
            "no key",
            copy("/target/b", "/docs"),
            (400, "InvalidArgument"),
        ),
        (
            "not UTF-8",
            copy("/target/b", "/docs/%FF"),
            (400, "InvalidArgument"),
        ),
        (
            "a version",
            copy("/target/b", "/docs/a?versionId=x"),
            (400, "InvalidArgument"),
        ),
        (
            "no such key",
            copy("/target/b", "/docs/none"),
            (404, "NoSuchKey"),
        ),
        (
            "no such bucket",
            copy("/target/b", "/nowhere/none"),
            (404, "NoSuchBucket"),
        ),
        (
            "unknown directive",
            copy("/target/b", "/docs/a%20%C3%A9").header("x-amz-metadata-directive", "MOVE"),
            (400, "InvalidArgument"),
        ),
        (
            "condition on the source",
            copy("/target/b", "/docs/a%20%C3%A9").header("x-amz-copy-source-if-match", "\"x\""),
            (412, "PreconditionFailed"),
        ),
        (
            "unchanged source",
            copy("/target/b", "/docs/a%20%C3%A9").header("x-amz-copy-source-if-none-match", "*"),
            (412, "PreconditionFailed"),
        ),
    ] {
        assert_eq!(filled().send(request).error(), expected, "{name}");
    }
}
