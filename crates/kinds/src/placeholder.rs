//! What stands in documents for a value that the reader has to fill in.

/// The first word in angle brackets of a one-line text, such as `<ACCOUNT_ID>`, with its brackets.
pub fn placeholder(text: &str) -> Option<&str> {
    let start = text.find('<')?;
    let end = start + text[start..].find('>')?;
    let words = &text[start + 1..end];
    let is_name = words.starts_with(|c: char| c.is_ascii_alphabetic())
        && words
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || " -_.".contains(c));
    (is_name && text.lines().count() == 1).then_some(&text[start..=end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_placeholders() {
        for (text, expected) in [
            ("<target-namespace>", Some("<target-namespace>")),
            ("<target-namespace> (1)", Some("<target-namespace>")),
            ("arn:aws:iam::<account id>:role/a", Some("<account id>")),
            ("a < b > c", None),
            ("<https://example.org>", None),
        ] {
            assert_eq!(placeholder(text), expected, "{text}");
        }
    }
}
