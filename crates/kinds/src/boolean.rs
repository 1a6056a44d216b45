//! Booleans in text, as Go programs read them.

/// Reads a boolean in the spellings of Go's `strconv.ParseBool`; `None` for any other text.
pub fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_spellings_are_none() {
        for text in ["", "yes", "on", "tRUE", " true", "true\n", "maybe", "2"] {
            assert_eq!(parse_bool(text), None, "{text:?}");
        }
        assert_eq!(parse_bool("T"), Some(true));
        assert_eq!(parse_bool("False"), Some(false));
    }
}
