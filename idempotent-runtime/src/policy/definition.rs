//! The definition of a guarded function: its place in the source.

use std::fmt;

/// The definition of a guarded function: its path, its name and its place in the source.
///
/// Two functions can have the same path: a method, or a function inside a function, has the path of its module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Definition {
    path: &'static str,
    name: &'static str,
    place: &'static str,
    id: DefinitionId,
}

impl Definition {
    /// The definition of the function with this path, such as `shop::orders::create`, with this name, at this
    /// place, such as `src/orders.rs:12`. The attribute takes all three from the function.
    #[must_use]
    pub const fn new(path: &'static str, name: &'static str, place: &'static str) -> Self {
        Self { path, name, place, id: DefinitionId::of(path) }
    }

    /// The function's path.
    #[must_use]
    pub const fn path(self) -> &'static str {
        self.path
    }

    /// The id of the function in records.
    pub(crate) const fn id(self) -> DefinitionId {
        self.id
    }

    /// The function's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.name
    }
}

/// The id of a function in records: a 64-bit hash of its path.
///
/// The place in the source is not a part of it, since that changes with every line above it.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct DefinitionId(u64);

impl DefinitionId {
    /// The id of no function: in records before their first claim, and of locks.
    pub const NONE: Self = Self(0);

    /// The id of no function: in the record of a task that a person forgot, and that a request may become again.
    pub(crate) const FORGOTTEN: Self = Self(1);

    /// The id of a path: its FNV-1a hash, computed by the compiler. Attackers cannot choose paths.
    #[must_use]
    pub const fn of(path: &str) -> Self {
        let (mut hash, mut rest) = (0xcbf2_9ce4_8422_2325_u64, path.as_bytes());
        if rest.is_empty() {
            return Self::NONE;
        }
        while let [byte, after @ ..] = rest {
            hash = (hash ^ *byte as u64).wrapping_mul(0x0000_0100_0000_01b3);
            rest = after;
        }
        Self(hash)
    }

    pub(crate) const fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(u64::from_le_bytes(bytes))
    }

    pub(crate) const fn as_bytes(self) -> [u8; 8] {
        self.0.to_le_bytes()
    }
}

impl fmt::Display for DefinitionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for DefinitionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Definition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.path, self.place)
    }
}
