//! Multipart uploads.

use super::*;

const PART: usize = 5 * 1024 * 1024;

/// Starts an upload of `/docs/big` and returns its id.
fn start(server: &mut Server, headers: &[(&str, &str)]) -> String {
    let create = headers
        .iter()
        .fold(ask("POST", "/docs/big?uploads"), |create, (name, value)| {
            create.header(name, value)
        });
    let answer = server.send(create);
    assert_eq!((answer.status, answer.one("Key")), (200, "big"));
    answer.one("UploadId").to_owned()
}

/// Uploads a part and returns its entity tag.
fn upload(server: &mut Server, id: &str, number: u16, body: Vec<u8>) -> String {
    let path = format!("/docs/big?partNumber={number}&uploadId={id}");
    let answer = server.send(ask("PUT", &path).body(body));
    assert_eq!(answer.status, 200);
    answer.header("etag").unwrap().to_owned()
}

fn completion(parts: &[(u16, &str)]) -> String {
    let parts = parts.iter().fold(String::new(), |parts, (number, etag)| {
        parts + &format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>")
    });
    format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>")
}

fn complete(id: &str, parts: &[(u16, &str)]) -> Ask {
    ask("POST", &format!("/docs/big?uploadId={id}")).body(completion(parts))
}

#[test]
fn joins_the_parts_in_order() {
    let mut server = Server::new();
    let id = start(
        &mut server,
        &[("content-type", "text/plain"), ("x-amz-tagging", "a=b")],
    );
    let last = upload(&mut server, &id, 7, b"end".to_vec());
    let first = upload(&mut server, &id, 2, vec![b'x'; PART]);
    let listed = server.send(ask("GET", &format!("/docs/big?uploadId={id}&max-parts=1")));
    assert_eq!(
        (listed.one("PartNumber"), listed.one("NextPartNumberMarker")),
        ("2", "2")
    );
    let under_way = server.send(ask("GET", "/docs?uploads"));
    assert_eq!(
        (under_way.one("UploadId"), under_way.one("Key")),
        (id.as_str(), "big")
    );
    let done = server.send(complete(&id, &[(2, &first), (7, &last)]));
    assert_eq!(done.status, 200);
    // The MD5 of the two parts' MD5s, by Python's hashlib.
    let etag = "\"6d7c5fbffce55b2eb513ca823d7235b2-2\"";
    let get = server.send(ask("GET", "/docs/big"));
    assert_eq!(get.header("etag"), Some(etag));
    assert_eq!(get.body.len(), PART + 3);
    assert!(get.body.ends_with(b"xend"));
    assert_eq!(get.header("content-type"), Some("text/plain"));
    assert_eq!(get.header("x-amz-tagging-count"), Some("1"));
    let part = server.send(ask("GET", "/docs/big?partNumber=2"));
    assert_eq!((part.status, part.text()), (206, "end"));
    assert_eq!(part.header("x-amz-mp-parts-count"), Some("2"));
    assert_eq!(
        server.send(complete(&id, &[(2, &first)])).error(),
        (404, "NoSuchUpload")
    );
}

#[test]
fn refuses_to_complete_what_does_not_fit() {
    let mut server = Server::new();
    let id = start(&mut server, &[]);
    let small = upload(&mut server, &id, 1, b"small".to_vec());
    let next = upload(&mut server, &id, 2, b"next".to_vec());
    for (name, parts, code) in [
        (
            "small first part",
            vec![(1, small.as_str()), (2, next.as_str())],
            "EntityTooSmall",
        ),
        (
            "wrong order",
            vec![(2, next.as_str()), (1, small.as_str())],
            "InvalidPartOrder",
        ),
        (
            "twice",
            vec![(1, small.as_str()), (1, small.as_str())],
            "InvalidPartOrder",
        ),
        ("wrong tag", vec![(1, "\"00\"")], "InvalidPart"),
        ("not uploaded", vec![(3, small.as_str())], "InvalidPart"),
        ("nothing", vec![], "MalformedXML"),
        ("part 0", vec![(0, small.as_str())], "MalformedXML"),
    ] {
        assert_eq!(
            server.send(complete(&id, &parts)).error(),
            (400, code),
            "{name}"
        );
    }
    let wrong_size = complete(&id, &[(1, &small)]).header("x-amz-mp-object-size", "6");
    assert_eq!(server.send(wrong_size).error(), (400, "InvalidRequest"));
    let wrong_sum =
        complete(&id, &[(1, &small)]).header("x-amz-checksum-crc64nvme", "AAAAAAAAAAA=");
    assert_eq!(server.send(wrong_sum).error(), (400, "BadDigest"));
    let other_sum = complete(&id, &[(1, &small)]).header("x-amz-checksum-crc32", "NhCmhg==");
    assert_eq!(server.send(other_sum).error(), (400, "InvalidRequest"));
    assert_eq!(server.send(ask("GET", "/docs")).all("Key").len(), 0);
    assert_eq!(server.send(complete(&id, &[(1, &small)])).status, 200);
}

#[test]
fn part_numbers_and_uploads_are_checked() {
    let mut server = Server::new();
    let id = start(&mut server, &[]);
    for number in ["0", "10001", "x", ""] {
        let put = ask(
            "PUT",
            &format!("/docs/big?partNumber={number}&uploadId={id}"),
        );
        assert_eq!(
            server.send(put).error(),
            (400, "InvalidArgument"),
            "{number}"
        );
    }
    let other_key = ask("PUT", &format!("/docs/other?partNumber=1&uploadId={id}"));
    assert_eq!(server.send(other_key).error(), (404, "NoSuchUpload"));
    assert_eq!(
        server
            .send(ask("DELETE", &format!("/docs/big?uploadId={id}")))
            .status,
        204
    );
    assert_eq!(
        server
            .send(ask("DELETE", &format!("/docs/big?uploadId={id}")))
            .error(),
        (404, "NoSuchUpload")
    );
}

#[test]
fn checksums_cover_the_parts_or_the_whole() {
    for (headers, expected) in [
        // CRC-32 of the CRC-32 of "hello", by Python's zlib.
        (
            vec![("x-amz-checksum-algorithm", "CRC32")],
            ("ChecksumCRC32", "FKTmaw==-1", "COMPOSITE"),
        ),
        (
            vec![
                ("x-amz-checksum-algorithm", "CRC32"),
                ("x-amz-checksum-type", "FULL_OBJECT"),
            ],
            ("ChecksumCRC32", "NhCmhg==", "FULL_OBJECT"),
        ),
    ] {
        let mut server = Server::new();
        let id = start(&mut server, &headers);
        let etag = upload(&mut server, &id, 1, b"hello".to_vec());
        let done = server.send(complete(&id, &[(1, &etag)]));
        let (element, value, coverage) = expected;
        assert_eq!(
            (done.one(element), done.one("ChecksumType")),
            (value, coverage)
        );
    }
    let mut server = Server::new();
    for (algorithm, coverage) in [
        ("SHA256", "FULL_OBJECT"),
        ("CRC64NVME", "COMPOSITE"),
        ("CRC32", "HALF"),
    ] {
        let create = ask("POST", "/docs/big?uploads")
            .header("x-amz-checksum-algorithm", algorithm)
            .header("x-amz-checksum-type", coverage);
        assert_eq!(
            server.send(create).error(),
            (400, "InvalidRequest"),
            "{algorithm} {coverage}"
        );
    }
    let id = start(&mut server, &[("x-amz-checksum-algorithm", "SHA256")]);
    let other = ask("PUT", &format!("/docs/big?partNumber=1&uploadId={id}"))
        .header("x-amz-checksum-crc32", "NhCmhg==")
        .body("hello");
    assert_eq!(server.send(other).error(), (400, "InvalidRequest"));
}

#[test]
fn copies_ranges_as_parts() {
    let mut server = Server::new();
    server.put("/docs/source", b"0123456789");
    let id = start(&mut server, &[]);
    let copy = |range: &str| {
        ask("PUT", &format!("/docs/big?partNumber=1&uploadId={id}"))
            .header("x-amz-copy-source", "/docs/source")
            .header("x-amz-copy-source-range", range)
    };
    assert_eq!(
        server.send(copy("bytes=8-10")).error(),
        (400, "InvalidArgument")
    );
    let answer = server.send(copy("bytes=2-4"));
    let etag = answer.one("ETag").replace("&quot;", "\"");
    assert_eq!(server.send(complete(&id, &[(1, &etag)])).status, 200);
    assert_eq!(server.send(ask("GET", "/docs/big")).text(), "234");
    let mut caller = Scripted::denying(&["s3:GetObject"]);
    assert_eq!(
        server.send_as(copy("bytes=2-4"), &mut caller).error(),
        (403, "AccessDenied")
    );
}
