//! The fields of a policy as they stand in a file, and their meaning.

use crate::policy::LONGEST;
use actix_web::http::header::HeaderName;
use serde::Deserialize;
use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;
use std::time::Duration;

/// The fields of a policy as they stand in a file.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct WrittenPolicy {
    pub(super) strategy: Option<WrittenValue>,
    pub(super) operation: Option<WrittenValue>,
    pub(super) ttl: Option<WrittenValue>,
    pub(super) lease: Option<WrittenValue>,
    pub(super) on_duplicate: Option<WrittenValue>,
    pub(super) on_in_flight: Option<WrittenValue>,
    pub(super) wait: Option<WrittenValue>,
    pub(super) on_abandoned: Option<WrittenValue>,
    pub(super) on_store_error: Option<WrittenValue>,
    pub(super) fingerprint: Option<WrittenValue>,
    pub(super) store: Option<WrittenValue>,
    pub(super) headers: Option<WrittenValue>,
    pub(super) drop_headers: Option<WrittenValue>,
    pub(super) max_body: Option<WrittenValue>,
    pub(super) message: Option<WrittenValue>,
    pub(super) required: Option<WrittenValue>,
    pub(super) within: Option<WrittenValue>,
}

/// A value of any type. If the type is wrong, the field's own message names it, since the file format cannot.
#[derive(Debug)]
pub(super) enum WrittenValue {
    Text(String),
    Flag(bool),
    Number(u64),
    Other(&'static str),
}

/// A field: its name, and its value if the file has one.
pub(super) struct PolicyField<'a>(pub(super) &'static str, pub(super) Option<&'a WrittenValue>);

/// A field with a wrong value.
#[derive(Debug)]
pub(super) struct WrongField {
    name: &'static str,
    what: String,
}

impl fmt::Display for WrongField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.name, self.what)
    }
}

impl PolicyField<'_> {
    pub(super) fn wrong(&self, what: &str) -> WrongField {
        WrongField { name: self.0, what: what.to_owned() }
    }

    pub(super) fn text(&self) -> Result<Option<String>, WrongField> {
        match self.1 {
            None => Ok(None),
            Some(WrittenValue::Text(text)) if text.trim().is_empty() => {
                Err(self.wrong("it is empty; give it a value or leave it out"))
            }
            Some(WrittenValue::Text(text)) => Ok(Some(text.clone())),
            Some(other) => Err(self.wrong(&format!("{other} is not text"))),
        }
    }

    pub(super) fn flag(&self) -> Result<Option<bool>, WrongField> {
        match self.1 {
            None => Ok(None),
            Some(WrittenValue::Flag(flag)) => Ok(Some(*flag)),
            Some(other) => Err(self.wrong(&format!("{other} is neither `true` nor `false`"))),
        }
    }

    pub(super) fn choice<T: Copy>(
        &self,
        choices: &[(&'static str, T)],
    ) -> Result<Option<T>, WrongField> {
        let Some(written) = self.text()? else { return Ok(None) };
        let chosen = choices.iter().find(|(word, _)| *word == written);
        chosen.map(|(_, choice)| Some(*choice)).ok_or_else(|| {
            let words: Vec<_> = choices.iter().map(|(word, _)| format!("`{word}`")).collect();
            self.wrong(&format!("`{written}` is none of {}", words.join(", ")))
        })
    }

    /// A duration: a number and a unit, more than zero and at most ten years.
    pub(super) fn duration(&self) -> Result<Option<Duration>, WrongField> {
        let wrong = |what: String| {
            let how = "write a whole number and `ms`, `s`, `m`, `h` or `d`, such as `90s`";
            self.wrong(&format!("{what}: {how}"))
        };
        let written = match self.1 {
            None => return Ok(None),
            Some(WrittenValue::Text(text)) => text,
            Some(other) => return Err(wrong(format!("{other} is not a duration"))),
        };
        let (number, unit) = split(written);
        let per_unit = match unit {
            "ms" => Some(1),
            "s" => Some(1000),
            "m" => Some(60 * 1000),
            "h" => Some(3600 * 1000),
            "d" => Some(24 * 3600 * 1000),
            _ => None,
        };
        let (Ok(number), Some(per_unit)) = (number.parse::<u64>(), per_unit) else {
            return Err(wrong(format!("`{written}` is not a duration")));
        };
        match number.checked_mul(per_unit).map(Duration::from_millis) {
            Some(Duration::ZERO) => Err(wrong("a duration of zero".to_owned())),
            Some(duration) if duration <= LONGEST => Ok(Some(duration)),
            _ => Err(wrong(format!("`{written}` is longer than ten years"))),
        }
    }

    /// A number of bytes, with or without a unit.
    pub(super) fn size(&self) -> Result<Option<usize>, WrongField> {
        let written = match self.1 {
            None => return Ok(None),
            Some(WrittenValue::Text(text)) => text.clone(),
            Some(other) => other.to_string().trim_matches('`').to_owned(),
        };
        let (number, unit) = split(&written);
        let shift = match unit.trim() {
            "" | "B" => Some(0),
            "KiB" => Some(10),
            "MiB" => Some(20),
            _ => None,
        };
        let size = number.parse::<usize>().ok().zip(shift);
        match size.and_then(|(number, shift)| number.checked_mul(1 << shift)) {
            Some(bytes @ 1..=0x4000_0000) => Ok(Some(bytes)),
            Some(_) => Err(self.wrong("it is zero, or over 1024 MiB")),
            None => Err(self.wrong(&format!(
                "`{written}` is not a size: write a whole number of bytes, or with a unit, such as `64KiB`"
            ))),
        }
    }

    /// Statuses, and classes of statuses, as inclusive ranges.
    pub(super) fn statuses(&self) -> Result<Option<Vec<(u16, u16)>>, WrongField> {
        let Some(written) = self.text()? else { return Ok(None) };
        let ranges = written.split(',').map(|item| {
            range(item.trim()).ok_or_else(|| {
                let item = item.trim();
                self.wrong(&format!(
                    "`{item}` is not a status: write `2xx, 404` or so, from 200 to 599"
                ))
            })
        });
        ranges.collect::<Result<_, _>>().map(Some)
    }

    /// Names of headers, in lower case.
    pub(super) fn names(&self) -> Result<Vec<String>, WrongField> {
        let written = self.text()?;
        let names = written.iter().flat_map(|written| written.split(',')).map(str::trim);
        let known = names.map(|name| match HeaderName::try_from(name) {
            Ok(name) => Ok(name.as_str().to_owned()),
            Err(_) => Err(self.wrong(&format!("`{name}` is not the name of a header"))),
        });
        known.collect()
    }
}

/// Splits a number from its unit.
fn split(written: &str) -> (&str, &str) {
    let unit_at = written.find(|c: char| !c.is_ascii_digit()).unwrap_or(written.len());
    written.split_at(unit_at)
}

fn range(item: &str) -> Option<(u16, u16)> {
    if let [class @ b'2'..=b'5', b'x', b'x'] = item.as_bytes() {
        let first = u16::from(class - b'0') * 100;
        return Some((first, first + 99));
    }
    let status = item.parse().ok().filter(|status| (200..=599).contains(status))?;
    Some((status, status))
}

impl fmt::Display for WrittenValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "`{text}`"),
            Self::Flag(flag) => write!(f, "`{flag}`"),
            Self::Number(number) => write!(f, "`{number}`"),
            Self::Other(what) => f.write_str(what),
        }
    }
}

impl<'de> Deserialize<'de> for WrittenValue {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

/// Takes any value.
struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = WrittenValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a number, `true` or `false`")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<WrittenValue, E> {
        Ok(WrittenValue::Text(text.to_owned()))
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<WrittenValue, E> {
        Ok(WrittenValue::Flag(flag))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<WrittenValue, E> {
        Ok(WrittenValue::Number(number))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<WrittenValue, E> {
        Ok(u64::try_from(number)
            .map_or(WrittenValue::Other("a number below zero"), WrittenValue::Number))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<WrittenValue, E> {
        Ok(WrittenValue::Other("a number with a fraction"))
    }

    fn visit_unit<E: Error>(self) -> Result<WrittenValue, E> {
        Ok(WrittenValue::Other("nothing"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<WrittenValue, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(WrittenValue::Other("a list"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<WrittenValue, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(WrittenValue::Other("a table"))
    }
}
