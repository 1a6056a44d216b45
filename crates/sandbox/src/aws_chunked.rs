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
    /// The chunk before this one, which is not the last, is too small.
    Small(SmallChunk),
    Trailer,
}

/// A chunk below the least size that only the last one may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SmallChunk {
    /// The number, from 1, of the chunk that made it not the last.
    pub(crate) next: usize,
    /// Its size in bytes.
    pub(crate) size: usize,
}

impl SmallChunk {
    pub(crate) const CODE: &str = "InvalidChunkSizeError";
    pub(crate) const MESSAGE: &str =
        "Only the last chunk is allowed to have a size less than 8192 bytes";

    /// The elements of the error document.
    pub(crate) fn details(self) -> [(&'static str, String); 2] {
        [
            ("Chunk", self.next.to_string()),
            ("BadChunkSize", self.size.to_string()),
        ]
    }
}

/// Bytes, of every chunk but the last: "The chunk size must be at least 8 KB" (S3 API Reference, "Chunked Upload").
/// It also bounds how many chunks a body is taken apart into.
const MIN_CHUNK: usize = 8192;
/// Sizes, signatures and trailer fields are short; this only bounds the search for a line's end.
const MAX_LINE: usize = 4096;
const TRAILER_SIGNATURE: &str = "x-amz-trailer-signature";

impl Chunked {
    /// Takes `SIZE[;chunk-signature=HEX] CRLF DATA CRLF … 0[;…] CRLF trailer CRLF` apart.
    pub(crate) fn read(body: &Bytes) -> Result<Self, Malformed> {
        let mut rest = body.clone();
        let mut chunks: Vec<Chunk> = Vec::new();
        loop {
            let chunk = take_chunk(&mut rest).ok_or(Malformed::Chunk)?;
            let is_last = chunk.data.is_empty();
            if let Some(previous) = chunks.last()
                && previous.data.len() < MIN_CHUNK
                && !is_last
            {
                return Err(Malformed::Small(SmallChunk {
                    next: chunks.len() + 1,
                    size: previous.data.len(),
                }));
            }
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
    // A number may have a sign, a size has none.
    let is_hex = size.bytes().all(|byte| byte.is_ascii_hexdigit());
    let size = usize::from_str_radix(size, 16).ok().filter(|_| is_hex)?;
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
