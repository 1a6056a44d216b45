//! Character data in XML, the same for every protocol that writes it.

/// Appends text as character data; characters that XML 1.0 cannot carry, not even as references, become U+FFFD.
pub(crate) fn push_escaped(text: &mut String, value: &str) {
    // Nearly every text is plain, and then it is appended whole.
    if is_all_plain(value.as_bytes()) {
        text.push_str(value);
        return;
    }
    for character in value.chars() {
        match character {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '"' => text.push_str("&quot;"),
            // A parser would turn a bare carriage return into a line feed.
            '\r' => text.push_str("&#xd;"),
            '\t' | '\n' => text.push(character),
            '\0'..'\u{20}' | '\u{fffe}' | '\u{ffff}' => text.push('\u{fffd}'),
            _ => text.push(character),
        }
    }
}

/// Looks at several bytes at a time: base64 is long, and always plain.
fn is_all_plain(bytes: &[u8]) -> bool {
    bytes.chunks(32).all(|chunk| {
        let plain = chunk.iter().map(|byte| is_plain(*byte));
        plain.fold(true, |all, plain| all & plain)
    })
}

/// Whether a byte stands for itself; those of other characters than ASCII's are looked at one character at a time.
const fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && !matches!(byte, b'&' | b'<' | b'>' | b'"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_leaves_the_document_well_formed() {
        for (value, expected) in [
            (
                "</A><B a=\"'\">&",
                "&lt;/A&gt;&lt;B a=&quot;'&quot;&gt;&amp;",
            ),
            ("a\t\n\r", "a\t\n&#xd;"),
            (
                "\0\u{1}\u{1f}\u{fffe}\u{ffff}",
                "\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}",
            ),
            ("\u{7f}\u{85}é😀", "\u{7f}\u{85}é😀"),
        ] {
            let mut text = String::new();
            push_escaped(&mut text, value);
            assert_eq!(text, expected, "{value:?}");
        }
    }
}
