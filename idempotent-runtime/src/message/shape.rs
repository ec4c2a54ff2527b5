//! Checks that a stored value can be read back unchanged.

use serde::de::DeserializeOwned;
use serde::ser::{self, Serialize, Serializer};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

/// The reason why this value, stored as this JSON, would not be read back unchanged.
///
/// The value and the one that is read back are compared by everything that they pass to a serializer, with
/// their types: JSON has the same text for a number that is absent and for one that is NaN. Sets and maps may
/// have another order. A field that is neither written nor read (`#[serde(skip)]`) is not compared.
pub(super) fn difference<T: Serialize + DeserializeOwned>(
    value: &T,
    json: &[u8],
) -> Option<String> {
    let back: T = match serde_json::from_slice(json) {
        Ok(back) => back,
        Err(error) => return Some(format!("it cannot be read again: {error}")),
    };
    let is_same =
        matches!((value.serialize(Shape), back.serialize(Shape)), (Ok(a), Ok(b)) if a == b);
    (!is_same).then(|| "another value is read again than was written".to_owned())
}

/// A serializer that makes a hash of everything that a value passes to it.
struct Shape;

/// A hash of several parts.
struct HashedParts {
    of: u64,
    parts: Vec<u64>,
    key: u64,
    is_ordered: bool,
}

fn hashed(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

impl HashedParts {
    fn of(what: impl Hash, is_ordered: bool) -> Self {
        Self { of: hashed(what), parts: Vec::new(), key: 0, is_ordered }
    }

    fn add(&mut self, name: u64, value: &(impl Serialize + ?Sized)) -> Result<(), fmt::Error> {
        self.parts.push(hashed((name, value.serialize(Shape)?)));
        Ok(())
    }

    fn all(mut self) -> u64 {
        if !self.is_ordered {
            self.parts.sort_unstable();
        }
        hashed((self.of, self.parts))
    }
}

/// Values that are hashed as they are.
macro_rules! scalars {
    ($($method:ident: $kind:ty;)*) => {
        $(
            fn $method(self, value: $kind) -> Result<u64, fmt::Error> {
                Ok(hashed((stringify!($method), value)))
            }
        )*
    };
}

impl Serializer for Shape {
    type Ok = u64;
    type Error = fmt::Error;
    type SerializeSeq = HashedParts;
    type SerializeTuple = HashedParts;
    type SerializeTupleStruct = HashedParts;
    type SerializeTupleVariant = HashedParts;
    type SerializeMap = HashedParts;
    type SerializeStruct = HashedParts;
    type SerializeStructVariant = HashedParts;

    scalars! {
        serialize_bool: bool;
        serialize_i8: i8;
        serialize_i16: i16;
        serialize_i32: i32;
        serialize_i64: i64;
        serialize_i128: i128;
        serialize_u8: u8;
        serialize_u16: u16;
        serialize_u32: u32;
        serialize_u64: u64;
        serialize_u128: u128;
        serialize_char: char;
        serialize_str: &str;
        serialize_bytes: &[u8];
        serialize_unit_struct: &'static str;
    }

    fn serialize_f32(self, value: f32) -> Result<u64, fmt::Error> {
        Ok(hashed(("f32", value.to_bits())))
    }

    fn serialize_f64(self, value: f64) -> Result<u64, fmt::Error> {
        Ok(hashed(("f64", value.to_bits())))
    }

    fn serialize_none(self) -> Result<u64, fmt::Error> {
        Ok(hashed("none"))
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<u64, fmt::Error> {
        Ok(hashed(("some", value.serialize(self)?)))
    }

    fn serialize_unit(self) -> Result<u64, fmt::Error> {
        Ok(hashed("unit"))
    }

    fn serialize_unit_variant(
        self,
        name: &'static str,
        index: u32,
        _: &'static str,
    ) -> Result<u64, fmt::Error> {
        Ok(hashed((name, index)))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<u64, fmt::Error> {
        Ok(hashed((name, value.serialize(self)?)))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        _: &'static str,
        value: &T,
    ) -> Result<u64, fmt::Error> {
        Ok(hashed((name, index, value.serialize(self)?)))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<HashedParts, fmt::Error> {
        Ok(HashedParts::of("seq", false))
    }

    fn serialize_tuple(self, _: usize) -> Result<HashedParts, fmt::Error> {
        Ok(HashedParts::of("tuple", true))
    }

    fn serialize_tuple_struct(
        self,
        name: &'static str,
        _: usize,
    ) -> Result<HashedParts, fmt::Error> {
        Ok(HashedParts::of(name, true))
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<HashedParts, fmt::Error> {
        Ok(HashedParts::of((name, index), true))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<HashedParts, fmt::Error> {
        Ok(HashedParts::of("map", false))
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<HashedParts, fmt::Error> {
        Ok(HashedParts::of(name, false))
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<HashedParts, fmt::Error> {
        Ok(HashedParts::of((name, index), false))
    }
}

/// Parts without names.
macro_rules! elements {
    ($($kind:ident $method:ident;)*) => {
        $(
            impl ser::$kind for HashedParts {
                type Ok = u64;
                type Error = fmt::Error;

                fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), fmt::Error> {
                    self.add(0, value)
                }

                fn end(self) -> Result<u64, fmt::Error> {
                    Ok(self.all())
                }
            }
        )*
    };
}

elements! {
    SerializeSeq serialize_element;
    SerializeTuple serialize_element;
    SerializeTupleStruct serialize_field;
    SerializeTupleVariant serialize_field;
}

/// Parts with names.
macro_rules! fields {
    ($($kind:ident;)*) => {
        $(
            impl ser::$kind for HashedParts {
                type Ok = u64;
                type Error = fmt::Error;

                fn serialize_field<T: Serialize + ?Sized>(
                    &mut self,
                    name: &'static str,
                    value: &T,
                ) -> Result<(), fmt::Error> {
                    self.add(hashed(name), value)
                }

                fn end(self) -> Result<u64, fmt::Error> {
                    Ok(self.all())
                }
            }
        )*
    };
}

fields! {
    SerializeStruct;
    SerializeStructVariant;
}

impl ser::SerializeMap for HashedParts {
    type Ok = u64;
    type Error = fmt::Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), fmt::Error> {
        self.key = key.serialize(Shape)?;
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), fmt::Error> {
        self.add(self.key, value)
    }

    fn end(self) -> Result<u64, fmt::Error> {
        Ok(self.all())
    }
}
