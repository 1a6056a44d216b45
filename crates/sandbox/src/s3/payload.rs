//! The body of an upload: framing undone and everything the client said about it verified, before anyone uses it.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use http::StatusCode;
use md5::{Digest as _, Md5};

use super::S3Request;
use super::checksum::{Algorithm, Checksum};
use super::error::S3Error;
use crate::aws_chunked::{Chunked, Malformed, SmallChunk};

/// A verified body.
#[derive(Debug)]
pub(super) struct Payload {
    pub(super) bytes: Bytes,
    /// The checksum the client sent, in a header or in the trailer.
    pub(super) checksum: Option<Checksum>,
    /// Whether the client vouched for the body with `Content-MD5` or a checksum.
    pub(super) is_vouched_for: bool,
}

/// What `x-amz-content-sha256` says about the body.
enum Framing<'a> {
    Plain,
    Hashed(&'a str),
    Chunked,
}

/// The fields after the last chunk.
type Trailer = Vec<(String, String)>;

/// Undoes the framing and verifies hash, checksum and `Content-MD5`.
///
/// # Errors
/// `XAmzContentSHA256Mismatch`, `BadDigest`, `InvalidDigest`, `IncompleteBody`, `InvalidChunkSizeError`,
/// `MalformedTrailerError`, `InvalidRequest`, and `NotImplemented` for framings and algorithms that would otherwise go unverified.
pub(super) fn read(request: &S3Request) -> Result<Payload, S3Error> {
    let (bytes, trailer) = match framing(request)? {
        Framing::Plain => (request.body.clone(), Trailer::new()),
        Framing::Hashed(expected) => {
            let actual = hex::encode(digest::digest(&digest::SHA256, &request.body));
            if actual != expected {
                return Err(S3Error::new(
                    StatusCode::BAD_REQUEST,
                    "XAmzContentSHA256Mismatch",
                    "The provided 'x-amz-content-sha256' header does not match what was computed.",
                )
                .with("ClientComputedContentSHA256", expected)
                .with("S3ComputedContentSHA256", actual));
            }
            (request.body.clone(), Trailer::new())
        }
        Framing::Chunked => {
            let (bytes, trailer) = decode_chunks(&request.body)?;
            check_decoded_length(request, bytes.len())?;
            check_trailer_is_announced(request, &trailer)?;
            (bytes, trailer)
        }
    };
    let checksum = verify_checksum(request, &trailer, &bytes)?;
    let has_md5 = verify_md5(request, &bytes)?;
    Ok(Payload {
        is_vouched_for: has_md5 || checksum.is_some(),
        bytes,
        checksum,
    })
}

// === Framing ===

fn framing(request: &S3Request) -> Result<Framing<'_>, S3Error> {
    let header = "x-amz-content-sha256";
    let Some(value) = request.header(header) else {
        return Ok(Framing::Plain);
    };
    match value {
        "UNSIGNED-PAYLOAD" => Ok(Framing::Plain),
        // The signatures of the last two were verified with the request's; an anonymous request has none to verify.
        "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
        | "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
        | "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER" => Ok(Framing::Chunked),
        streaming if streaming.starts_with("STREAMING-") => {
            Err(S3Error::not_implemented(&format!("{header}: {streaming}")))
        }
        hash if hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            Ok(Framing::Hashed(hash))
        }
        other => Err(S3Error::invalid_argument(
            "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, or a valid sha256 \
             value.",
            header,
            other,
        )),
    }
}

fn decode_chunks(body: &Bytes) -> Result<(Bytes, Trailer), S3Error> {
    let chunked = Chunked::read(body).map_err(|malformed| match malformed {
        Malformed::Chunk => incomplete_body(),
        Malformed::Small(chunk) => small_chunk(chunk),
        Malformed::Trailer => malformed_trailer(),
    })?;
    let mut decoded = BytesMut::with_capacity(body.len());
    for chunk in &chunked.chunks {
        decoded.extend_from_slice(&chunk.data);
    }
    Ok((decoded.freeze(), chunked.trailer))
}

fn check_decoded_length(request: &S3Request, actual: usize) -> Result<(), S3Error> {
    let Some(expected) = request.header("x-amz-decoded-content-length") else {
        return Err(S3Error::new(
            StatusCode::LENGTH_REQUIRED,
            "MissingContentLength",
            "You must provide the Content-Length HTTP header.",
        ));
    };
    if expected.parse() == Ok(actual) {
        return Ok(());
    }
    Err(incomplete_body())
}

/// The trailer has exactly the fields that `x-amz-trailer` announced.
fn check_trailer_is_announced(request: &S3Request, trailer: &Trailer) -> Result<(), S3Error> {
    let mut announced: Vec<String> = request
        .header("x-amz-trailer")
        .unwrap_or_default()
        .split(',')
        .map(|name| name.trim().to_ascii_lowercase())
        .filter(|name| !name.is_empty())
        .collect();
    let mut sent: Vec<String> = trailer.iter().map(|(name, _)| name.clone()).collect();
    announced.sort_unstable();
    sent.sort_unstable();
    if announced == sent {
        return Ok(());
    }
    Err(malformed_trailer())
}

// === Checksums ===

fn verify_checksum(
    request: &S3Request,
    trailer: &Trailer,
    bytes: &[u8],
) -> Result<Option<Checksum>, S3Error> {
    let sent = sent_checksum(request, trailer)?;
    let declared = request.header("x-amz-sdk-checksum-algorithm");
    let Some((algorithm, value)) = sent else {
        if let Some(declared) = declared {
            return Err(match Algorithm::named(declared) {
                None => {
                    S3Error::not_implemented(&format!("x-amz-sdk-checksum-algorithm: {declared}"))
                }
                Some(_) => S3Error::invalid_request(
                    "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer \
                     headers were found.",
                ),
            });
        }
        return Ok(None);
    };
    let is_well_formed = STANDARD
        .decode(&value)
        .is_ok_and(|decoded| decoded.len() == algorithm.size());
    if !is_well_formed {
        return Err(S3Error::invalid_request(format!(
            "Value for {} header is invalid.",
            algorithm.header()
        )));
    }
    let computed = Checksum::of(algorithm, bytes);
    if computed.value != value {
        return Err(S3Error::bad_digest(format!(
            "The {} you specified did not match the calculated checksum.",
            algorithm.name()
        )));
    }
    Ok(Some(computed))
}

/// The one checksum among headers and trailer.
fn sent_checksum(
    request: &S3Request,
    trailer: &Trailer,
) -> Result<Option<(Algorithm, String)>, S3Error> {
    let headers = request
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap_or_default()));
    let trailer = trailer
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    let mut sent = None;
    for (name, value) in headers.chain(trailer) {
        // These three describe a checksum; they are none.
        let is_checksum = name
            .strip_prefix("x-amz-checksum-")
            .is_some_and(|suffix| !matches!(suffix, "mode" | "algorithm" | "type"));
        if !is_checksum {
            continue;
        }
        let algorithm = Algorithm::of_header(name).ok_or_else(|| S3Error::not_implemented(name))?;
        if sent.replace((algorithm, value.to_owned())).is_some() {
            return Err(S3Error::invalid_request(
                "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
            ));
        }
    }
    Ok(sent)
}

fn verify_md5(request: &S3Request, bytes: &[u8]) -> Result<bool, S3Error> {
    let Some(value) = request.header("content-md5") else {
        return Ok(false);
    };
    let expected = STANDARD
        .decode(value)
        .ok()
        .filter(|decoded| decoded.len() == 16)
        .ok_or_else(|| {
            S3Error::new(
                StatusCode::BAD_REQUEST,
                "InvalidDigest",
                "The Content-MD5 you specified was invalid.",
            )
            .with("Content-MD5", value)
        })?;
    let actual = Md5::digest(bytes);
    if actual[..] == expected[..] {
        return Ok(true);
    }
    Err(
        S3Error::bad_digest("The Content-MD5 you specified did not match what we received.")
            .with("ExpectedDigest", value)
            .with("CalculatedDigest", STANDARD.encode(actual)),
    )
}

// === Errors ===

fn incomplete_body() -> S3Error {
    S3Error::new(
        StatusCode::BAD_REQUEST,
        "IncompleteBody",
        "You did not provide the number of bytes specified by the Content-Length HTTP header",
    )
}

fn small_chunk(chunk: SmallChunk) -> S3Error {
    let error = S3Error::new(StatusCode::FORBIDDEN, SmallChunk::CODE, SmallChunk::MESSAGE);
    let details = chunk.details().into_iter();
    details.fold(error, |error, (element, value)| error.with(element, value))
}

fn malformed_trailer() -> S3Error {
    S3Error::new(
        StatusCode::BAD_REQUEST,
        "MalformedTrailerError",
        "The request contained trailing data that was not well-formed or did not conform to our published schema.",
    )
}
