//! Putting, reading and deleting objects.

use super::*;

#[test]
fn gives_back_what_was_put() {
    let mut server = Server::new();
    let put = server.send(
        ask("PUT", "/docs/a +é&<b>")
            .header("content-type", "text/plain")
            .header("content-encoding", "gzip")
            .header("cache-control", "no-store")
            .header("x-amz-meta-purpose", "test")
            .header("x-amz-tagging", "a=b")
            .body("hello"),
    );
    // The MD5 of "hello", RFC 1321 style.
    let etag = "\"5d41402abc4b2a76b9719d911017c592\"";
    assert_eq!((put.status, put.header("etag")), (200, Some(etag)));
    assert_eq!(put.header("x-amz-server-side-encryption"), Some("AES256"));
    assert_eq!(put.header("x-amz-checksum-type"), Some("FULL_OBJECT"));
    assert!(put.header("x-amz-checksum-crc64nvme").is_some());
    let get = server.send(ask("GET", "/docs/a +é&<b>"));
    assert_eq!((get.status, &get.body[..]), (200, &b"hello"[..]));
    for (name, value) in [
        ("etag", etag),
        ("content-type", "text/plain"),
        ("content-encoding", "gzip"),
        ("cache-control", "no-store"),
        ("x-amz-meta-purpose", "test"),
        ("x-amz-tagging-count", "1"),
        ("content-length", "5"),
        ("accept-ranges", "bytes"),
        ("last-modified", "Fri, 20 Nov 2026 10:00:00 GMT"),
    ] {
        assert_eq!(get.header(name), Some(value), "{name}");
    }
    assert_eq!(get.header("x-amz-checksum-crc64nvme"), None);
    let head = server.send(ask("HEAD", "/docs/a +é&<b>"));
    assert_eq!(
        (head.status, head.body.len(), head.header("content-length")),
        (200, 0, Some("5"))
    );
}

#[test]
fn default_content_type_is_binary() {
    let mut server = Server::new();
    server.put("/docs/k", b"x");
    assert_eq!(
        server.send(ask("GET", "/docs/k")).header("content-type"),
        Some("binary/octet-stream")
    );
}

#[test]
fn sends_the_range_asked_for() {
    let mut server = Server::new();
    server.put("/docs/k", b"0123456789");
    let part = server.send(ask("GET", "/docs/k").header("range", "bytes=2-4"));
    assert_eq!((part.status, part.text()), (206, "234"));
    assert_eq!(part.header("content-range"), Some("bytes 2-4/10"));
    assert_eq!(part.header("content-length"), Some("3"));
    let head = server.send(ask("HEAD", "/docs/k").header("range", "bytes=-1"));
    assert_eq!(
        (head.status, head.header("content-length"), head.body.len()),
        (206, Some("1"), 0)
    );
    let beyond = server.send(ask("GET", "/docs/k").header("range", "bytes=10-"));
    assert_eq!(beyond.error(), (416, "InvalidRange"));
    assert_eq!(beyond.header("content-range"), Some("bytes */10"));
    assert_eq!(
        server
            .send(ask("GET", "/docs/k").header("range", "bytes=0-1,3-4"))
            .status,
        200
    );
}

#[test]
fn conditions_decide_about_a_read() {
    let mut server = Server::new();
    server.put("/docs/k", b"hello");
    let etag = "\"5d41402abc4b2a76b9719d911017c592\"";
    let (before, at, after) = (
        "Fri, 20 Nov 2026 09:59:59 GMT",
        "Fri, 20 Nov 2026 10:00:00 GMT",
        "Fri, 20 Nov 2026 10:00:01 GMT",
    );
    for (headers, status) in [
        (vec![("if-match", etag)], 200),
        (vec![("if-match", "5d41402abc4b2a76b9719d911017c592")], 200),
        (vec![("if-match", "\"x\", *")], 200),
        (vec![("if-match", "\"x\"")], 412),
        (vec![("if-none-match", etag)], 304),
        (vec![("if-none-match", "*")], 304),
        (vec![("if-none-match", "\"x\"")], 200),
        (vec![("if-modified-since", before)], 200),
        (vec![("if-modified-since", at)], 304),
        (vec![("if-modified-since", after)], 304),
        (vec![("if-modified-since", "yesterday")], 200),
        (vec![("if-unmodified-since", before)], 412),
        (vec![("if-unmodified-since", at)], 200),
        // RFC 9110 13.2.2: the entity tag outweighs the date.
        (
            vec![("if-match", etag), ("if-unmodified-since", before)],
            200,
        ),
        (
            vec![("if-none-match", "\"x\""), ("if-modified-since", after)],
            200,
        ),
    ] {
        let get = headers
            .iter()
            .fold(ask("GET", "/docs/k"), |get, (name, value)| {
                get.header(name, value)
            });
        let answer = server.send(get);
        assert_eq!(answer.status, status, "{headers:?}");
        if status == 304 {
            assert!(answer.body.is_empty());
            assert_eq!(answer.header("etag"), Some(etag));
        }
    }
}

#[test]
fn conditions_decide_about_a_write() {
    let mut server = Server::new();
    let create = || {
        ask("PUT", "/docs/k")
            .header("if-none-match", "*")
            .body("hello")
    };
    assert_eq!(server.send(create()).status, 200);
    assert_eq!(server.send(create()).error(), (412, "PreconditionFailed"));
    let replace = |etag| ask("PUT", "/docs/k").header("if-match", etag).body("hello");
    assert_eq!(server.send(replace("\"x\"")).status, 412);
    assert_eq!(
        server
            .send(replace("\"5d41402abc4b2a76b9719d911017c592\""))
            .status,
        200
    );
    let nothing = ask("PUT", "/docs/none").header("if-match", "\"x\"");
    assert_eq!(server.send(nothing).error(), (404, "NoSuchKey"));
    let delete = ask("DELETE", "/docs/k").header("if-match", "\"x\"");
    assert_eq!(server.send(delete).status, 412);
    assert_eq!(server.send(ask("GET", "/docs/k")).text(), "hello");
}

#[test]
fn parameters_override_headers_for_signed_reads_only() {
    let mut server = Server::new();
    server.put("/docs/k", b"x");
    let path = "/docs/k?response-content-type=text/csv&response-content-disposition=attachment";
    let answer = server.send(ask("GET", path));
    assert_eq!(answer.header("content-type"), Some("text/csv"));
    assert_eq!(answer.header("content-disposition"), Some("attachment"));
    let mut anonymous = Scripted::new(Principal::Anonymous);
    assert_eq!(
        server.send_as(ask("GET", path), &mut anonymous).error(),
        (400, "InvalidRequest")
    );
}

#[test]
fn only_who_may_list_learns_that_a_key_is_missing() {
    let mut server = Server::new();
    let lister = server.send(ask("GET", "/docs/none"));
    assert_eq!(lister.error(), (404, "NoSuchKey"));
    assert_eq!(lister.one("Message"), "The specified key does not exist.");
    assert_eq!(lister.one("Key"), "none");
    let mut reader = Scripted::denying(&["s3:ListBucket"]);
    assert_eq!(
        server
            .send_as(ask("GET", "/docs/none"), &mut reader)
            .error(),
        (403, "AccessDenied")
    );
    assert_eq!(
        server
            .send_as(ask("HEAD", "/docs/none"), &mut reader)
            .status,
        403
    );
}

#[test]
fn deletes_what_is_not_there_too() {
    let mut server = Server::new();
    server.put("/docs/k", b"x");
    for _ in 0..2 {
        assert_eq!(server.send(ask("DELETE", "/docs/k")).status, 204);
    }
}

#[test]
fn deletes_many_each_on_its_own() {
    let mut server = Server::new();
    for key in ["/docs/open/1", "/docs/open/2", "/docs/shut/1"] {
        server.put(key, b"x");
    }
    let policy = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::docs/open/*"}}"#;
    let mut caller = Evaluated::new(user(OWNER), &[policy]);
    let body = "<Delete><Object><Key>open/1</Key></Object><Object><Key>shut/1</Key></Object>\
                <Object><Key>open/none</Key></Object></Delete>";
    let answer = server.send_as(delete_request(body), &mut caller);
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.all("Deleted"),
        ["<Key>open/1</Key>", "<Key>open/none</Key>"]
    );
    assert_eq!(answer.one("Code"), "AccessDenied");
    let quiet = body.replace("</Delete>", "<Quiet>true</Quiet></Delete>");
    let answer = server.send_as(delete_request(&quiet), &mut caller);
    assert_eq!(
        (answer.all("Deleted").len(), answer.all("Error").len()),
        (0, 1)
    );
    assert_eq!(
        server.send(ask("GET", "/docs")).all("Key"),
        ["open/2", "shut/1"]
    );
}

#[test]
fn refuses_deletions_that_are_not_vouched_for_or_malformed() {
    let mut server = Server::new();
    let unvouched =
        ask("POST", "/docs?delete").body("<Delete><Object><Key>k</Key></Object></Delete>");
    let answer = server.send(unvouched);
    assert_eq!(answer.error(), (400, "InvalidRequest"));
    assert!(answer.one("Message").contains("Content-MD5"));
    let many = format!(
        "<Delete>{}</Delete>",
        "<Object><Key>k</Key></Object>".repeat(1001)
    );
    for body in [
        "<Delete/>",
        "<Delete><Object/></Delete>",
        "<Delete><Object><Key></Key></Object></Delete>",
        &many,
    ] {
        assert_eq!(
            server.send(delete_request(body)).error(),
            (400, "MalformedXML"),
            "{body:.60}"
        );
    }
}

#[test]
fn refuses_uploads_it_cannot_do_right() {
    let mut server = Server::new();
    for (header, value, expected) in [
        (
            "x-amz-server-side-encryption",
            "aws:kms",
            (501, "NotImplemented"),
        ),
        (
            "x-amz-server-side-encryption-customer-algorithm",
            "AES256",
            (501, "NotImplemented"),
        ),
        (
            "x-amz-object-lock-mode",
            "GOVERNANCE",
            (501, "NotImplemented"),
        ),
        ("x-amz-storage-class", "GLACIER", (501, "NotImplemented")),
        (
            "x-amz-storage-class",
            "CUPBOARD",
            (400, "InvalidStorageClass"),
        ),
        ("x-amz-tagging", "a=1&a=2", (400, "InvalidArgument")),
        (
            "x-amz-meta-long",
            &"x".repeat(2049),
            (400, "MetadataTooLarge"),
        ),
    ] {
        let answer = server.send(ask("PUT", "/docs/k").header(header, value));
        assert_eq!(answer.error(), expected, "{header}: {value:.20}");
    }
    let long = format!("/docs/{}", "k".repeat(1025));
    assert_eq!(
        server.send(ask("PUT", &long)).error(),
        (400, "KeyTooLongError")
    );
    assert_eq!(
        server.send(ask("GET", "/docs/k?versionId=x")).error(),
        (400, "InvalidArgument")
    );
    assert_eq!(
        server.send(ask("GET", "/docs")).all("Key"),
        Vec::<&str>::new()
    );
}

/// A `DeleteObjects` request with the MD5 it needs.
fn delete_request(body: &str) -> Ask {
    use base64::Engine as _;
    use md5::Digest as _;
    let digest = base64::engine::general_purpose::STANDARD.encode(md5::Md5::digest(body));
    ask("POST", "/docs?delete")
        .header("content-md5", &digest)
        .body(body.to_owned())
}
