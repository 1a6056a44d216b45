//! The smallest policy that allows given calls and nothing else.

mod cover;

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use cover::{Pair, Rectangle, covers};

use crate::arn::{Arn, InvalidArn};
use crate::condition::{Comparison, Condition};
use crate::document::{Document, Statement, Values};

/// One call that a policy has to allow.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Call {
    /// The action, `service:Name`, without wildcards. Its case has no meaning.
    pub action: String,
    /// The resource's ARN, whose `*`, `?` and `${` stand for themselves, or `*` for an action that has no resource.
    pub resource: String,
    /// The context keys that the call is tied to, each with its value; empty allows the call whatever its context.
    ///
    /// Only keys with a single value can be tied to: the language cannot ask for exactly the values of a list.
    pub context: BTreeMap<String, String>,
}

/// How many characters a policy may have. IAM does not count whitespace, STS does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SizeLimit {
    /// A managed policy: 6 144.
    Managed,
    /// All inline policies of a user together: 2 048.
    InlineUser,
    /// All inline policies of a group together: 5 120.
    InlineGroup,
    /// All inline policies of a role together: 10 240.
    InlineRole,
    /// A session policy: 2 048, whitespace included.
    Session,
}

/// Why there is no policy for some calls.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MinimiseError {
    /// There are no calls; a policy must have a statement.
    #[error("there is no call to allow: a policy must have at least one statement")]
    NoCall,
    /// An action is not one action.
    #[error("`{value}` is not an action: it must be `service:Action`, without wildcards")]
    Action {
        /// The text that was refused.
        value: String,
    },
    /// A resource is neither an ARN nor `*`.
    #[error(
        "`{value}` is not a resource: it must be an ARN, or `*` for an action that has no resource"
    )]
    Resource {
        /// The text that was refused.
        value: String,
        /// What is wrong with it.
        #[source]
        source: InvalidArn,
    },
    /// A context key does not start with a service or provider.
    #[error("`{value}` is not a condition key: it must be `service:key` or `provider:claim`")]
    Key {
        /// The text that was refused.
        value: String,
    },
    /// One call has a key twice, in different case.
    #[error("the condition key `{value}` stands twice in one call: case does not count in keys")]
    DuplicateKey {
        /// The key.
        value: String,
    },
    /// The policy would be too large.
    #[error("the policy has {size} characters, {limit} may have {}: spread the calls over several policies", limit.characters())]
    TooLarge {
        /// Its size, in characters that count.
        size: usize,
        /// The limit.
        limit: SizeLimit,
    },
}

/// Makes the smallest policy that allows some calls, and nothing that was not asked for.
///
/// Calls with the same context share statements; each statement allows each of its actions on each of its resources, all
/// of them asked for. A call that another one covers, because that one has no resource or fewer context keys, adds
/// nothing. No action, resource or statement can be taken away without denying a call. The result does not depend on the
/// order of the calls nor on repetitions.
///
/// To find the least number of statements at all is the biclique cover problem, which is NP-hard; this takes the
/// smallest, in characters, of three covers: one statement for each set of resources, one for each set of actions, and
/// greedily the widest statements first.
///
/// # Errors
/// When there is no call, when a part of one cannot be said in a policy, and when the policy would exceed the limit.
pub fn minimise(calls: &[Call], limit: SizeLimit) -> Result<Document, MinimiseError> {
    let mut groups: BTreeMap<Pins, BTreeSet<Pair>> = BTreeMap::new();
    for call in distinct(calls)? {
        let resource = match call.resource.as_str() {
            EVERYTHING => call.resource,
            arn => literally(arn, &['*', '?']),
        };
        groups
            .entry(call.pins)
            .or_default()
            .insert((call.action, resource));
    }
    if groups.is_empty() {
        return Err(MinimiseError::NoCall);
    }
    let statements = groups
        .iter()
        .flat_map(|(pins, pairs)| smallest(pairs, pins))
        .collect();
    let document = Document::new(statements);
    let size = limit.size_of(&document);
    if size > limit.characters() {
        return Err(MinimiseError::TooLarge { size, limit });
    }
    Ok(document)
}

impl SizeLimit {
    /// The limit in characters.
    pub const fn characters(self) -> usize {
        match self {
            Self::Managed => 6_144,
            Self::InlineUser | Self::Session => 2_048,
            Self::InlineGroup => 5_120,
            Self::InlineRole => 10_240,
        }
    }

    /// The characters of a document that count, printed on one line.
    fn size_of(self, document: &Document) -> usize {
        let text = document.to_json();
        let counts = |c: &char| self == Self::Session || !c.is_whitespace();
        text.chars().filter(counts).count()
    }
}

impl std::fmt::Display for SizeLimit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Managed => "a managed policy",
            Self::InlineUser => "the inline policies of a user",
            Self::InlineGroup => "the inline policies of a group",
            Self::InlineRole => "the inline policies of a role",
            Self::Session => "a session policy",
        })
    }
}

/// The context keys of a call, in lower case and in order, with the spelling to print and the value.
type Pins = BTreeMap<String, (String, String)>;

/// A call that has been checked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Checked {
    action: String,
    resource: String,
    pins: Pins,
}

impl Checked {
    /// Whether whatever allows this call allows the other one too.
    fn covers(&self, other: &Self) -> bool {
        self.action == other.action
            && (self.resource == EVERYTHING || self.resource == other.resource)
            && self
                .pins
                .iter()
                .all(|(key, (_, value))| other.pins.get(key).is_some_and(|(_, v)| v == value))
    }
}

/// The calls without repetitions and without those that another one covers, in order.
fn distinct(calls: &[Call]) -> Result<Vec<Checked>, MinimiseError> {
    let mut sorted: Vec<&Call> = calls.iter().collect();
    sorted.sort_unstable();
    // Case has no meaning in actions and keys: of several spellings the first in order is printed.
    let mut actions: BTreeMap<String, String> = BTreeMap::new();
    let mut keys: BTreeMap<String, String> = BTreeMap::new();
    for call in &sorted {
        actions
            .entry(call.action.to_lowercase())
            .or_insert_with(|| call.action.clone());
    }
    let mut spellings: Vec<&String> = calls.iter().flat_map(|call| call.context.keys()).collect();
    spellings.sort_unstable();
    for key in spellings {
        keys.entry(key.to_lowercase())
            .or_insert_with(|| key.clone());
    }
    let mut by_action: BTreeMap<String, BTreeSet<Checked>> = BTreeMap::new();
    for call in sorted {
        check_action(&call.action)?;
        check_resource(&call.resource)?;
        let mut pins = Pins::new();
        for (key, value) in &call.context {
            check_key(key)?;
            let folded = key.to_lowercase();
            let spelling = keys[&folded].clone();
            if pins.insert(folded, (spelling, value.clone())).is_some() {
                return Err(MinimiseError::DuplicateKey { value: key.clone() });
            }
        }
        let folded = call.action.to_lowercase();
        let checked = Checked {
            action: actions[&folded].clone(),
            resource: call.resource.clone(),
            pins,
        };
        by_action.entry(folded).or_default().insert(checked);
    }
    let mut kept = Vec::new();
    for calls in by_action.into_values() {
        kept.extend(
            calls
                .iter()
                .filter(|call| !is_covered(call, &calls))
                .cloned(),
        );
    }
    Ok(kept)
}

fn is_covered(call: &Checked, calls: &BTreeSet<Checked>) -> bool {
    calls
        .iter()
        .any(|other| other != call && other.covers(call))
}

fn check_action(action: &str) -> Result<(), MinimiseError> {
    let is_word = |text: &str, also: &[u8]| {
        !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || also.contains(&byte))
    };
    match action.split_once(':') {
        Some((service, name)) if is_word(service, b"-") && is_word(name, b"-_.") => Ok(()),
        _ => Err(MinimiseError::Action {
            value: action.to_owned(),
        }),
    }
}

fn check_resource(resource: &str) -> Result<(), MinimiseError> {
    if resource == EVERYTHING {
        return Ok(());
    }
    resource
        .parse::<Arn>()
        .map(drop)
        .map_err(|source| MinimiseError::Resource {
            value: resource.to_owned(),
            source,
        })
}

fn check_key(key: &str) -> Result<(), MinimiseError> {
    match key.split_once(':') {
        Some((vendor, name)) if !vendor.is_empty() && !name.is_empty() => Ok(()),
        _ => Err(MinimiseError::Key {
            value: key.to_owned(),
        }),
    }
}

/// The statements of the smallest cover.
fn smallest(pairs: &BTreeSet<Pair>, pins: &Pins) -> Vec<Statement> {
    let size = |statements: &Vec<Statement>| {
        SizeLimit::Managed.size_of(&Document::new(statements.clone()))
    };
    covers(pairs)
        .into_iter()
        .map(|cover| {
            cover
                .into_iter()
                .map(|rectangle| statement(rectangle, pins))
                .collect()
        })
        .min_by_key(size)
        .unwrap_or_default()
}

fn statement(rectangle: Rectangle, pins: &Pins) -> Statement {
    let mut statement =
        Statement::allow(values(rectangle.actions)).with_resource(values(rectangle.resources));
    statement.conditions = pins
        .values()
        .map(|(key, value)| Condition::new(Comparison::StringEquals, key, literally(value, &[])))
        .collect();
    statement
}

/// One value as a string, several as a list.
fn values(texts: BTreeSet<String>) -> Values {
    match <[String; 1]>::try_from(Vec::from_iter(texts)) {
        Ok([only]) => Values::one(only),
        Err(several) => Values::list(several),
    }
}

/// A text in which neither wildcards nor variables work.
fn literally(text: &str, wildcards: &[char]) -> String {
    let mut literal = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if wildcards.contains(&c) || (c == '$' && chars.peek() == Some(&'{')) {
            literal.push_str("${");
            literal.push(c);
            literal.push('}');
        } else {
            literal.push(c);
        }
    }
    literal
}

/// The resource of an action that has none.
const EVERYTHING: &str = "*";
