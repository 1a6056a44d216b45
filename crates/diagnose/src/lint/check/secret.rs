//! Secrets that hold an AWS config file, and whether their data can be read at all.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use podpass_kinds::Reason;
use podpass_kinds::yaml::Node;

use super::super::collector::Collector;
use super::super::draft::Draft;
use super::{Document, Syntax, Text, members, profile};

pub(super) fn check(document: &Document<'_>, out: &mut Collector<'_>) {
    let of = |name: &str| document.root.get(name).map(members).unwrap_or_default();
    for member in of("stringData") {
        let Some(content) = member
            .value
            .as_str()
            .filter(|content| holds_profiles(content))
        else {
            continue;
        };
        let text = document.text.filter(|_| document.syntax == Syntax::Yaml);
        match text.and_then(|text| block_place(&member.value, text)) {
            Some(place) => profile::check(content, &place, out),
            None => embedded(content, &member.value, "stringData", &member.key, out),
        }
    }
    for member in of("data") {
        let Some(encoded) = member.value.as_str() else {
            continue;
        };
        let letters: String = encoded.chars().filter(|c| !c.is_whitespace()).collect();
        match STANDARD.decode(letters.as_bytes()) {
            Err(_) => {
                // The value may be a secret: it is not repeated.
                let message = format!("the value of `data.{}` is not base64", member.key);
                let draft = Draft::error(Reason::FileFieldInvalid, member.value.position, message);
                out.report(draft.fix("encode the value, or move it to `stringData`"));
            }
            Ok(bytes) => {
                if let Some(content) = String::from_utf8(bytes)
                    .ok()
                    .filter(|content| holds_profiles(content))
                {
                    embedded(&content, &member.value, "data", &member.key, out);
                }
            }
        }
    }
}

fn holds_profiles(content: &str) -> bool {
    let mut lines = content.lines().map(str::trim);
    lines
        .find(|line| !line.is_empty() && !line.starts_with(['#', ';']))
        .is_some_and(profile::is_section)
}

fn embedded(content: &str, node: &Node, parent: &str, key: &str, out: &mut Collector<'_>) {
    out.embedded(node.position, &format!("in `{parent}.{key}`"), |out| {
        profile::check(content, &profile::Place::File, out);
    });
}

/// Where the lines of a literal block scalar stand in the file: such a node starts with its first line's content.
fn block_place(node: &Node, text: Text<'_>) -> Option<profile::Place> {
    let line = node.position.line.checked_sub(text.first_line + 1)?;
    let header = usize::try_from(line).ok()?.checked_sub(1)?;
    let header = text.text.lines().nth(header)?;
    let header = header.split(" #").next().unwrap_or_default().trim_end();
    let header = header.trim_end_matches(|c: char| c.is_ascii_digit() || "+-".contains(c));
    header
        .ends_with('|')
        .then_some(profile::Place::Block(node.position))
}
