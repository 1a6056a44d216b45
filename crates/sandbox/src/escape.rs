//! Character data in XML, the same for every protocol that writes it.

/// Appends text as character data; characters that XML 1.0 cannot carry, not even as references, become U+FFFD.
pub(crate) fn push_escaped(text: &mut String, value: &str) {
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
