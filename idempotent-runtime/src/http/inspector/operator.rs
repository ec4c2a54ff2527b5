//! Whoever looks at the inspector.

/// Whoever looks at the inspector, as the app's check found.
///
/// Tokens of forms are bound to the name, and it stands on the page and in the log: a name, and no credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    name: String,
}

impl Operator {
    /// An operator of this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into() }
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}
