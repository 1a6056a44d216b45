//! The region that an annotation names.

use podpass_kinds::Reason;

use crate::Note;

/// Reads the annotation: `None`, with a note, for what cannot be a region.
///
/// SDKs make host names of it, to which they send the pod's token and signatures, so nothing else may get through.
pub(crate) fn parse<'a>(
    text: &'a str,
    pointer: impl FnOnce() -> String,
    notes: &mut Vec<Note>,
) -> Option<&'a str> {
    if is_region(text) {
        return Some(text);
    }
    let message = format!("`{text}` is not the name of a region and is ignored");
    notes.push(Note::new(Reason::RegionInvalid, pointer(), message));
    None
}

/// Letters, further words of letters, and a number, as all regions of `partitions.json` are called.
fn is_region(text: &str) -> bool {
    let is_word = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase());
    let Some((words, number)) = text.rsplit_once('-') else {
        return false;
    };
    let Some((area, places)) = words.split_once('-') else {
        return false;
    };
    text.len() <= MAX_LABEL
        && area.len() >= 2
        && is_word(area)
        && places.split('-').all(is_word)
        && !number.is_empty()
        && number.bytes().all(|b| b.is_ascii_digit())
}

/// The longest part of a host name (RFC 1035).
const MAX_LABEL: usize = 63;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_of_every_partition_are_regions() {
        // From the AWS SDKs' `partitions.json`.
        for region in [
            "eu-west-1",
            "ap-southeast-7",
            "mx-central-1",
            "cn-northwest-1",
            "us-gov-east-1",
            "us-iso-west-1",
            "us-isob-east-1",
            "eu-isoe-west-1",
            "us-isof-south-1",
            "eusc-de-east-1",
        ] {
            assert!(is_region(region), "{region}");
        }
    }

    #[test]
    fn what_cannot_be_a_region_is_noted() {
        let long = format!("eu-{}-1", "a".repeat(60));
        for text in [
            "",
            "eu",
            "eu-1",
            "eu-west",
            "eu-west-",
            "eu-west-1a",
            "EU-WEST-1",
            "eu_west_1",
            " eu-west-1",
            "eu-west-1\n",
            "eu--west-1",
            "e-west-1",
            "-west-1",
            "eu-w2st-1",
            "eu-west-1.example.com/",
            "eu-west-١",
            &long,
        ] {
            let mut notes = Vec::new();
            assert_eq!(parse(text, || "/p".to_owned(), &mut notes), None, "{text}");
            assert_eq!(notes[0].reason, Reason::RegionInvalid);
            assert_eq!(notes[0].pointer, "/p");
            assert!(notes[0].message.contains(&format!("`{text}`")));
        }
    }
}
