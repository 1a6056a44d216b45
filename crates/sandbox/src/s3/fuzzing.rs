//! What the fuzz target of request documents does.
#![expect(clippy::panic, reason = "a broken promise ends a fuzz target")]

use super::xml::{Element, Writer};

/// Reads a document as each root that a request has: what is accepted is within the bounds, and reads alike when it is
/// written again.
pub fn document(data: &[u8]) {
    let mut accepted = 0;
    for root in ROOTS {
        let Ok(read) = Element::read(data, root) else {
            continue;
        };
        accepted += 1;
        let (depth, count) = size(&read);
        assert!(depth <= 8, "{depth} deep");
        // The shortest element is `<a/>`.
        assert!(4 * count <= data.len() && count <= 80_000, "{count}");
        let mut writer = Writer::document();
        write(&mut writer, &read);
        let written = writer.finish();
        let again = Element::read(written.as_bytes(), root);
        let again = again.unwrap_or_else(|error| panic!("{error} in what was written: {written}"));
        same(&read, &again);
    }
    assert!(accepted <= 1, "a document of two kinds");
}

fn size(element: &Element) -> (usize, usize) {
    let children = element.children().iter().map(size);
    let (depth, count) = children.fold((0, 0), |(depth, count), (its_depth, its_count)| {
        (its_depth.max(depth), its_count + count)
    });
    (depth + 1, count + 1)
}

fn write(writer: &mut Writer, element: &Element) {
    writer.element(element.name(), |writer| {
        writer.content(element.text());
        element
            .children()
            .iter()
            .for_each(|child| write(writer, child));
    });
}

fn same(read: &Element, again: &Element) {
    assert_eq!(again.name(), read.name());
    assert_eq!(again.text(), carried(read.text()));
    assert_eq!(again.children().len(), read.children().len());
    let _ = (read.boolean(), read.allow(&["Key"]), read.required("Key"));
    let both = read.children().iter().zip(again.children());
    both.for_each(|(read, again)| same(read, again));
}

/// The text as XML 1.0 can carry it.
fn carried(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '\t' | '\n' | '\r' => character,
            '\0'..'\u{20}' | '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
            _ => character,
        })
        .collect()
}

/// The documents that requests carry.
const ROOTS: [&str; 6] = [
    "CompleteMultipartUpload",
    "CreateBucketConfiguration",
    "Delete",
    "OwnershipControls",
    "PublicAccessBlockConfiguration",
    "Tagging",
];
