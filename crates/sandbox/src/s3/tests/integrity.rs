//! Upload integrity: specs/aws.md D.2.

use super::*;

// Of "hello": SHA-256 and SHA-1 by `sha256sum` and `sha1sum`, CRC-32 as an SDK sent it.
const SHA256: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
const SHA256_BASE64: &str = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";
const SHA1_BASE64: &str = "qvTGHdzF6KLavt4PO0gs2a6pQ00=";
const MD5_BASE64: &str = "XUFAKrxLKna5cZ2REBfFkg==";

#[test]
fn verifies_what_the_client_says_about_the_body() {
    for (name, header, value, expected) in [
        ("right hash", "x-amz-content-sha256", SHA256, None),
        ("no hash", "x-amz-content-sha256", "UNSIGNED-PAYLOAD", None),
        (
            "wrong hash",
            "x-amz-content-sha256",
            &SHA256.replace('2', "3"),
            Some((400, "XAmzContentSHA256Mismatch")),
        ),
        (
            "not a hash",
            "x-amz-content-sha256",
            "abc",
            Some((400, "InvalidArgument")),
        ),
        (
            "signed chunks, and none",
            "x-amz-content-sha256",
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
            Some((400, "IncompleteBody")),
        ),
        (
            "ECDSA chunks",
            "x-amz-content-sha256",
            "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD",
            Some((501, "NotImplemented")),
        ),
        ("right CRC-32", "x-amz-checksum-crc32", "NhCmhg==", None),
        (
            "wrong CRC-32",
            "x-amz-checksum-crc32",
            "NhCmhw==",
            Some((400, "BadDigest")),
        ),
        (
            "short CRC-32",
            "x-amz-checksum-crc32",
            "NhCm",
            Some((400, "InvalidRequest")),
        ),
        (
            "CRC-32 in hex",
            "x-amz-checksum-crc32",
            "3610a686",
            Some((400, "InvalidRequest")),
        ),
        (
            "right SHA-256",
            "x-amz-checksum-sha256",
            SHA256_BASE64,
            None,
        ),
        ("right SHA-1", "x-amz-checksum-sha1", SHA1_BASE64, None),
        (
            "wrong SHA-1",
            "x-amz-checksum-sha1",
            "qvTGHdzF6KLavt4PO0gs2a6pQ01=",
            Some((400, "InvalidRequest")),
        ),
        (
            "unknown algorithm",
            "x-amz-checksum-xxhash64",
            "AAAAAAAAAAA=",
            Some((501, "NotImplemented")),
        ),
        (
            "announced, not sent",
            "x-amz-sdk-checksum-algorithm",
            "CRC32",
            Some((400, "InvalidRequest")),
        ),
        (
            "unknown announced",
            "x-amz-sdk-checksum-algorithm",
            "XXHASH64",
            Some((501, "NotImplemented")),
        ),
        ("right MD5", "content-md5", MD5_BASE64, None),
        (
            "wrong MD5",
            "content-md5",
            "XUFAKrxLKna5cZ2REBfFkQ==",
            Some((400, "BadDigest")),
        ),
        (
            "not an MD5",
            "content-md5",
            "abc",
            Some((400, "InvalidDigest")),
        ),
    ] {
        let mut server = Server::new();
        let answer = server.send(ask("PUT", "/docs/k").header(header, value).body("hello"));
        let stored = server.send(ask("GET", "/docs")).all("Key").len();
        match expected {
            None => assert_eq!((answer.status, stored), (200, 1), "{name}"),
            Some(error) => assert_eq!((answer.error(), stored), (error, 0), "{name}"),
        }
    }
}

#[test]
fn texts_are_those_of_s3() {
    let mut server = Server::new();
    let answer = server.send(
        ask("PUT", "/docs/k")
            .header("x-amz-checksum-crc32", "NhCmhw==")
            .body("hello"),
    );
    assert_eq!(
        answer.one("Message"),
        "The CRC32 you specified did not match the calculated checksum."
    );
    let hash = SHA256.replace('2', "3");
    let answer = server.send(
        ask("PUT", "/docs/k")
            .header("x-amz-content-sha256", &hash)
            .body("hello"),
    );
    assert_eq!(
        answer.one("Message"),
        "The provided 'x-amz-content-sha256' header does not match what was computed."
    );
    assert_eq!(answer.one("S3ComputedContentSHA256"), SHA256);
}

#[test]
fn takes_one_checksum_and_gives_it_back() {
    let mut server = Server::new();
    let two = ask("PUT", "/docs/k")
        .header("x-amz-checksum-crc32", "NhCmhg==")
        .header("x-amz-checksum-sha1", SHA1_BASE64)
        .body("hello");
    assert_eq!(server.send(two).error(), (400, "InvalidRequest"));
    let put = ask("PUT", "/docs/k")
        .header("x-amz-checksum-sha256", SHA256_BASE64)
        .body("hello");
    assert_eq!(
        server.send(put).header("x-amz-checksum-sha256"),
        Some(SHA256_BASE64)
    );
    let read = |server: &mut Server, range| {
        let get = ask("GET", "/docs/k").header("x-amz-checksum-mode", "ENABLED");
        server.send(if range {
            get.header("range", "bytes=0-1")
        } else {
            get
        })
    };
    let whole = read(&mut server, false);
    assert_eq!(whole.header("x-amz-checksum-sha256"), Some(SHA256_BASE64));
    assert_eq!(whole.header("x-amz-checksum-type"), Some("FULL_OBJECT"));
    assert_eq!(
        read(&mut server, true).header("x-amz-checksum-sha256"),
        None
    );
    assert_eq!(
        server.send(ask("GET", "/docs")).one("ChecksumAlgorithm"),
        "SHA256"
    );
}

/// The upload that boto3 sends over HTTPS, with a body of our choice.
fn chunked(body: &str) -> Ask {
    ask("PUT", "/docs/k")
        .header("content-encoding", "aws-chunked")
        .header("x-amz-trailer", "x-amz-checksum-crc32")
        .header("x-amz-decoded-content-length", "5")
        .header("x-amz-sdk-checksum-algorithm", "CRC32")
        .header("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
        .body(body.to_owned())
}

#[test]
fn decodes_chunks_and_verifies_the_trailer() {
    let incomplete = Some((400, "IncompleteBody"));
    let malformed = Some((400, "MalformedTrailerError"));
    for (name, body, expected) in [
        (
            "as boto3 sends it",
            "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n",
            None,
        ),
        (
            "a chunk that is small and not the last",
            "2\r\nhe\r\n3\r\nllo\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n",
            Some((403, "InvalidChunkSizeError")),
        ),
        (
            "trailer line ends in LF",
            "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\n\r\n\r\n",
            None,
        ),
        (
            "wrong checksum",
            "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhw==\r\n\r\n",
            Some((400, "BadDigest")),
        ),
        ("no trailer", "5\r\nhello\r\n0\r\n\r\n", malformed),
        (
            "another trailer",
            "5\r\nhello\r\n0\r\nx-amz-checksum-sha1:x\r\n\r\n",
            malformed,
        ),
        (
            "trailer without colon",
            "5\r\nhello\r\n0\r\nx\r\n\r\n",
            malformed,
        ),
        ("no last chunk", "5\r\nhello\r\n", incomplete),
        ("cut short", "5\r\nhel", incomplete),
        (
            "size beyond the body",
            "ffffffffffffffff\r\nhello\r\n0\r\n\r\n",
            incomplete,
        ),
        (
            "size too large to be one",
            "fffffffffffffffff\r\nhello\r\n0\r\n\r\n",
            incomplete,
        ),
        (
            "size with a sign",
            "+5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n",
            incomplete,
        ),
        ("negative size", "-5\r\nhello\r\n0\r\n\r\n", incomplete),
        ("not framed", "hello", incomplete),
        (
            "another length",
            "4\r\nhell\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n",
            incomplete,
        ),
        ("no end of chunk", "5\r\nhelloXX0\r\n\r\n", incomplete),
        ("empty", "", incomplete),
    ] {
        let mut server = Server::new();
        let answer = server.send(chunked(body));
        if let Some(error) = expected {
            assert_eq!(answer.error(), error, "{name}");
            continue;
        }
        assert_eq!(answer.status, 200, "{name}");
        assert_eq!(answer.header("x-amz-checksum-crc32"), Some("NhCmhg=="));
        let get = server.send(ask("GET", "/docs/k"));
        assert_eq!(get.text(), "hello", "{name}");
        assert_eq!(get.header("content-encoding"), None, "{name}");
    }
}

#[test]
fn only_the_last_chunk_may_be_small() {
    for (sizes, expected) in [
        (vec![8192, 1], None),
        (vec![8192, 8192], None),
        (vec![8191, 1], Some(("2", "8191"))),
        (vec![8192, 3, 8192], Some(("3", "3"))),
    ] {
        let chunk = |size: &usize| format!("{size:x}\r\n{}\r\n", "a".repeat(*size));
        let chunks: Vec<String> = sizes.iter().map(chunk).collect();
        let length: usize = sizes.iter().sum();
        let put = ask("PUT", "/docs/k")
            .header("x-amz-decoded-content-length", &length.to_string())
            .header("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
            .body(chunks.concat() + "0\r\n\r\n");
        let answer = Server::new().send(put);
        let Some((next, size)) = expected else {
            assert_eq!(answer.status, 200, "{sizes:?}");
            continue;
        };
        assert_eq!(answer.error(), (403, "InvalidChunkSizeError"));
        assert_eq!(
            (answer.one("Chunk"), answer.one("BadChunkSize")),
            (next, size)
        );
    }
}

#[test]
fn keeps_the_objects_own_encoding() {
    let mut server = Server::new();
    let body = "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n";
    server.send(chunked(body).header("content-encoding", "gzip, aws-chunked"));
    assert_eq!(
        server
            .send(ask("GET", "/docs/k"))
            .header("content-encoding"),
        Some("gzip")
    );
}
