//! A Query request's form and the grammar of its values: integers, booleans, lists.

use std::collections::BTreeMap;

use percent_encoding::percent_decode;

use super::ApiError;

/// The decoded parameters of a Query request; of a repeated name the last value counts.
///
/// All of them are in one text: each exchange reads a form, and its note for CloudTrail keeps a part of it.
#[derive(Clone, Default)]
pub(crate) struct Form {
    text: String,
    /// In the order of the names, each once.
    parameters: Vec<Place>,
}

/// Where a parameter stands in the text: its name, and right behind it its value.
#[derive(Clone, Copy)]
struct Place {
    start: usize,
    name_end: usize,
    end: usize,
}

impl Form {
    /// Reads `application/x-www-form-urlencoded` text.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, ApiError> {
        let mut form = Self {
            text: String::with_capacity(text.len()),
            parameters: Vec::with_capacity(USUAL_PARAMETERS),
        };
        for pair in text
            .split(|byte| *byte == b'&')
            .filter(|pair| !pair.is_empty())
        {
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            let start = form.text.len();
            decode(halves.next(), &mut form.text)?;
            let name_end = form.text.len();
            decode(halves.next(), &mut form.text)?;
            form.parameters.push(Place {
                start,
                name_end,
                end: form.text.len(),
            });
        }
        let Self { text, parameters } = &mut form;
        let name = |place: &Place| &text[place.start..place.name_end];
        // Of equal names the last comes first, and stays.
        parameters.reverse();
        parameters.sort_by_key(name);
        parameters.dedup_by_key(|place| name(place));
        if parameters.len() > MAX_PARAMETERS {
            return Err(ApiError::malformed_input("too many parameters"));
        }
        Ok(form)
    }

    /// A form of the parameters whose names are to be kept.
    pub(crate) fn filtered(&self, keeps: impl Fn(&str) -> bool) -> Self {
        let kept = || self.iter().filter(|(name, _)| keeps(name));
        let mut form = Self {
            text: String::with_capacity(kept().map(|(name, value)| name.len() + value.len()).sum()),
            parameters: Vec::with_capacity(kept().count()),
        };
        for (name, value) in kept() {
            let start = form.text.len();
            form.text.push_str(name);
            form.text.push_str(value);
            form.parameters.push(Place {
                start,
                name_end: start + name.len(),
                end: form.text.len(),
            });
        }
        form
    }

    /// The bytes of all names and values.
    pub(crate) fn len(&self) -> usize {
        self.text.len()
    }

    /// All parameters, in the order of their names.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.parameters
            .iter()
            .map(|place| (self.name(place), self.value(place)))
    }

    /// The parameter of that name.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        let found = self
            .parameters
            .binary_search_by_key(&name, |place| self.name(place));
        Some(self.value(&self.parameters[found.ok()?]))
    }

    /// An integer: decimal digits with an optional sign, within 32 bits.
    pub(crate) fn integer(&self, name: &str) -> Result<Option<i64>, ApiError> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        text.parse::<i32>()
            .map(|number| Some(i64::from(number)))
            .map_err(|_| malformed(name))
    }

    /// A boolean: `true`, `false`, `1` or `0`.
    pub(crate) fn boolean(&self, name: &str) -> Result<Option<bool>, ApiError> {
        match self.text(name) {
            None => Ok(None),
            Some("true" | "1") => Ok(Some(true)),
            Some("false" | "0") => Ok(Some(false)),
            Some(_) => Err(malformed(name)),
        }
    }

    /// The members of the list `NAME.member.N` in the order of N; a gap is a member without values.
    ///
    /// A member maps what follows its number to the value: nothing for plain values, `Key` for `NAME.member.1.Key`.
    /// `None` when the list is not sent; an empty list is sent as `NAME=`.
    pub(crate) fn list(&self, name: &str) -> Result<Option<Vec<Member<'_>>>, ApiError> {
        let prefix = format!("{name}.member.");
        let mut members: BTreeMap<u32, Member<'_>> = BTreeMap::new();
        let start = self
            .parameters
            .partition_point(|place| self.name(place) < prefix.as_str());
        let following = self.parameters[start..]
            .iter()
            .map(|place| (self.name(place), self.value(place)))
            .take_while(|(found, _)| found.starts_with(&prefix));
        for (found, value) in following {
            let rest = &found[prefix.len()..];
            let (index, field) = rest.split_once('.').unwrap_or((rest, ""));
            let index: u32 = index
                .parse()
                .ok()
                .filter(|index| *index > 0)
                .ok_or_else(|| malformed(found))?;
            members
                .entry(index)
                .or_default()
                .fields
                .insert(field, value);
        }
        let mut end = 0;
        for index in members.keys() {
            // A new index may extend the list by ten at most, so that one parameter cannot make it huge.
            if *index > end + MAX_EXTENSION {
                return Err(malformed(name));
            }
            end = *index;
        }
        if end == 0 {
            return Ok(self.text(name).map(|_| Vec::new()));
        }
        Ok(Some(
            (1..=end)
                .map(|index| members.remove(&index).unwrap_or_default())
                .collect(),
        ))
    }

    fn name(&self, place: &Place) -> &str {
        &self.text[place.start..place.name_end]
    }

    fn value(&self, place: &Place) -> &str {
        &self.text[place.name_end..place.end]
    }
}

impl PartialEq for Form {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Form {}

/// Parameters may hold tokens and policies, so only their names are shown.
impl std::fmt::Debug for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set()
            .entries(self.iter().map(|(name, _)| name))
            .finish()
    }
}

/// One member of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Member<'a> {
    fields: BTreeMap<&'a str, &'a str>,
}

impl<'a> Member<'a> {
    /// The value of a plain member.
    pub(crate) fn value(&self) -> Option<&'a str> {
        self.field("")
    }

    /// The value of a structure member's field.
    pub(crate) fn field(&self, name: &str) -> Option<&'a str> {
        self.fields.get(name).copied()
    }

    /// The plain values of a list inside the structure, in the order of their numbers.
    pub(crate) fn values(&self, list: &str) -> Result<Vec<&'a str>, ApiError> {
        let prefix = format!("{list}.member.");
        let mut values = BTreeMap::new();
        for (field, value) in &self.fields {
            let Some(index) = field.strip_prefix(&prefix) else {
                continue;
            };
            let index: u32 = index.parse().map_err(|_| malformed(field))?;
            values.insert(index, *value);
        }
        Ok(values.into_values().collect())
    }
}

fn malformed(name: &str) -> ApiError {
    ApiError::malformed_input(format!("Invalid value for parameter {name}"))
}

/// Appends the text that a part stands for.
fn decode(part: Option<&[u8]>, text: &mut String) -> Result<(), ApiError> {
    let part = part.unwrap_or_default();
    let not_utf8 = |_| ApiError::malformed_input("a parameter is not UTF-8");
    // Tokens have no escapes, and they are what is long.
    if !part.iter().any(|byte| matches!(byte, b'+' | b'%')) {
        text.push_str(std::str::from_utf8(part).map_err(not_utf8)?);
        return Ok(());
    }
    for (index, word) in part.split(|byte| *byte == b'+').enumerate() {
        if index > 0 {
            text.push(' ');
        }
        text.push_str(&percent_decode(word).decode_utf8().map_err(not_utf8)?);
    }
    Ok(())
}

const MAX_EXTENSION: u32 = 10;

/// A call with 50 tags has about 110 parameters.
const MAX_PARAMETERS: usize = 5_000;

/// An exchange has five, with its duration and a policy seven.
const USUAL_PARAMETERS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn form(text: &str) -> Form {
        Form::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn decodes_names_and_values_once() {
        let form = form("Action=GetRole&RoleName=a%2Bb+c%2520&Empty=&Bare");
        assert_eq!(form.text("RoleName"), Some("a+b c%20"));
        assert_eq!(form.text("Empty"), Some(""));
        assert_eq!(form.text("Bare"), Some(""));
        assert_eq!(form.text("Absent"), None);
    }

    #[test]
    fn integers_follow_the_wire_grammar() {
        for (text, expected) in [
            ("900", Some(900)),
            ("%2B900", Some(900)),
            ("000900", Some(900)),
            ("-1", Some(-1)),
            ("+900", None),
            ("900.0", None),
            ("9e2", None),
            ("2147483648", None),
            ("", None),
        ] {
            let read = form(&format!("N={text}")).integer("N");
            match expected {
                Some(number) => assert_eq!(read, Ok(Some(number)), "{text}"),
                None => assert_eq!(read.unwrap_err().code, "MalformedInput", "{text}"),
            }
        }
    }

    #[test]
    fn booleans_are_four_words() {
        for (text, expected) in [
            ("true", Some(true)),
            ("0", Some(false)),
            ("True", None),
            ("yes", None),
        ] {
            assert_eq!(
                form(&format!("B={text}")).boolean("B").ok().flatten(),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn lists_keep_their_order_and_their_gaps() {
        let form =
            form("L.member.02=b&L.member.1=a&L.member.4=d&T.member.1.Key=k&T.member.1.Value=v&E=");
        let values: Vec<_> = form
            .list("L")
            .unwrap()
            .unwrap()
            .iter()
            .map(Member::value)
            .collect();
        assert_eq!(values, [Some("a"), Some("b"), None, Some("d")]);
        let tags = form.list("T").unwrap().unwrap();
        assert_eq!(
            (tags[0].field("Key"), tags[0].field("Value")),
            (Some("k"), Some("v"))
        );
        assert_eq!(form.list("E"), Ok(Some(Vec::new())));
        assert_eq!(form.list("Absent"), Ok(None));
    }

    #[test]
    fn lists_inside_of_structures_keep_their_order() {
        let form = form(
            "L.member.1.V.member.10=c&L.member.1.V.member.2=b&L.member.1.V.member.1=a&L.member.1.W=x",
        );
        let members = form.list("L").unwrap().unwrap();
        assert_eq!(members[0].values("V"), Ok(vec!["a", "b", "c"]));
        assert_eq!(members[0].values("Absent"), Ok(Vec::new()));
        let bad = self::form("L.member.1.V.member.x=c");
        assert!(bad.list("L").unwrap().unwrap()[0].values("V").is_err());
    }

    #[test]
    fn list_indexes_start_at_one_and_grow_by_ten() {
        for (text, accepted) in [
            ("L.member.10=a", true),
            ("L.member.12=a", false),
            ("L.member.0=a", false),
            ("L.member.-1=a", false),
            ("L.member.x=a", false),
            ("L.member.10=a&L.member.20=b", true),
            ("L.member.4294967296=a", false),
        ] {
            assert_eq!(form(text).list("L").is_ok(), accepted, "{text}");
        }
    }

    #[test]
    fn the_last_of_a_repeated_name_counts() {
        let form = form("A=1&B=x&A=2&C=&A=3");
        let all: Vec<_> = form.iter().collect();
        assert_eq!(all, [("A", "3"), ("B", "x"), ("C", "")]);
        assert_eq!(form, self::form("C=&B=x&A=3"));
        let kept = form.filtered(|name| name != "B");
        assert_eq!(kept, self::form("A=3&C="));
        assert_eq!(kept.len(), "A3C".len());
    }

    #[test]
    fn debug_shows_names_only() {
        let shown = format!("{:?}", form("WebIdentityToken=ey.secret.x"));
        assert!(
            shown.contains("WebIdentityToken") && !shown.contains("secret"),
            "{shown}"
        );
    }
}
