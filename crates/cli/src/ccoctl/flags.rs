//! Flags as Go's pflag reads them: `--flag value`, `--flag=value`, and booleans without a value.

use std::collections::BTreeMap;

/// A flag that a command knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flag {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) help: &'static str,
}

/// What a flag takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A value, and the command does not run without it.
    Required,
    /// A value.
    Optional,
    /// `true` or `false`; without a value `true`.
    Switch,
}

/// A command line that was understood.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Parsed {
    /// `--help` was asked for.
    Help,
    /// The flags and their values.
    Flags(Flags),
}

/// The flags that were given; of one given twice, the last value.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags(BTreeMap<&'static str, String>);

/// Reads the arguments after the command's name; the error is in pflag's and cobra's words.
pub(crate) fn parse(known: &'static [Flag], arguments: &[&str]) -> Result<Parsed, String> {
    let mut given = BTreeMap::new();
    let mut rest = arguments.iter();
    while let Some(&argument) = rest.next() {
        if argument == "--" {
            break;
        }
        let Some(body) = argument.strip_prefix("--") else {
            match argument
                .strip_prefix('-')
                .and_then(|letters| letters.chars().next())
            {
                Some('h') => return Ok(Parsed::Help),
                Some(letter) => {
                    return Err(format!("unknown shorthand flag: '{letter}' in {argument}"));
                }
                // Like the peer, a command takes and ignores words that are no flags.
                None => continue,
            }
        };
        if body.starts_with(['-', '=']) {
            return Err(format!("bad flag syntax: {argument}"));
        }
        let (name, value) = match body.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (body, None),
        };
        if name == "help" {
            return Ok(Parsed::Help);
        }
        let flag = known
            .iter()
            .find(|flag| flag.name == name)
            .ok_or_else(|| format!("unknown flag: --{name}"))?;
        let value = match (flag.kind, value) {
            (Kind::Switch, value) => switch(name, value.as_deref().unwrap_or("true"))?.to_string(),
            (_, Some(value)) => value,
            (_, None) => match rest.next() {
                Some(&value) => value.to_owned(),
                None => return Err(format!("flag needs an argument: --{name}")),
            },
        };
        given.insert(flag.name, value);
    }
    let mut missing: Vec<String> = known
        .iter()
        .filter(|flag| flag.kind == Kind::Required && !given.contains_key(flag.name))
        .map(|flag| format!("\"{}\"", flag.name))
        .collect();
    if missing.is_empty() {
        return Ok(Parsed::Flags(Flags(given)));
    }
    missing.sort();
    Err(format!("required flag(s) {} not set", missing.join(", ")))
}

// === impl Flags ===

impl Flags {
    /// The value of a flag; an empty one counts as not given, as the peer's zero values do.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// The value of a required flag, which may be empty.
    pub(crate) fn required(&self, name: &str) -> &str {
        self.0.get(name).map(String::as_str).unwrap_or_default()
    }

    /// Whether a switch is on.
    pub(crate) fn is_on(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| value == "true")
    }
}

fn switch(name: &str, value: &str) -> Result<bool, String> {
    podpass_kinds::parse_bool(value).ok_or_else(|| {
        format!(
            "invalid argument \"{value}\" for \"--{name}\" flag: strconv.ParseBool: parsing \"{value}\": invalid syntax"
        )
    })
}
