//! The pod's list of containers to leave alone.

use std::iter::Peekable;
use std::str::Chars;

/// Reads the `skip-containers` annotation: the first record of a CSV text (RFC 4180, as Go's `encoding/csv` reads it).
///
/// Empty lines before the record are skipped and everything after it is ignored. Names may stand in double quotes.
/// Blanks around a name do not count; the peer keeps them, but no container's name can contain them. `None` when a quote
/// is out of place, which skips nothing, as in the peer.
pub(crate) fn parse(annotation: &str) -> Option<Vec<String>> {
    let text = annotation.replace("\r\n", "\n");
    // Go also drops a carriage return at the very end.
    let text = text
        .strip_suffix('\r')
        .unwrap_or(&text)
        .trim_start_matches('\n');
    let mut chars = text.chars().peekable();
    let mut names = Vec::new();
    loop {
        while chars.next_if(|c| is_blank(*c)).is_some() {}
        let name = if chars.next_if_eq(&'"').is_some() {
            quoted_field(&mut chars)?
        } else {
            plain_field(&mut chars)?
        };
        names.push(name.trim().to_owned());
        match chars.next() {
            Some(',') => {}
            _ => break,
        }
    }
    names.retain(|name| !name.is_empty());
    Some(names)
}

fn plain_field(chars: &mut Peekable<Chars<'_>>) -> Option<String> {
    let mut field = String::new();
    while let Some(c) = chars.next_if(|c| !matches!(c, ',' | '\n')) {
        if c == '"' {
            return None;
        }
        field.push(c);
    }
    Some(field)
}

/// Reads the rest of a quoted field, up to the comma or the end of the line; a doubled quote stands for one.
fn quoted_field(chars: &mut Peekable<Chars<'_>>) -> Option<String> {
    let mut field = String::new();
    loop {
        match chars.next()? {
            '"' if chars.next_if_eq(&'"').is_some() => field.push('"'),
            '"' => break,
            c => field.push(c),
        }
    }
    while chars.next_if(|c| is_blank(*c)).is_some() {}
    matches!(chars.peek(), None | Some(',' | '\n')).then_some(field)
}

fn is_blank(c: char) -> bool {
    c != '\n' && c.is_whitespace()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skips_c(annotation: &str) -> bool {
        parse(annotation).is_some_and(|names| names.iter().any(|name| name == "c"))
    }

    #[test]
    fn skips_what_the_peer_skips() {
        for annotation in [
            "c",
            "a,c",
            "\"c\"",
            "c,",
            ",c",
            "a,\"c\"",
            "c\r\n",
            "\n\nc,d\ne",
        ] {
            assert!(skips_c(annotation), "{annotation:?}");
        }
    }

    #[test]
    fn blanks_around_names_do_not_count() {
        for annotation in [" c", "c ", "a, c", "a,\tc", "a, \"c\"", "\"c\" ,a", " c\n"] {
            assert!(skips_c(annotation), "{annotation:?}");
        }
    }

    #[test]
    fn keeps_what_the_peer_keeps() {
        for annotation in [
            "\"c",
            "a\"b,c",
            "",
            "a\nc",
            "#c",
            "*",
            "\"a\"b,c",
            "\"c\"\"\"",
            "\n",
            ",",
            "C",
        ] {
            assert!(!skips_c(annotation), "{annotation:?}");
        }
    }

    #[test]
    fn quote_out_of_place_is_an_error() {
        for annotation in ["\"c", "a\"b,c", "\"a\"b,c", "a,\""] {
            assert_eq!(parse(annotation), None, "{annotation:?}");
        }
    }
}
