//! The bounds of what an engine holds in memory.

/// The most requests of one process that wait for one key, unless the app sets another number.
pub(crate) const WAITERS: usize = 10_240;

/// The bounds of one engine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EngineBounds {
    /// The most requests that wait for one key; at least one.
    pub(crate) waiters: usize,
    /// The most bytes of finished records that are remembered.
    pub(crate) remembered: usize,
}
