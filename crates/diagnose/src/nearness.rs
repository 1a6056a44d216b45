//! Where two texts part.

/// Returns the place, in characters from 1, of the first character in which two texts differ; `None` if they are equal.
pub(crate) fn first_difference(one: &str, other: &str) -> Option<usize> {
    let same = one
        .chars()
        .zip(other.chars())
        .take_while(|(left, right)| left == right)
        .count();
    (one != other).then_some(same + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_first_character_that_differs() {
        assert_eq!(first_difference("abc", "abd"), Some(3));
        assert_eq!(first_difference("ab", "abc"), Some(3));
        assert_eq!(first_difference("ä", "ä"), None);
    }
}
