//! Binary values, written in base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Reads a value, with padding, of the standard alphabet.
pub(super) fn read(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_padded_base64_only() {
        for (text, expected) in [
            ("", Some(&b""[..])),
            ("aGk=", Some(b"hi")),
            ("aGk", None),
            ("a-_=", None),
            ("hello world", None),
        ] {
            assert_eq!(read(text).as_deref(), expected, "{text}");
        }
    }
}
