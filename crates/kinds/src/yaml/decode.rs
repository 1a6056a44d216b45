//! Nodes to typed values: a serde deserialiser whose errors know the field and its place in the file.

use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeSeed, Deserializer, Expected, IntoDeserializer, MapAccess, SeqAccess,
    Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;

use super::{Content, Member, Node};
use crate::Position;

/// A field that does not fit its type, with its path and its place in the file.
///
/// The message never repeats the field's value, which may be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// Field names and list indices, from the outside in.
    path: Vec<String>,
    position: Option<Position>,
    mismatch: Mismatch,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Mismatch {
    Missing,
    Type { expected: String, found: String },
    Value(String),
}

impl DecodeError {
    /// Returns where the field stands; for a missing field, where the mapping starts that lacks it.
    pub fn position(&self) -> Option<Position> {
        self.position
    }

    /// Returns the field as a path, such as `spec.secretRef.name` or `statementEntries[2].action`.
    pub fn path(&self) -> String {
        let mut path = String::new();
        for part in &self.path {
            if !path.is_empty() && !part.starts_with('[') {
                path.push('.');
            }
            path.push_str(part);
        }
        path
    }

    /// Returns whether the field is required and absent.
    pub fn is_missing(&self) -> bool {
        self.mismatch == Mismatch::Missing
    }

    /// Makes an error about the value of a field that was read with the right type.
    pub fn invalid_value(position: Position, message: impl Into<String>) -> Self {
        Self {
            path: Vec::new(),
            position: Some(position),
            mismatch: Mismatch::Value(message.into()),
        }
    }

    /// Makes an error about a required member of a mapping at that position.
    pub fn missing(position: Position, field: &str) -> Self {
        Self {
            path: vec![field.to_owned()],
            position: Some(position),
            mismatch: Mismatch::Missing,
        }
    }

    /// Puts the error inside a field (`spec`) or an item (`[2]`).
    #[must_use]
    pub fn within(mut self, part: impl Into<String>) -> Self {
        self.path.insert(0, part.into());
        self
    }

    /// Sets the position unless a more precise one is known.
    #[must_use]
    pub(super) fn at(mut self, position: Position) -> Self {
        self.position.get_or_insert(position);
        self
    }

    fn wrong_type(expected: &str, node: &Node) -> Self {
        let mismatch = Mismatch::Type {
            expected: expected.to_owned(),
            found: node.type_name().to_owned(),
        };
        Self {
            path: Vec::new(),
            position: Some(node.position),
            mismatch,
        }
    }

    fn new(mismatch: Mismatch) -> Self {
        Self {
            path: Vec::new(),
            position: None,
            mismatch,
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path();
        match &self.mismatch {
            Mismatch::Missing => write!(f, "`{path}` is missing"),
            _ if path.is_empty() => write!(f, "{}", self.mismatch),
            _ => write!(f, "`{path}`: {}", self.mismatch),
        }
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("missing"),
            Self::Type { expected, found } => write!(f, "expected {expected}, found {found}"),
            Self::Value(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for DecodeError {}

impl de::Error for DecodeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(Mismatch::Value(message.to_string()))
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(Mismatch::Type {
            expected: expected.to_string(),
            found: type_of(&unexpected).to_owned(),
        })
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(Mismatch::Value(format!("expected {expected}")))
    }

    fn missing_field(field: &'static str) -> Self {
        Self {
            path: vec![field.to_owned()],
            position: None,
            mismatch: Mismatch::Missing,
        }
    }
}

fn type_of(unexpected: &Unexpected<'_>) -> &'static str {
    match unexpected {
        Unexpected::Bool(_) => "a boolean",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => "a number",
        Unexpected::Char(_) | Unexpected::Str(_) => "a string",
        Unexpected::Unit | Unexpected::Option => "null",
        Unexpected::Seq => "a list",
        Unexpected::Map => "a mapping",
        _ => "something else",
    }
}

impl<'de> Deserializer<'de> for &'de Node {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let value = match &self.content {
            Content::Null => visitor.visit_unit(),
            Content::Bool(value) => visitor.visit_bool(*value),
            Content::String(value) => visitor.visit_borrowed_str(value),
            Content::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(value), ..) => visitor.visit_u64(value),
                (_, Some(value), _) => visitor.visit_i64(value),
                (.., Some(value)) => visitor.visit_f64(value),
                _ => Err(DecodeError::wrong_type("a number of 64 bits", self)),
            },
            Content::Sequence(items) => visitor.visit_seq(Items {
                items: items.iter().enumerate(),
            }),
            Content::Mapping(members) => visitor.visit_map(Members::of(members, Nulls::Kept)),
        };
        value.map_err(|error| error.at(self.position))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        if self.is_null() {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor
            .visit_newtype_struct(self)
            .map_err(|error| error.at(self.position))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        let Content::Mapping(members) = &self.content else {
            return Err(DecodeError::wrong_type("a mapping", self));
        };
        visitor
            .visit_map(Members::of(members, Nulls::Absent))
            .map_err(|error| error.at(self.position))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let Content::Mapping(members) = &self.content else {
            return Err(DecodeError::wrong_type("a mapping", self));
        };
        visitor
            .visit_map(Members::of(members, Nulls::Kept))
            .map_err(|error| error.at(self.position))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        let Content::Sequence(items) = &self.content else {
            return Err(DecodeError::wrong_type("a list", self));
        };
        visitor
            .visit_seq(Items {
                items: items.iter().enumerate(),
            })
            .map_err(|error| error.at(self.position))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        let Content::String(text) = &self.content else {
            return Err(DecodeError::wrong_type("a string", self));
        };
        let variant: StrDeserializer<'_, DecodeError> = text.as_str().into_deserializer();
        variant
            .deserialize_enum(name, variants, visitor)
            .map_err(|error| error.at(self.position))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        tuple tuple_struct identifier ignored_any
    }
}

/// What a mapping's `null` members mean to the type that is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Nulls {
    Kept,
    Absent,
}

struct Members<'de> {
    rest: std::slice::Iter<'de, Member>,
    nulls: Nulls,
    current: Option<&'de Member>,
}

impl<'de> Members<'de> {
    fn of(members: &'de [Member], nulls: Nulls) -> Self {
        Self {
            rest: members.iter(),
            nulls,
            current: None,
        }
    }
}

impl<'de> MapAccess<'de> for Members<'de> {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, DecodeError> {
        let nulls = self.nulls;
        self.current = self
            .rest
            .find(|member| nulls == Nulls::Kept || !member.value.is_null());
        let Some(member) = self.current else {
            return Ok(None);
        };
        let key: StrDeserializer<'de, DecodeError> = member.key.as_str().into_deserializer();
        seed.deserialize(key)
            .map(Some)
            .map_err(|error| error.at(member.key_position))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, DecodeError> {
        let Some(member) = self.current else {
            return Err(de::Error::custom("a value was asked for before its key"));
        };
        let value = seed.deserialize(&member.value);
        value.map_err(|error| error.at(member.value.position).within(member.key.as_str()))
    }
}

struct Items<'de> {
    items: std::iter::Enumerate<std::slice::Iter<'de, Node>>,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DecodeError> {
        let Some((index, item)) = self.items.next() else {
            return Ok(None);
        };
        let value = seed.deserialize(item).map(Some);
        value.map_err(|error| error.at(item.position).within(format!("[{index}]")))
    }
}
