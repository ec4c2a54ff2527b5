//! Checks the settings of a server when a store connects to it.

use crate::store::finding::Finding;
use std::cmp::Reverse;
use std::collections::HashMap;

/// The settings of a server by their names, as the server reports them.
#[derive(Debug, Default)]
pub(in crate::store) struct ServerSettings(HashMap<String, String>);

impl ServerSettings {
    /// The value of a setting; empty if the server does not know it.
    pub(in crate::store) fn get(&self, name: &str) -> &str {
        self.find(name).unwrap_or_default()
    }

    /// The value of a setting, if the server knows it.
    pub(in crate::store) fn find(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for ServerSettings {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(settings: I) -> Self {
        Self(settings.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

/// A check of the settings of one server.
pub(in crate::store) type SettingCheck<S> = fn(&S) -> Option<Finding>;

/// The findings of these checks on these servers, the worst first.
pub(in crate::store) fn findings<S>(servers: &[S], checks: &[SettingCheck<S>]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for finding in servers.iter().flat_map(|server| checks.iter().filter_map(|check| check(server)))
    {
        // Servers with the same setting are one finding.
        if !findings.contains(&finding) {
            findings.push(finding);
        }
    }
    findings.sort_by_key(|finding| Reverse(finding.severity));
    findings
}
