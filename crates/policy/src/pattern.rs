//! Matching of `*` and `?` in linear time.
//!
//! A pattern is cut at its `*` into runs. The first run is anchored at the start of the text, the last at its end; each
//! run between them is looked for from the left, and the first place is taken for good, since a later one could only
//! leave less room for the runs that follow. Nothing is ever tried twice.

mod search;

use search::find;

/// Whether a text without variables, in which `*` and `?` are wildcards, covers another text.
pub(crate) fn covers_text(wildcards: &str, text: &str) -> bool {
    if wildcards.is_ascii() && text.is_ascii() {
        // Nothing to translate: the bytes are symbols and units at once.
        covers(wildcards.as_bytes(), text.as_bytes(), &mut 0)
    } else {
        Pattern::of_wildcards(wildcards).matches(text)
    }
}

/// A pattern whose variables have been replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pattern(Vec<Symbol>);

/// One symbol of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Symbol {
    /// A UTF-16 unit that must stand there. IAM counts in these units: `?` is one of them, so an emoji needs `??`.
    Unit(u16),
    /// `?`: any one unit.
    One,
    /// `*`: any number of units.
    Any,
}

impl Pattern {
    /// Reads a pattern in which `*` and `?` are wildcards and nothing else is special.
    pub(crate) fn of_wildcards(text: &str) -> Self {
        let mut pattern = Self::default();
        for c in text.chars() {
            match c {
                '*' => pattern.push(Symbol::Any),
                '?' => pattern.push(Symbol::One),
                plain => pattern.push_char(plain),
            }
        }
        pattern
    }

    pub(crate) fn push(&mut self, symbol: Symbol) {
        self.0.push(symbol);
    }

    pub(crate) fn push_char(&mut self, c: char) {
        self.0.extend(
            c.encode_utf16(&mut [0; 2])
                .iter()
                .map(|unit| Symbol::Unit(*unit)),
        );
    }

    /// Whether the pattern covers the whole text.
    ///
    /// For a text of `T` units and a pattern of `P` symbols this takes at most `2 (T + P)` steps, unless a run between
    /// two `*` has a `?`: there each unit of the text costs one step for each 64 symbols, or part of 64, of that run.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let mut steps = 0;
        if text.is_ascii() {
            covers(&self.0, text.as_bytes(), &mut steps)
        } else {
            let units: Vec<u16> = text.encode_utf16().collect();
            covers(&self.0, &units, &mut steps)
        }
    }
}

/// What stands for a symbol: a symbol itself, or a byte of ASCII.
trait Symbolic: Copy + PartialEq {
    fn symbol(self) -> Symbol;

    fn is_any(self) -> bool {
        self.symbol() == Symbol::Any
    }

    fn accepts(self, unit: impl Into<u16>) -> bool {
        match self.symbol() {
            Symbol::Unit(wanted) => wanted == unit.into(),
            Symbol::One => true,
            Symbol::Any => false,
        }
    }
}

impl Symbolic for Symbol {
    fn symbol(self) -> Symbol {
        self
    }
}

impl Symbolic for u8 {
    fn symbol(self) -> Symbol {
        match self {
            b'*' => Symbol::Any,
            b'?' => Symbol::One,
            plain => Symbol::Unit(plain.into()),
        }
    }
}

/// Whether the symbols cover the units, all of them; adds the number of comparisons to `steps`.
///
/// The units are those of UTF-16, which in a text of ASCII are its bytes.
fn covers<S: Symbolic, U: Copy + Into<u16>>(symbols: &[S], units: &[U], steps: &mut usize) -> bool {
    let mut runs = symbols.split(|symbol| symbol.is_any());
    // Splitting always yields a first run, if an empty one.
    let first = runs.next().unwrap_or_default();
    let Some(last) = runs.next_back() else {
        return first.len() == units.len() && is_prefix(first, units, steps);
    };
    if first.len() + last.len() > units.len() || !is_prefix(first, units, steps) {
        return false;
    }
    let (rest, end) = units[first.len()..].split_at(units.len() - first.len() - last.len());
    if !is_prefix(last, end, steps) {
        return false;
    }
    let mut rest = rest;
    for run in runs.filter(|run| !run.is_empty()) {
        match find(run, rest, steps) {
            Some(end) => rest = &rest[end..],
            None => return false,
        }
    }
    true
}

/// Whether the units, of which there are at least as many as symbols, start with a run.
fn is_prefix<S: Symbolic, U: Copy + Into<u16>>(run: &[S], units: &[U], steps: &mut usize) -> bool {
    run.iter().zip(units).all(|(symbol, unit)| {
        *steps += 1;
        symbol.accepts(*unit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn wildcards_cover_whole_texts() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("**", "", true),
            ("?", "", false),
            ("a", "a", true),
            ("a", "A", false),
            ("a", "ab", false),
            ("a*", "a", true),
            ("a*", "abc", true),
            ("*c", "abc", true),
            ("*c", "abcd", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*a?", "banana!", true),
            ("*aab", "aaab", true),
            ("*ab*ab", "abab", true),
            ("*ab*ab", "aab", false),
            ("*a?*b*", "axb", true),
            // No unit counts for two symbols.
            ("*a?*b*", "ab", false),
            ("*?*?*", "ab", true),
            ("*?*?*", "a", false),
            ("*ab*ba*", "aba", false),
            ("a*", "a/b:c\nd", true),
            ("?", "é", true),
            ("?", "😀", false),
            ("??", "😀", true),
            ("*😀", "x😀", true),
            (
                "system:serviceaccount:*:default",
                "system:serviceaccount:ns:default",
                true,
            ),
        ] {
            assert_eq!(
                Pattern::of_wildcards(pattern).matches(text),
                expected,
                "{pattern} on {text}"
            );
            assert_eq!(covers_text(pattern, text), expected, "{pattern} on {text}");
        }
    }

    /// The definition, without a thought for time: the oracle.
    fn covers_by_definition(symbols: &[Symbol], units: &[u16]) -> bool {
        match (symbols, units) {
            ([], rest) => rest.is_empty(),
            ([Symbol::Any, after @ ..], _) => {
                (0..=units.len()).any(|skipped| covers_by_definition(after, &units[skipped..]))
            }
            ([symbol, after @ ..], [unit, rest @ ..]) => {
                symbol.accepts(*unit) && covers_by_definition(after, rest)
            }
            (_, []) => false,
        }
    }

    fn steps_of(pattern: &str, text: &str) -> (bool, usize) {
        let units: Vec<u16> = text.encode_utf16().collect();
        let mut steps = 0;
        let covered = covers(&Pattern::of_wildcards(pattern).0, &units, &mut steps);
        (covered, steps)
    }

    proptest! {
        #[test]
        fn every_pattern_matches_by_the_definition(
            pattern in "[ab?*]{0,9}",
            long in "[ab]{0,3}\\*[ab?]{60,70}\\*[ab?]{0,3}",
            tail in "[ab]{0,80}",
            text in "[ab]{0,14}",
        ) {
            let filled = long.replace('?', "a").replace('*', &tail);
            for (wildcards, text) in [(&pattern, &text), (&long, &filled), (&long, &tail)] {
                let units: Vec<u16> = text.encode_utf16().collect();
                let pattern = Pattern::of_wildcards(wildcards);
                let expected = covers_by_definition(&pattern.0, &units);
                prop_assert_eq!(pattern.matches(text), expected);
                prop_assert_eq!(covers_text(wildcards, text), expected);
            }
        }

        #[test]
        fn steps_without_question_marks_are_linear(
            pattern in "[ab*]{0,40}",
            text in "[ab]{0,400}",
        ) {
            let (_, steps) = steps_of(&pattern, &text);
            prop_assert!(steps <= 2 * (pattern.len() + text.len()), "{steps}");
        }

        #[test]
        fn steps_with_question_marks_are_linear_in_the_text(
            pattern in "[ab?*]{0,150}",
            text in "[ab]{0,400}",
        ) {
            let sets = pattern.split('*').map(|run| run.len().div_ceil(64)).max().unwrap_or(0);
            let (_, steps) = steps_of(&pattern, &text);
            prop_assert!(
                steps <= 2 * (pattern.len() + text.len()) + sets * text.len(),
                "{steps} with {sets} sets"
            );
        }
    }

    #[test]
    fn every_comparison_is_a_step() {
        for (pattern, text, expected) in [
            ("abc", "abc", 3),
            ("abc", "axc", 2),
            ("abc", "ab", 0),
            ("a*c", "abbc", 2),
            // One for the table of the run, one for each unit.
            ("*ab*", "xab", 4),
            // The table takes three: `a` again, then not `b`, not even after a border.
            ("*aab*", "aab", 6),
            ("*aab*", "aaab", 8),
            ("*a?*", "xab", 3),
        ] {
            assert_eq!(steps_of(pattern, text).1, expected, "{pattern} on {text}");
        }
    }

    #[test]
    fn patterns_made_to_be_slow_are_not() {
        let text = "a".repeat(20_000);
        let limit = 2 * (text.len() + 2_000);
        for (name, pattern) in [
            ("stars without end", format!("{}b", "a*".repeat(1_000))),
            ("stars first", format!("{}b", "*a".repeat(1_000))),
            (
                "a long run that nearly matches",
                format!("*{}b*", "a".repeat(1_000)),
            ),
            (
                "long runs",
                format!("*{}b*{}b*", "a".repeat(900), "a".repeat(900)),
            ),
            ("runs with both", format!("{}b*", "*a?".repeat(600))),
            (
                "a short run with question marks",
                format!("*{}b*", "a?".repeat(31)),
            ),
            ("question marks alone", format!("{}b*", "*?".repeat(900))),
            ("only stars", "*".repeat(2_000)),
        ] {
            let (_, steps) = steps_of(&pattern, &text);
            assert!(steps <= limit, "{name}: {steps}");
        }
        // Twice the text, twice the steps: here by the run of 1 000 symbols in 16 sets.
        let pattern = format!("*{}b*", "a?".repeat(500));
        let (once, twice) = (
            steps_of(&pattern, &text).1,
            steps_of(&pattern, &text.repeat(2)).1,
        );
        assert_eq!(once, 16 * text.len());
        assert_eq!(twice, 2 * once);
    }

    #[test]
    fn runs_longer_than_a_set_are_found() {
        for length in [63, 64, 65, 127, 128, 129, 200] {
            let run = format!("b{}c", "?".repeat(length - 2));
            let found = format!("xx{}yy", run.replace('?', "b"));
            let missed = found.replace('c', "d");
            for pattern in [format!("*{run}*"), format!("x*{run}*y")] {
                let pattern = Pattern::of_wildcards(&pattern);
                assert!(pattern.matches(&found), "{length}");
                assert!(!pattern.matches(&missed), "{length}");
                assert!(pattern.matches(&format!("{missed}{found}")), "{length}");
            }
        }
    }
}
