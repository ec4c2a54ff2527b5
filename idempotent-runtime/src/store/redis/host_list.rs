//! A URL that names several hosts.

/// The parts of such a URL after its scheme.
pub(super) struct HostList<'a> {
    /// User and password with their `@`.
    pub(super) user: &'a str,
    pub(super) hosts: Vec<&'a str>,
    /// The rest after the hosts, from the first `/` or `?`.
    pub(super) tail: &'a str,
}

impl<'a> HostList<'a> {
    /// Splits the URL after its scheme. There is at least one host, but it may be empty.
    pub(super) fn of(rest: &'a str) -> Self {
        let (authority, tail) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let (user, hosts) = authority.split_at(authority.rfind('@').map_or(0, |at| at + 1));
        Self { user, hosts: hosts.split(',').collect(), tail }
    }
}
