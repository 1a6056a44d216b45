//! A pod as injection sees it: the few members that decide, borrowed from the JSON they were read from.
//!
//! Whatever has another type than Kubernetes gives it is kept as [`Shape::Wrong`], so that reading never fails on it and
//! the note about it can name the place. All other members are passed over without being stored.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A JSON value where one of a certain type belongs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Shape<T> {
    /// Not there, or null.
    #[default]
    Absent,
    /// Of the right type.
    Is(T),
    /// Of another type.
    Wrong,
}

pub(crate) type Text<'p> = Shape<Cow<'p, str>>;
/// A JSON object of which the members of `T` are read.
pub(crate) type Object<T> = Shape<Members<T>>;
/// A JSON array; each item keeps its place, whatever its type.
pub(crate) type List<T> = Shape<Vec<T>>;

/// The members of an object; a type of its own so that serde tells objects from arrays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Members<T>(pub(crate) T);

impl<T> Shape<T> {
    /// The value, when there is one of the right type.
    pub(crate) fn as_ref(&self) -> Option<&T> {
        match self {
            Self::Is(value) => Some(value),
            Self::Absent | Self::Wrong => None,
        }
    }
}

impl Text<'_> {
    /// The text; empty when there is none.
    pub(crate) fn text(&self) -> &str {
        self.as_ref().map_or("", Cow::as_ref)
    }
}

impl<T> Object<T> {
    pub(crate) fn members(&self) -> Option<&T> {
        self.as_ref().map(|members| &members.0)
    }
}

// === Reading ===

/// What makes a value of the right type of what serde finds.
trait Form<'de>: Sized {
    fn of_text(_: Cow<'de, str>) -> Option<Self> {
        None
    }
    fn of_map<A: MapAccess<'de>>(map: A) -> Result<Option<Self>, A::Error> {
        IgnoredAny.visit_map(map)?;
        Ok(None)
    }
    fn of_sequence<A: SeqAccess<'de>>(sequence: A) -> Result<Option<Self>, A::Error> {
        IgnoredAny.visit_seq(sequence)?;
        Ok(None)
    }
}

impl<'de: 'p, 'p> Form<'de> for Cow<'p, str> {
    fn of_text(text: Cow<'de, str>) -> Option<Self> {
        Some(text)
    }
}

impl<'de, T: Deserialize<'de>> Form<'de> for Members<T> {
    fn of_map<A: MapAccess<'de>>(map: A) -> Result<Option<Self>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(|members| Some(Self(members)))
    }
}

impl<'de, T: Deserialize<'de>> Form<'de> for Vec<T> {
    fn of_sequence<A: SeqAccess<'de>>(mut sequence: A) -> Result<Option<Self>, A::Error> {
        let mut items = Self::new();
        while let Some(item) = sequence.next_element()? {
            items.push(item);
        }
        Ok(Some(items))
    }
}

#[allow(private_bounds, reason = "the trait only tells the three forms apart")]
impl<'de, T: Form<'de>> Deserialize<'de> for Shape<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ShapeVisitor(PhantomData))
    }
}

struct ShapeVisitor<T>(PhantomData<T>);

impl<'de, T: Form<'de>> ShapeVisitor<T> {
    fn shape(value: Option<T>) -> Shape<T> {
        value.map_or(Shape::Wrong, Shape::Is)
    }
}

impl<'de, T: Form<'de>> Visitor<'de> for ShapeVisitor<T> {
    type Value = Shape<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Shape::Absent)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Shape::Wrong)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Shape::Wrong)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Shape::Wrong)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Shape::Wrong)
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Self::shape(T::of_text(Cow::Borrowed(text))))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        self.visit_string(text.to_owned())
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Self::Value, E> {
        Ok(Self::shape(T::of_text(Cow::Owned(text))))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::of_map(map).map(Self::shape)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, sequence: A) -> Result<Self::Value, A::Error> {
        T::of_sequence(sequence).map(Self::shape)
    }
}
