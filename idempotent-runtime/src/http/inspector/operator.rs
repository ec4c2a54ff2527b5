//! The person who uses the inspector.

/// The person who uses the inspector, as the app's check found.
///
/// The name is shown on the page and in the log, and the tokens of forms are bound to it. Give a name here,
/// never a credential.
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
