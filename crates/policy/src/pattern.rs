//! Matching of `*` and `?`, without recursion and without backtracking further than the last `*`.

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
    pub(crate) fn matches(&self, text: &str) -> bool {
        let units: Vec<u16> = text.encode_utf16().collect();
        self.match_counting(&units).0
    }

    /// Whether the pattern covers the units, and how many comparisons it took.
    ///
    /// Greedy with one point of return: only the last `*` seen ever takes one unit more, since whatever an
    /// earlier `*` could still give up, the last can take. So each unit is compared at most once per symbol.
    fn match_counting(&self, units: &[u16]) -> (bool, usize) {
        let symbols = &self.0;
        let (mut symbol, mut unit, mut steps) = (0, 0, 0);
        let mut last_any: Option<(usize, usize)> = None;
        while unit < units.len() {
            steps += 1;
            match symbols.get(symbol) {
                Some(Symbol::Any) => {
                    last_any = Some((symbol, unit));
                    symbol += 1;
                }
                Some(Symbol::One) => {
                    symbol += 1;
                    unit += 1;
                }
                Some(Symbol::Unit(wanted)) if *wanted == units[unit] => {
                    symbol += 1;
                    unit += 1;
                }
                _ => match last_any {
                    Some((any, taken)) => {
                        last_any = Some((any, taken + 1));
                        symbol = any + 1;
                        unit = taken + 1;
                    }
                    None => return (false, steps),
                },
            }
        }
        let rest = symbols.get(symbol..).unwrap_or_default();
        (rest.iter().all(|symbol| *symbol == Symbol::Any), steps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        }
    }

    #[test]
    fn work_is_bounded_by_symbols_times_units() {
        let text: Vec<u16> = "a".repeat(2_000).encode_utf16().collect();
        for pattern in [
            format!("{}b", "a*".repeat(30)),
            format!("{}b", "*a".repeat(30)),
            format!("*{}b", "a".repeat(60)),
            format!("{}b", "*?".repeat(30)),
            "*".repeat(60),
        ] {
            let (_, steps) = Pattern::of_wildcards(&pattern).match_counting(&text);
            assert!(
                steps <= (pattern.len() + 1) * (text.len() + 1),
                "{pattern}: {steps}"
            );
        }
        let (_, steps) = Pattern::of_wildcards("a*a*a*a*a*a*a*a*b").match_counting(&text);
        assert!(
            steps <= 2 * text.len() + 20,
            "many stars cost no more than one: {steps}"
        );
    }
}
