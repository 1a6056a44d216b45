//! What the fuzz target of bodies in chunks does.

use std::cell::Cell;

use bytes::Bytes;

use super::DATE;
use crate::aws_chunked::Chunked;
use crate::sigv4::chain::Chain;
use crate::sigv4::{Scope, SignatureError, canonical};

/// Takes a framed body apart, then frames the input itself: what was framed is what comes out, and of a signed body no
/// byte can be changed.
pub fn aws_chunked(data: &[u8]) {
    let body = Bytes::copy_from_slice(data);
    if let Ok(read) = Chunked::read(&body) {
        let content: usize = read.chunks.iter().map(|chunk| chunk.data.len()).sum();
        assert!(
            content < data.len(),
            "{content} bytes out of {}",
            data.len()
        );
        let (last, others) = read.chunks.split_last().expect("there is a last chunk");
        assert!(last.data.is_empty() && others.iter().all(|chunk| !chunk.data.is_empty()));
        let again = Chunked::read(&frame(&read)).expect("what was framed can be read");
        assert_eq!(format!("{again:?}"), format!("{read:?}"));
    }
    for signed in [false, true] {
        frame_and_read(&body, signed);
    }
}

/// The framing of a body that was taken apart.
fn frame(chunked: &Chunked) -> Bytes {
    let mut text = Vec::new();
    for chunk in &chunked.chunks {
        let size = format!("{:x}", chunk.data.len());
        text.extend(match &chunk.signature {
            Some(hex) => format!("{size};chunk-signature={hex}\r\n").into_bytes(),
            None => format!("{size}\r\n").into_bytes(),
        });
        text.extend_from_slice(&chunk.data);
        if !chunk.data.is_empty() {
            text.extend(b"\r\n");
        }
    }
    for (name, value) in &chunked.trailer {
        text.extend(format!("{name}:{value}\r\n").bytes());
    }
    if let Some(signature) = &chunked.trailer_signature {
        text.extend(format!("x-amz-trailer-signature:{signature}\r\n").bytes());
    }
    text.extend(b"\r\n");
    text.into()
}

/// Frames an object whole or in chunks of 8 KiB, with a trailer.
fn frame_and_read(object: &Bytes, signed: bool) {
    let scope = Scope {
        date: DATE[..8].to_owned(),
        region: "us-east-1".to_owned(),
        service: "s3".to_owned(),
        terminator: "aws4_request".to_owned(),
    };
    let previous = Cell::new("seed".to_owned());
    let next = |what: &str, hashes: &str| {
        let text = format!(
            "AWS4-HMAC-SHA256-{what}\n{DATE}\n{scope}\n{}\n{hashes}",
            previous.take()
        );
        let signature = canonical::payload_hash(text.as_bytes());
        previous.set(signature.clone());
        signature
    };
    let mut text = Vec::new();
    for chunk in object.chunks(8192).chain([&[][..]]) {
        let size = format!("{:x}", chunk.len());
        let line = if signed {
            let hashes = [&b""[..], chunk].map(canonical::payload_hash);
            let signature = next("PAYLOAD", &hashes.join("\n"));
            format!("{size};chunk-signature={signature}\r\n")
        } else {
            format!("{size}\r\n")
        };
        text.extend(line.bytes());
        text.extend_from_slice(chunk);
        if !chunk.is_empty() {
            text.extend(b"\r\n");
        }
    }
    text.extend(TRAILER.bytes().chain(*b"\r\n"));
    if signed {
        let hash = canonical::payload_hash(format!("{TRAILER}\n").as_bytes());
        let line = format!("x-amz-trailer-signature:{}\r\n", next("TRAILER", &hash));
        text.extend(line.bytes());
    }
    text.extend(b"\r\n");
    let read = Chunked::read(&text.clone().into()).expect("what was framed can be read");
    let content: Vec<u8> = read
        .chunks
        .iter()
        .flat_map(|chunk| chunk.data.clone())
        .collect();
    assert_eq!(content, object[..], "another object comes out");
    assert_eq!(
        read.trailer,
        [("x-amz-checksum-crc32".to_owned(), "AAAAAA==".to_owned())]
    );
    if !signed {
        return;
    }
    let check = |text: String, signature: &str| {
        if canonical::payload_hash(text.as_bytes()) == signature {
            Ok(())
        } else {
            Err(SignatureError::MalformedChunks)
        }
    };
    let verify =
        |text: Vec<u8>| Chain::after("seed", DATE, &scope).check(&text.into(), true, check);
    assert_eq!(verify(text.clone()), Ok(()));
    // The object's first byte stands behind the first line.
    if !object.is_empty() {
        let start = text.iter().position(|byte| *byte == b'\n').expect("a line") + 1;
        text[start] ^= 1;
        assert!(verify(text).is_err(), "a changed byte passes");
    }
}

const TRAILER: &str = "x-amz-checksum-crc32:AAAAAA==";
