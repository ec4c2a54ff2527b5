//! A transition between two states of an enum, as generated code names it.

use crate::policy::states::{StateRow, may_follow};

/// An enum with `#[derive(States)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an enum with `#[derive(States)]`",
    label = "its states are not declared",
    note = "add `#[derive(States)]` to `{Self}`, and `#[to(…)]` to each variant that another may follow"
)]
pub trait StateTable {
    /// Every state, the value of its column, and the states that may follow it.
    const STATES: &'static [StateRow];
    /// The names of the variants, in the same order.
    const VARIANTS: &'static [&'static str];
}

/// A transition between two states of one enum.
#[derive(Clone, Copy, Debug)]
pub struct Transition {
    /// All states.
    pub states: &'static [StateRow],
    /// The places of its two states in that table.
    pub places: (usize, usize),
}

impl Transition {
    /// The transition between two variants. Generated code passes their names, too.
    ///
    /// # Panics
    /// When a name is not that of a variant.
    #[must_use]
    pub const fn of<S: StateTable>(_: &[S; 2], from: &str, to: &str) -> Self {
        let places = (place_of(S::VARIANTS, from), place_of(S::VARIANTS, to));
        Self { states: S::STATES, places }
    }

    /// Whether the enum declares it.
    #[must_use]
    pub const fn is_declared(&self) -> bool {
        may_follow(self.states, self.places.0, self.places.1)
    }
}

const fn place_of(variants: &[&str], name: &str) -> usize {
    let mut place = 0;
    while place < variants.len() {
        if is_same(variants[place].as_bytes(), name.as_bytes()) {
            return place;
        }
        place += 1;
    }
    panic!("`from` and `to` name variants of an enum, and no constants")
}

const fn is_same(one: &[u8], other: &[u8]) -> bool {
    let mut place = 0;
    while place < one.len() && place < other.len() && one[place] == other[place] {
        place += 1;
    }
    place == one.len() && place == other.len()
}

/// A state's number, in the type of a column.
///
/// # Panics
/// When it does not fit a signed 64-bit number.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "its range is asserted in the line above")]
pub const fn state_number(discriminant: i128) -> i64 {
    assert!(
        discriminant >= i64::MIN as i128 && discriminant <= i64::MAX as i128,
        "a column holds numbers of 64 bits with a sign"
    );
    discriminant as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_one_that_a_column_can_hold() {
        for number in [i64::MIN, -1, 0, i64::MAX] {
            assert_eq!(state_number(number.into()), number);
        }
    }

    #[test]
    #[should_panic(expected = "64 bits with a sign")]
    fn a_larger_number_is_refused() {
        let _ = state_number(u64::MAX.into());
    }

    #[test]
    fn only_a_whole_name_is_found() {
        let place = |name| place_of(&["Paid", "PaidOut", ""], name);
        assert_eq!((place("Paid"), place("PaidOut"), place("")), (0, 1, 2));
    }
}
