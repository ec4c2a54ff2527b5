//! The definition of a guarded function: its place in the source.

use std::fmt;

/// The definition of a guarded function: its path, its name and its place in the source.
///
/// The path alone tells no two functions apart: that of a method, or of a function in a function, is
/// its module's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Definition {
    path: &'static str,
    name: &'static str,
    place: &'static str,
}

impl Definition {
    /// The function with this path, such as `shop::orders::create`, with this name, at this place, such
    /// as `src/orders.rs:12`; the attribute takes all from the function.
    #[must_use]
    pub const fn new(path: &'static str, name: &'static str, place: &'static str) -> Self {
        Self { path, name, place }
    }

    /// The function's path.
    #[must_use]
    pub const fn path(self) -> &'static str {
        self.path
    }

    /// The function's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.name
    }
}

impl fmt::Display for Definition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.path, self.place)
    }
}
