//! Lists of containers: those to leave alone, and the only ones to inject into.

use std::iter::Peekable;
use std::str::Chars;

use podpass_kinds::Reason;
use podpass_kinds::annotations::{INCLUDE_CONTAINERS, SKIP_CONTAINERS};

use crate::Note;
use crate::annotated::Annotated;

/// Which containers get something.
#[derive(Debug)]
pub(crate) struct ContainerChoice {
    /// By the lists of pod and service account; the peer knows only the pod's.
    skipped: Vec<String>,
    /// The only ones; `None` where nobody lists any.
    included: Option<Included>,
}

#[derive(Debug)]
struct Included {
    names: Vec<String>,
    /// The place of the list, where it is the pod's own; empty for the service account's.
    pointer: String,
}

impl ContainerChoice {
    /// Reads the lists. A list that is none counts for nothing, with a note.
    pub(crate) fn of(account: &Annotated<'_>, pod: &Annotated<'_>, notes: &mut Vec<Note>) -> Self {
        let mut skipped = Vec::new();
        for annotated in [pod, account] {
            let Some(text) = annotated.skip_containers else {
                continue;
            };
            let place = || annotated.place_of(SKIP_CONTAINERS);
            if let Some(names) = parse(text) {
                check_blanks(&names, place, notes);
                skipped.extend(names);
            } else {
                let message = format!("no container is skipped: `{text}` has a quote out of place");
                notes.push(Note::new(Reason::SkipContainersInvalid, place(), message));
            }
        }
        let included = Included::of(pod, notes).or_else(|| Included::of(account, notes));
        Self { skipped, included }
    }

    /// Says why a container gets nothing; `None` when it is not left out.
    pub(crate) fn leaves_out(&self, container: &str) -> Option<String> {
        if self.skipped.iter().any(|skipped| skipped == container) {
            return Some(format!(
                "container `{container}` is listed in a `{SKIP_CONTAINERS}` annotation"
            ));
        }
        let included = self.included.as_ref()?;
        (!included.has(container)).then(|| {
            format!(
                "container `{container}` is not listed in the `{INCLUDE_CONTAINERS}` annotation"
            )
        })
    }

    /// Notes what the list of included containers names in vain.
    ///
    /// A list of containers to skip may name what another webhook adds later. So may a service account's list name
    /// containers of its other pods, as long as this one has any of them.
    pub(crate) fn check<'p>(
        &self,
        containers: &(impl Iterator<Item = &'p str> + Clone),
        notes: &mut Vec<Note>,
    ) {
        let Some(Included { names, pointer }) = &self.included else {
            return;
        };
        let unknown = names
            .iter()
            .filter(|name| !containers.clone().any(|container| container == *name));
        let of_pod = !pointer.is_empty();
        if !of_pod && unknown.clone().count() < names.len() {
            return;
        }
        for name in unknown.filter(|name| !has_blank(name)) {
            let message =
                format!("the pod has no container `{name}`, which `{INCLUDE_CONTAINERS}` lists");
            notes.push(Note::new(Reason::ContainerUnknown, pointer, message));
        }
    }
}

impl Included {
    fn of(annotated: &Annotated<'_>, notes: &mut Vec<Note>) -> Option<Self> {
        let text = annotated.include_containers?;
        let pointer = annotated.place_of(INCLUDE_CONTAINERS);
        let problem = match parse(text) {
            None => "has a quote out of place",
            Some(names) if names.is_empty() => "names no container",
            Some(names) => {
                check_blanks(&names, || pointer.clone(), notes);
                return Some(Self { names, pointer });
            }
        };
        let message = format!("no container is left out: `{text}` {problem}");
        notes.push(Note::new(
            Reason::IncludeContainersInvalid,
            pointer,
            message,
        ));
        None
    }

    fn has(&self, container: &str) -> bool {
        self.names.iter().any(|name| name == container)
    }
}

/// Notes names with blanks inside, which no container has: most likely several names without commas.
fn check_blanks(names: &[String], place: impl Fn() -> String, notes: &mut Vec<Note>) {
    for name in names.iter().filter(|name| has_blank(name)) {
        let message = format!(
            "`{name}` is no container's name: names are separated by commas, not by blanks"
        );
        notes.push(Note::new(Reason::ContainerUnknown, place(), message));
    }
}

fn has_blank(name: &str) -> bool {
    name.contains(char::is_whitespace)
}

/// Reads the first record of a CSV text (RFC 4180, as Go's `encoding/csv` reads it).
///
/// Empty lines before the record are skipped and everything after it is ignored. Names may stand in double quotes.
/// Blanks around a name do not count; the peer keeps them, but no container's name can contain them. `None` when a quote
/// is out of place.
fn parse(annotation: &str) -> Option<Vec<String>> {
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
