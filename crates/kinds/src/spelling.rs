//! Words that were probably meant as others.

/// Returns the candidate that is nearest to a word when case and separators do not count, if at most two letters differ.
pub fn nearest<'c>(word: &str, candidates: &[&'c str]) -> Option<&'c str> {
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

/// Returns the letters and digits of a word, in lower case.
pub fn letters(word: &str) -> String {
    let letters = word.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

/// Counts the characters to insert, delete or replace to get from one text to the other (Levenshtein's distance).
///
/// Texts longer than what names and URLs are count as entirely different, which keeps the work small.
pub fn distance(one: &str, other: &str) -> usize {
    let one: Vec<char> = one.chars().collect();
    let other: Vec<char> = other.chars().collect();
    if one.len().max(other.len()) > MAX_LENGTH {
        return if one == other {
            0
        } else {
            one.len().max(other.len())
        };
    }
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, left) in one.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, right) in other.iter().enumerate() {
            let substituted = diagonal + usize::from(left != right);
            diagonal = row[column + 1];
            row[column + 1] = substituted.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[other.len()]
}

const MAX_DISTANCE: usize = 2;

/// Longer texts are no misspelt names; the bound keeps the comparison cheap.
const MAX_WORD: usize = 64;

const MAX_LENGTH: usize = 1024;

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

    #[test]
    fn counts_edits() {
        for (one, other, expected) in [
            ("", "", 0),
            ("", "ab", 2),
            ("kitten", "sitting", 3),
            ("sts.amazon.com", "sts.amazonaws.com", 3),
            ("größe", "grösse", 2),
        ] {
            assert_eq!(distance(one, other), expected, "{one} {other}");
            assert_eq!(distance(other, one), expected, "{other} {one}");
        }
    }
}
