//! The framing `aws-chunked`: chunks with their sizes, perhaps a signature each, and a trailer. It is read here once
//! for who verifies the signatures and for who stores the object.

use bytes::{Buf as _, Bytes};

/// A body taken apart; nothing is verified.
#[derive(Debug)]
pub(crate) struct Chunked {
    /// All of them, with the empty one that ends them.
    pub(crate) chunks: Vec<Chunk>,
    /// The fields after the last chunk, with their names in lower case; the trailer's signature is not among them.
    pub(crate) trailer: Vec<(String, String)>,
    pub(crate) trailer_signature: Option<String>,
}

/// A piece of the object.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub(crate) data: Bytes,
    pub(crate) signature: Option<String>,
}

/// Which part is not what the framing says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Malformed {
    Chunk,
    Trailer,
}

/// Sizes, signatures and trailer fields are short; this only bounds the search for a line's end.
const MAX_LINE: usize = 4096;
const TRAILER_SIGNATURE: &str = "x-amz-trailer-signature";

impl Chunked {
    /// Takes `SIZE[;chunk-signature=HEX] CRLF DATA CRLF … 0[;…] CRLF trailer CRLF` apart.
    pub(crate) fn read(body: &Bytes) -> Result<Self, Malformed> {
        let mut rest = body.clone();
        let mut chunks = Vec::new();
        loop {
            let chunk = take_chunk(&mut rest).ok_or(Malformed::Chunk)?;
            let is_last = chunk.data.is_empty();
            chunks.push(chunk);
            if is_last {
                break;
            }
        }
        let mut trailer = Vec::new();
        let mut trailer_signature = None;
        while !rest.is_empty() {
            let line = take_line(&mut rest).ok_or(Malformed::Trailer)?;
            if line.is_empty() {
                continue;
            }
            let (name, value) = line.split_once(':').ok_or(Malformed::Trailer)?;
            let (name, value) = (name.trim().to_ascii_lowercase(), value.trim().to_owned());
            if name == TRAILER_SIGNATURE {
                trailer_signature = Some(value);
            } else {
                trailer.push((name, value));
            }
        }
        Ok(Self {
            chunks,
            trailer,
            trailer_signature,
        })
    }
}

fn take_chunk(rest: &mut Bytes) -> Option<Chunk> {
    let line = take_line(rest)?;
    let (size, extension) = line.split_once(';').unwrap_or((&line, ""));
    let size = usize::from_str_radix(size, 16).ok()?;
    let signature = extension.strip_prefix("chunk-signature=");
    if rest.len() < size {
        return None;
    }
    let data = rest.split_to(size);
    // After the last one, which is empty, the trailer follows at once.
    if size > 0 {
        if !rest.starts_with(b"\r\n") {
            return None;
        }
        rest.advance(2);
    }
    Some(Chunk {
        data,
        signature: signature.map(str::to_owned),
    })
}

/// Takes a line that ends in CRLF (a trailer's may end in LF alone), without its end.
fn take_line(rest: &mut Bytes) -> Option<String> {
    let end = rest.iter().take(MAX_LINE).position(|byte| *byte == b'\n')?;
    let line = rest.split_to(end + 1);
    let text = std::str::from_utf8(&line).ok()?;
    Some(text.trim_end_matches(['\r', '\n']).to_owned())
}
