//! A PEM reader that says what is wrong and where.
//!
//! The usual readers skip a block that they cannot finish. A bundle of two keys whose second one lost its last line
//! would then be published with one key, and half of the tokens of a rotation would be refused.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// One block of a PEM text.
pub(crate) struct Block {
    /// The label, such as `PUBLIC KEY`.
    pub(crate) label: String,
    /// The decoded body. It may be a private key, so it is wiped when dropped.
    pub(crate) body: Zeroizing<Vec<u8>>,
    /// Whether RFC 1421 headers say that the body is encrypted.
    pub(crate) encrypted: bool,
    /// The line of `-----BEGIN`, from 1.
    pub(crate) line: usize,
}

/// Why a text is not PEM.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PemError {
    /// A block has no end.
    #[error("no `-----END {label}-----` closes the block that begins on line {line}")]
    Unclosed {
        /// The label of the block.
        label: String,
        /// The line of its beginning, from 1.
        line: usize,
    },
    /// A block ends under another label.
    #[error(
        "line {line} has `-----END {found}-----` where `-----END {expected}-----` was expected"
    )]
    LabelsDiffer {
        /// The label at the beginning of the block.
        expected: String,
        /// The label at its end.
        found: String,
        /// The line of the end, from 1.
        line: usize,
    },
    /// The line breaks of a block are lost, which happens to keys that went through an environment variable.
    ///
    /// The error quotes nothing of the line, since the key is in it.
    #[error(
        "line {line} does not end after `-----{boundary} …-----`: the line breaks of the PEM text are lost"
    )]
    LineBreaksLost {
        /// `BEGIN` or `END`.
        boundary: &'static str,
        /// The line, from 1.
        line: usize,
    },
    /// A block's body cannot be decoded.
    #[error("the body of the `{label}` block that begins on line {line} is not base64")]
    NotBase64 {
        /// The label of the block.
        label: String,
        /// The line of its beginning, from 1.
        line: usize,
    },
}

/// Reads all blocks of the text; anything outside of blocks is ignored, as RFC 7468 allows.
pub(crate) fn read(text: &str) -> Result<Vec<Block>, PemError> {
    let mut blocks = Vec::new();
    let mut open: Option<Open> = None;
    for (index, raw) in text.lines().enumerate() {
        let line = index + 1;
        let content = raw.trim();
        if let Some(label) = boundary(content, "BEGIN", line)? {
            if let Some(Open { label, line, .. }) = open {
                return Err(PemError::Unclosed { label, line });
            }
            open = Some(Open {
                label: label.to_owned(),
                line,
                encrypted: false,
                base64: Zeroizing::new(String::new()),
            });
        } else if let Some(found) = boundary(content, "END", line)? {
            let Some(block) = open.take() else { continue };
            blocks.push(block.close(found, line)?);
        } else if let Some(block) = &mut open {
            // RFC 1421 headers (`Proc-Type: 4,ENCRYPTED`) stand before the body; the label tells what it is.
            if content.contains(':') {
                block.encrypted |= content.ends_with("ENCRYPTED");
            } else {
                block.base64.push_str(content);
            }
        }
    }
    match open {
        Some(Open { label, line, .. }) => Err(PemError::Unclosed { label, line }),
        None => Ok(blocks),
    }
}

/// Prints one block with lines of 64 characters and a newline at the end, as Go's `encoding/pem` does.
pub(crate) fn write(label: &str, body: &[u8]) -> Zeroizing<String> {
    let encoded = Zeroizing::new(STANDARD.encode(body));
    let lines = encoded.len().div_ceil(LINE_LENGTH);
    let mut pem = Zeroizing::new(String::with_capacity(
        encoded.len() + lines + 2 * (label.len() + 18),
    ));
    pem.push_str("-----BEGIN ");
    pem.push_str(label);
    pem.push_str("-----\n");
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(LINE_LENGTH));
        pem.push_str(line);
        pem.push('\n');
        rest = after;
    }
    pem.push_str("-----END ");
    pem.push_str(label);
    pem.push_str("-----\n");
    pem
}

struct Open {
    label: String,
    line: usize,
    encrypted: bool,
    base64: Zeroizing<String>,
}

impl Open {
    fn close(self, found: &str, line: usize) -> Result<Block, PemError> {
        if found != self.label {
            return Err(PemError::LabelsDiffer {
                expected: self.label,
                found: found.to_owned(),
                line,
            });
        }
        match STANDARD.decode(self.base64.as_bytes()) {
            Ok(body) => Ok(Block {
                label: self.label,
                body: Zeroizing::new(body),
                encrypted: self.encrypted,
                line: self.line,
            }),
            Err(_) => Err(PemError::NotBase64 {
                label: self.label,
                line: self.line,
            }),
        }
    }
}

/// Returns the label if the content of a line is a boundary.
fn boundary<'a>(
    content: &'a str,
    boundary: &'static str,
    line: usize,
) -> Result<Option<&'a str>, PemError> {
    let rest = content
        .strip_prefix(DASHES)
        .and_then(|rest| rest.strip_prefix(boundary))
        .and_then(|rest| rest.strip_prefix(' '));
    match rest.map(|rest| rest.split_once(DASHES)) {
        None => Ok(None),
        Some(Some((label, ""))) => Ok(Some(label)),
        // What follows is, or may be, the body: it must not pass for a part of the label.
        Some(_) => Err(PemError::LineBreaksLost { boundary, line }),
    }
}

const DASHES: &str = "-----";
const LINE_LENGTH: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        let body = [7_u8; 100];
        let text = write("PUBLIC KEY", &body);
        assert!(text.lines().all(|line| line.len() <= 64));
        let blocks = read(&text).unwrap();
        assert_eq!(blocks.len(), 1);
        assert_eq!(blocks[0].label, "PUBLIC KEY");
        assert_eq!(blocks[0].body.as_slice(), body);
    }

    #[test]
    fn ignores_text_around_blocks_and_carriage_returns() {
        let blocks =
            read("hello\r\n-----BEGIN X-----\r\n  Zm9v\r\n-----END X-----\r\nbye\r\n").unwrap();
        assert_eq!(blocks[0].body.as_slice(), b"foo");
        assert_eq!(blocks[0].line, 2);
    }

    #[test]
    fn a_block_without_line_breaks_is_refused_without_quoting_it() {
        for (name, text, boundary, line) in [
            (
                "on one line",
                "-----BEGIN PRIVATE KEY----- c2VjcmV0 -----END PRIVATE KEY-----",
                "BEGIN",
                1,
            ),
            (
                "escaped line breaks",
                r"-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n",
                "BEGIN",
                1,
            ),
            (
                "two blocks run together",
                "-----BEGIN A-----\nZm9v\n-----END A----------BEGIN B-----\nc2VjcmV0\n-----END B-----\n",
                "END",
                3,
            ),
        ] {
            let error = read(text).err().unwrap();
            assert_eq!(error, PemError::LineBreaksLost { boundary, line }, "{name}");
            assert!(
                !format!("{error} {error:?}").contains("c2VjcmV0"),
                "{name}: {error}"
            );
        }
    }

    #[test]
    fn names_the_line_of_what_is_wrong() {
        let cases = [
            (
                "unclosed at the end",
                "-----BEGIN A-----\nZm9v\n-----END A-----\n-----BEGIN B-----\nZm9v\n",
                PemError::Unclosed {
                    label: "B".into(),
                    line: 4,
                },
            ),
            (
                "unclosed before the next",
                "-----BEGIN A-----\nZm9v\n-----BEGIN B-----\nZm9v\n-----END B-----\n",
                PemError::Unclosed {
                    label: "A".into(),
                    line: 1,
                },
            ),
            (
                "labels differ",
                "-----BEGIN A-----\nZm9v\n-----END B-----\n",
                PemError::LabelsDiffer {
                    expected: "A".into(),
                    found: "B".into(),
                    line: 3,
                },
            ),
            (
                "garbage",
                "\n-----BEGIN A-----\n%%%%\n-----END A-----\n",
                PemError::NotBase64 {
                    label: "A".into(),
                    line: 2,
                },
            ),
        ];
        for (name, text, expected) in cases {
            assert_eq!(read(text).err(), Some(expected), "{name}");
        }
    }
}
