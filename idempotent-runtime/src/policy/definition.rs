//! The definition of a guarded function: its place in the source.

use std::fmt;

/// The definition of a guarded function: its module and its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Definition {
    module: &'static str,
    name: &'static str,
}

impl Definition {
    /// The function of this name in this module; the attribute takes both from the function.
    #[must_use]
    pub const fn new(module: &'static str, name: &'static str) -> Self {
        Self { module, name }
    }

    /// The function's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.name
    }
}

impl fmt::Display for Definition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.module.is_empty() {
            return f.write_str(self.name);
        }
        write!(f, "{}::{}", self.module, self.name)
    }
}
