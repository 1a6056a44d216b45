//! The canonical request, the string to sign and the signature, as AWS's "Signature Version 4 signing process"
//! defines them.

use std::fmt::Write as _;

use aws_lc_rs::{digest, hmac};
use http::HeaderMap;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

use super::presigned::SIGNATURE_PARAMETER;
use super::{Dialect, Scope};

/// What is hashed and signed; bytes, because header values need not be UTF-8.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CanonicalRequest(Vec<u8>);

/// The parts of a request that a signature covers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts<'a> {
    pub(crate) method: &'a str,
    /// The path as received, still percent-encoded.
    pub(crate) path: &'a [u8],
    /// The query as received, without `?`.
    pub(crate) query: &'a [u8],
    pub(crate) headers: &'a HeaderMap,
    /// Lower-case names in the order of the signature.
    pub(crate) signed_headers: &'a [String],
    /// The hex digest of the body, or the marker that stands for it.
    pub(crate) payload_hash: &'a str,
}

impl CanonicalRequest {
    /// Writes the canonical form of a request.
    pub(crate) fn of(parts: Parts<'_>, dialect: Dialect) -> Self {
        let mut text = Vec::with_capacity(512);
        text.extend_from_slice(parts.method.as_bytes());
        text.push(b'\n');
        text.extend_from_slice(canonical_path(parts.path, dialect).as_bytes());
        text.push(b'\n');
        text.extend_from_slice(canonical_query(parts.query).as_bytes());
        text.push(b'\n');
        for name in parts.signed_headers {
            text.extend_from_slice(name.as_bytes());
            text.push(b':');
            for (index, value) in parts.headers.get_all(name).iter().enumerate() {
                if index > 0 {
                    text.push(b',');
                }
                push_trimmed(&mut text, value.as_bytes());
            }
            text.push(b'\n');
        }
        text.push(b'\n');
        text.extend_from_slice(parts.signed_headers.join(";").as_bytes());
        text.push(b'\n');
        text.extend_from_slice(parts.payload_hash.as_bytes());
        Self(text)
    }

    /// The text for a person, without the session token that may be among the headers or in the query.
    pub(crate) fn redacted(&self) -> String {
        let text = String::from_utf8_lossy(&self.0);
        let lines = text
            .split('\n')
            .enumerate()
            .map(|(index, line)| match index {
                QUERY_LINE => redact_query(line),
                _ if line.starts_with("x-amz-security-token:") => {
                    "x-amz-security-token:[redacted]".to_owned()
                }
                _ => line.to_owned(),
            });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// The text that is signed: algorithm, time, scope and the hash of this request.
    pub(crate) fn string_to_sign(&self, date_time: &str, scope: &Scope) -> String {
        let hash = hex::encode(digest::digest(&digest::SHA256, &self.0));
        format!("{ALGORITHM}\n{date_time}\n{scope}\n{hash}")
    }
}

/// Computes the signature of a string to sign, in lower-case hex.
pub(crate) fn signature(secret: &str, scope: &Scope, string_to_sign: &str) -> String {
    let mut key = format!("AWS4{secret}").into_bytes();
    for part in [
        &scope.date,
        &scope.region,
        &scope.service,
        &scope.terminator,
    ] {
        key = sign(&key, part.as_bytes()).as_ref().to_vec();
    }
    hex::encode(sign(&key, string_to_sign.as_bytes()))
}

/// The SHA-256 digest of a body in lower-case hex.
pub(crate) fn payload_hash(body: &[u8]) -> String {
    hex::encode(digest::digest(&digest::SHA256, body))
}

fn sign(key: &[u8], text: &[u8]) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text)
}

fn canonical_path(path: &[u8], dialect: Dialect) -> String {
    let path = if path.is_empty() { b"/" } else { path };
    match dialect {
        // One encoding, whatever the client had encoded: decode, then encode.
        Dialect::S3 => {
            let decoded: Vec<u8> = percent_encoding::percent_decode(path).collect();
            percent_encode(&decoded, PATH).to_string()
        }
        // The wire's encoding is kept and encoded again.
        Dialect::Query | Dialect::Json | Dialect::Ec2 => {
            percent_encode(&without_dot_segments(path), PATH).to_string()
        }
    }
}

/// Removes `.` and `..` segments and empty ones, keeping a trailing slash.
fn without_dot_segments(path: &[u8]) -> Vec<u8> {
    let mut kept: Vec<&[u8]> = Vec::new();
    for segment in path.split(|byte| *byte == b'/') {
        match segment {
            b"" | b"." => {}
            b".." => {
                kept.pop();
            }
            segment => kept.push(segment),
        }
    }
    let mut normal = vec![b'/'];
    normal.extend(kept.join(&b'/'));
    let directory = [&b"/"[..], b"/.", b"/.."]
        .iter()
        .any(|end| path.ends_with(end));
    if directory && normal.len() > 1 {
        normal.push(b'/');
    }
    normal
}

fn canonical_query(query: &[u8]) -> String {
    let mut pairs: Vec<(String, String)> = query
        .split(|byte| *byte == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            (
                canonical_query_part(halves.next()),
                canonical_query_part(halves.next()),
            )
        })
        // A signature cannot cover itself.
        .filter(|(name, _)| name != SIGNATURE_PARAMETER)
        .collect();
    pairs.sort();
    let mut text = String::new();
    for (name, value) in pairs {
        let separator = if text.is_empty() { "" } else { "&" };
        let _ = write!(text, "{separator}{name}={value}");
    }
    text
}

/// Some clients write a blank as `+` and sign it as `%20` (aws-sdk-go-v2 `signer/v4`).
fn canonical_query_part(part: Option<&[u8]>) -> String {
    let blanks: Vec<u8> = part
        .unwrap_or_default()
        .iter()
        .map(|byte| if *byte == b'+' { b' ' } else { *byte })
        .collect();
    let decoded: Vec<u8> = percent_encoding::percent_decode(&blanks).collect();
    percent_encode(&decoded, UNRESERVED).to_string()
}

fn redact_query(query: &str) -> String {
    let pair = |pair: &str| match pair.split_once('=') {
        Some(("X-Amz-Security-Token", _)) => "X-Amz-Security-Token=[redacted]".to_owned(),
        _ => pair.to_owned(),
    };
    query.split('&').map(pair).collect::<Vec<_>>().join("&")
}

fn push_trimmed(text: &mut Vec<u8>, value: &[u8]) {
    let words = value
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty());
    for (index, word) in words.enumerate() {
        if index > 0 {
            text.push(b' ');
        }
        text.extend_from_slice(word);
    }
}

/// Decodes a path or query part once, as a client encoded it; bytes that are not UTF-8 become U+FFFD.
pub(crate) fn decode_once(part: &str) -> String {
    percent_decode_str(part).decode_utf8_lossy().into_owned()
}

/// The place of the canonical query among the lines, from 0.
const QUERY_LINE: usize = 2;

/// The only algorithm of Signature Version 4 with secret keys.
pub(crate) const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// RFC 3986's unreserved characters stay as they are.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
const PATH: &AsciiSet = &UNRESERVED.remove(b'/');
