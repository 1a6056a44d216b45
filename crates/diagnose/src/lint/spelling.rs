//! Words that were probably meant as others.

use crate::nearness::distance;

/// The candidate that is nearest to a word when case and separators do not count, if at most two letters differ.
pub(super) fn nearest<'c>(word: &str, candidates: &[&'c str]) -> Option<&'c str> {
    if word.len() > MAX_WORD {
        return None;
    }
    let word = letters(word);
    candidates
        .iter()
        .map(|candidate| (distance(&word, &letters(candidate)), *candidate))
        .filter(|(distance, candidate)| *distance <= MAX_DISTANCE && distance * 3 < candidate.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The letters and digits of a word, in lower case.
pub(super) fn letters(word: &str) -> String {
    let letters = word.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

const MAX_DISTANCE: usize = 2;

/// Longer texts are no misspelt names; the bound keeps the comparison cheap.
const MAX_WORD: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_near_words_only() {
        let candidates = ["role-arn", "audience", "token-expiration"];
        for (word, expected) in [
            ("rolearn", Some("role-arn")),
            ("role_arn", Some("role-arn")),
            ("roleArn", Some("role-arn")),
            ("audiences", Some("audience")),
            ("region", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, &candidates), expected, "{word}");
        }
    }
}
