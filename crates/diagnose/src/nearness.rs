//! How near two texts are: to tell a slip from another value, and to show where they part.

/// Counts the characters to insert, delete or replace to get from one text to the other (Levenshtein's distance).
///
/// Texts longer than what names and URLs are count as entirely different, which keeps the work small.
pub(crate) fn distance(one: &str, other: &str) -> usize {
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

/// Returns the place, in characters from 1, of the first character in which two texts differ; `None` if they are equal.
pub(crate) fn first_difference(one: &str, other: &str) -> Option<usize> {
    let same = one
        .chars()
        .zip(other.chars())
        .take_while(|(left, right)| left == right)
        .count();
    (one != other).then_some(same + 1)
}

const MAX_LENGTH: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn finds_the_first_character_that_differs() {
        assert_eq!(first_difference("abc", "abd"), Some(3));
        assert_eq!(first_difference("ab", "abc"), Some(3));
        assert_eq!(first_difference("ä", "ä"), None);
    }
}
