//! The two examples of the S3 API Reference, and what may not be changed in them.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::aws_chunked::SmallChunk;
use crate::sigv4::{Authorization, Dialect, Expected, SignatureError, SignedRequest};

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const WITHOUT_TRAILER: [&str; 4] = [
    "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
    "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
    "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
    "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
];
const WITH_TRAILER: [&str; 4] = [
    "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
    "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
    "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
    "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
];
const TRAILER: &str = "x-amz-checksum-crc32c:sOO8/Q==\r\n\
                       x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n";

/// The object of 65 KiB in a chunk of 64 and one of 1, with the signatures of three chunks.
fn body([_, first, second, last]: [&str; 4], trailer: &str) -> String {
    format!(
        "10000;chunk-signature={first}\r\n{}\r\n400;chunk-signature={second}\r\n{}\r\n\
         0;chunk-signature={last}\r\n{trailer}\r\n",
        "a".repeat(65536),
        "a".repeat(1024)
    )
}

/// What the verifier says of the example's request with this body.
fn verdict(signatures: [&str; 4], body: String) -> Result<(), SignatureError> {
    let has_trailer = signatures == WITH_TRAILER;
    let mut headers = vec![
        ("host", "s3.amazonaws.com"),
        ("x-amz-date", "20130524T000000Z"),
        ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
        ("content-encoding", "aws-chunked"),
        ("x-amz-decoded-content-length", "66560"),
        ("content-length", "66824"),
    ];
    let signed = if has_trailer {
        headers.push((
            "x-amz-content-sha256",
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
        ));
        headers.push(("x-amz-trailer", "x-amz-checksum-crc32c"));
        "content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class;\
         x-amz-trailer"
    } else {
        headers.push(("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"));
        "content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;\
         x-amz-storage-class"
    };
    let headers: HeaderMap = headers
        .into_iter()
        .map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        })
        .collect();
    let authorization = Authorization::parse(&format!(
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, \
         SignedHeaders={signed}, Signature={}",
        signatures[0]
    ))
    .unwrap();
    let request = SignedRequest {
        method: "PUT",
        path: "/examplebucket/chunkObject.txt",
        query: "",
        headers: &headers,
        body: &Bytes::from(body),
        authorization: &authorization,
        dialect: Dialect::S3,
    };
    let time = request.check_scope(&Expected::default()).unwrap();
    request.check_signature(SECRET, &time, "2013-05-24T00:00:00Z".parse().unwrap())
}

#[test]
fn verifies_the_examples_of_the_s3_api_reference() {
    let plain = body(WITHOUT_TRAILER, "");
    assert_eq!(verdict(WITHOUT_TRAILER, plain), Ok(()));
    let with_trailer = body(WITH_TRAILER, TRAILER);
    assert_eq!(verdict(WITH_TRAILER, with_trailer), Ok(()));
}

#[test]
fn refuses_every_change_of_a_chunk_or_the_trailer() {
    let plain = || body(WITHOUT_TRAILER, "");
    let with_trailer = || body(WITH_TRAILER, TRAILER);
    let [_, first, second, last] = WITHOUT_TRAILER;
    for (case, body) in [
        ("a byte", plain().replacen("aa", "ba", 1)),
        ("a signature", plain().replace(second, first)),
        (
            "the last signature",
            plain().replace(last, &last.replace('b', "c")),
        ),
        (
            "a chunk left out",
            plain().replacen(
                &format!("400;chunk-signature={second}\r\n{}\r\n", "a".repeat(1024)),
                "",
                1,
            ),
        ),
    ] {
        let verdict = verdict(WITHOUT_TRAILER, body);
        assert!(
            matches!(verdict, Err(SignatureError::Mismatch(_))),
            "{case}: {verdict:?}"
        );
    }
    let other_sum = with_trailer().replace("sOO8/Q==", "sOO8/A==");
    let verdict_of_sum = verdict(WITH_TRAILER, other_sum);
    assert!(
        matches!(verdict_of_sum, Err(SignatureError::Mismatch(_))),
        "{verdict_of_sum:?}"
    );
    for (case, signatures, body) in [
        ("no signature", WITHOUT_TRAILER, {
            plain().replace(&format!(";chunk-signature={second}"), "")
        }),
        ("no last chunk", WITHOUT_TRAILER, {
            plain().split_once("\r\n0;").unwrap().0.to_owned()
        }),
        ("no framing", WITHOUT_TRAILER, "hello".to_owned()),
        ("no trailer", WITH_TRAILER, body(WITH_TRAILER, "")),
        ("a trailer that is not signed", WITHOUT_TRAILER, {
            body(WITHOUT_TRAILER, "x-amz-checksum-crc32c:sOO8/Q==\r\n")
        }),
        ("a trailer that is not announced", WITHOUT_TRAILER, {
            body(WITHOUT_TRAILER, TRAILER)
        }),
    ] {
        let verdict = verdict(signatures, body);
        assert_eq!(verdict, Err(SignatureError::MalformedChunks), "{case}");
    }
}

#[test]
fn a_small_chunk_is_refused_unless_it_is_the_last() {
    let [_, first, second, last] = WITHOUT_TRAILER;
    let body = format!(
        "400;chunk-signature={second}\r\n{}\r\n10000;chunk-signature={first}\r\n{}\r\n\
         0;chunk-signature={last}\r\n\r\n",
        "a".repeat(1024),
        "a".repeat(65536)
    );
    let chunk = SmallChunk {
        next: 2,
        size: 1024,
    };
    let refused = verdict(WITHOUT_TRAILER, body).unwrap_err();
    assert_eq!(refused, SignatureError::SmallChunk(chunk));
    let refusal = refused.refusal(Dialect::S3);
    assert_eq!(
        (refusal.status.as_u16(), refusal.code),
        (403, "InvalidChunkSizeError")
    );
}
