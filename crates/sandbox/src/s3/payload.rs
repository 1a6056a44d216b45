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
    ChunkedWithTrailer,
}

/// The fields after the last chunk.
type Trailer = Vec<(String, String)>;

/// Chunk sizes and trailer lines are short; this only bounds the search for their end.
const MAX_LINE: usize = 4096;

/// Undoes the framing and verifies hash, checksum and `Content-MD5`.
///
/// # Errors
/// `XAmzContentSHA256Mismatch`, `BadDigest`, `InvalidDigest`, `IncompleteBody`, `MalformedTrailerError`,
/// `InvalidRequest`, and `NotImplemented` for framings and algorithms that would otherwise go unverified.
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
        Framing::ChunkedWithTrailer => {
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
        "STREAMING-UNSIGNED-PAYLOAD-TRAILER" => Ok(Framing::ChunkedWithTrailer),
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

/// Decodes `SIZE CRLF DATA CRLF … 0 CRLF trailer CRLF`.
fn decode_chunks(body: &Bytes) -> Result<(Bytes, Trailer), S3Error> {
    let mut rest = body.clone();
    let mut decoded = BytesMut::with_capacity(body.len());
    loop {
        let line = take_line(&mut rest).ok_or_else(incomplete_body)?;
        let size = line.split(';').next().unwrap_or_default();
        let size = usize::from_str_radix(size, 16).map_err(|_| incomplete_body())?;
        if size == 0 {
            break;
        }
        if rest.len() < size {
            return Err(incomplete_body());
        }
        decoded.extend_from_slice(&rest.split_to(size));
        if !rest.starts_with(b"\r\n") {
            return Err(incomplete_body());
        }
        rest = rest.slice(2..);
    }
    let mut trailer = Trailer::new();
    while !rest.is_empty() {
        let line = take_line(&mut rest).ok_or_else(malformed_trailer)?;
        if line.is_empty() {
            continue;
        }
        let (name, value) = line.split_once(':').ok_or_else(malformed_trailer)?;
        trailer.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
    }
    Ok((decoded.freeze(), trailer))
}

/// Takes a line that ends in CRLF (a trailer's may end in LF alone), without its end.
fn take_line(rest: &mut Bytes) -> Option<String> {
    let end = rest.iter().take(MAX_LINE).position(|byte| *byte == b'\n')?;
    let line = rest.split_to(end + 1);
    let text = std::str::from_utf8(&line).ok()?;
    Some(text.trim_end_matches(['\r', '\n']).to_owned())
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

fn malformed_trailer() -> S3Error {
    S3Error::new(
        StatusCode::BAD_REQUEST,
        "MalformedTrailerError",
        "The request contained trailing data that was not well-formed or did not conform to our published schema.",
    )
}
