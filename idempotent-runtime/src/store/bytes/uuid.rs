//! A UUID in its usual spelling, as most keys of requests are. The number takes 16 bytes, the text 36.

use crate::key::hex;
use std::fmt;

/// The length of the spelling, the places of its hyphens, and the place of the first digit of each byte.
const LENGTH: usize = 36;
const HYPHENS: [usize; 4] = [8, 13, 18, 23];
const BYTES: [usize; Uuid::SIZE] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];

/// The value of each digit, by its letter. All other letters have the value [`NONE`].
const VALUES: [u8; 256] = {
    let (mut values, mut value) = ([NONE; 256], 0);
    while value < 16 {
        values[b"0123456789abcdef"[value as usize] as usize] = value;
        value += 1;
    }
    values
};
const NONE: u8 = 0xff;

/// The number of a UUID of any version, spelled in lower-case digits, in groups of 8, 4, 4, 4 and 12.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct Uuid([u8; Self::SIZE]);

impl Uuid {
    /// Its size in bytes.
    pub(in crate::store) const SIZE: usize = 16;

    /// The number of this text, if it is such a spelling.
    pub(in crate::store) fn of(text: &str) -> Option<Self> {
        let text: &[u8; LENGTH] = text.as_bytes().try_into().ok()?;
        let (mut bytes, mut seen) = ([0; Self::SIZE], 0);
        for (byte, place) in bytes.iter_mut().zip(BYTES) {
            let [high, low] = [text[place], text[place + 1]].map(|it| VALUES[usize::from(it)]);
            *byte = high << 4 | low;
            seen |= high | low;
        }
        let is_spelled = seen != NONE && HYPHENS.iter().all(|place| text[*place] == b'-');
        is_spelled.then_some(Self(bytes))
    }

    pub(in crate::store) const fn from_bytes(bytes: [u8; Self::SIZE]) -> Self {
        Self(bytes)
    }

    pub(in crate::store) const fn as_bytes(&self) -> &[u8; Self::SIZE] {
        &self.0
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut rest, groups) = (&self.0[..], [4, 2, 2, 2, 6]);
        for (place, length) in groups.into_iter().enumerate() {
            let (group, after) = rest.split_at(length);
            if place > 0 {
                f.write_str("-")?;
            }
            hex(f, group)?;
            rest = after;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const USUAL: &str = "5f0c6d3e-9a63-4b43-8d53-0b5c1f1c9a77";

    proptest! {
        #[test]
        fn a_number_is_read_as_it_is_spelled(bytes: [u8; 16]) {
            let uuid = Uuid::from_bytes(bytes);
            prop_assert_eq!(Uuid::of(&uuid.to_string()), Some(uuid));
        }

        #[test]
        fn no_other_text_is_taken_for_a_number(place in 0..LENGTH, letter in any::<u8>()) {
            let mut text = USUAL.as_bytes().to_vec();
            text[place] = letter;
            let text = String::from_utf8_lossy(&text);
            if let Some(uuid) = Uuid::of(&text) {
                prop_assert_eq!(uuid.to_string(), text);
            }
        }
    }

    #[test]
    fn other_spellings_stay_texts() {
        assert_eq!(Uuid::of(USUAL).map(|uuid| uuid.to_string()).as_deref(), Some(USUAL));
        let moved = "5f0c6d3e9-a63-4b43-8d53-0b5c1f1c9a77";
        let longer = format!("{USUAL}0");
        let bare = USUAL.replace('-', "");
        let none = USUAL.replace('-', "0");
        for text in ["", moved, &longer, &bare, &none, &USUAL.to_uppercase(), &USUAL[1..]] {
            assert_eq!(Uuid::of(text), None, "{text}");
        }
    }
}
