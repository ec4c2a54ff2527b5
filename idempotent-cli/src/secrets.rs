//! The credentials that a command was given, so that nothing prints them.
//!
//! The libraries leave credentials out of their errors. But in a misspelt URL, a password may stand where a
//! library expects a host, or where the parser of arguments expects a command.

use percent_encoding::percent_decode_str;

/// The variables whose whole value is a secret.
pub(crate) const PASSWORD: &str = "IDEMPOTENT_STORE_PASSWORD";
pub(crate) const DATABASE_PASSWORD: &str = "IDEMPOTENT_DATABASE_PASSWORD";
pub(crate) const KEY_SECRET: &str = "IDEMPOTENT_KEY_SECRET";

/// The variables whose value is a URL.
const URLS: [&str; 2] = ["IDEMPOTENT_STORE", "IDEMPOTENT_DATABASE"];

/// The names of parameters whose value is a password.
const PARAMETERS: [&str; 2] = ["pass", "password"];

/// The shortest part of a password that is hidden by itself: a shorter one would occur in every text.
const PART: usize = 3;

/// The text that replaces a credential.
const HIDDEN: &str = "…";

/// Texts that may not be printed.
#[derive(Clone, Default)]
pub(crate) struct Secrets(Vec<String>);

impl Secrets {
    /// The secrets in the arguments and the environment of this process.
    pub(crate) fn of_process() -> Self {
        let arguments = std::env::args_os().skip(1).map(|text| text.to_string_lossy().into_owned());
        let variable = |name: &&str| std::env::var(name).ok();
        let mut new = Self::of(arguments.chain(URLS.iter().filter_map(variable)));
        let whole = [PASSWORD, DATABASE_PASSWORD, KEY_SECRET];
        new.0.extend(whole.iter().filter_map(variable).filter(|secret| secret.len() >= PART));
        new.ordered()
    }

    /// The secrets in texts that may be URLs, even misspelt ones.
    fn of(texts: impl Iterator<Item = String>) -> Self {
        let mut found = Vec::new();
        for text in texts {
            if let Some(password) = user_info(&text) {
                // If the password is not encoded, a library may read its parts as something else.
                for form in [&password, &decode(&password)] {
                    let parts = form.split(['/', '?', '#', '@', ':']);
                    found.extend(parts.filter(|part| part.len() >= PART).map(str::to_owned));
                }
                // By itself it would occur in every text.
                found.push(if password.len() < PART { format!(":{password}@") } else { password });
            }
            found.extend(parameters(&text));
        }
        let decoded = found.iter().map(|secret| decode(secret));
        let decoded: Vec<_> = decoded.collect();
        found.extend(decoded);
        Self(found).ordered()
    }

    /// Puts the longest first, so that no part of one is left over.
    fn ordered(mut self) -> Self {
        self.0.retain(|secret| !secret.is_empty());
        self.0.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        self.0.dedup();
        self
    }

    /// The text without the secrets.
    pub(crate) fn hide(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| text.replace(secret, HIDDEN))
    }
}

fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// The password before the last `@`, or everything before it if no colon marks the password.
fn user_info(text: &str) -> Option<String> {
    let (before, _) = text.rsplit_once('@')?;
    let (_, behind_scheme) = before.split_once("//").unwrap_or(("", before));
    match behind_scheme.split_once(':') {
        Some((_, password)) => Some(password.to_owned()),
        // Without a colon there is only a user, unless the colon is encoded.
        None if before.contains("://") && !behind_scheme.contains('%') => None,
        None => Some(behind_scheme.to_owned()),
    }
}

fn parameters(text: &str) -> impl Iterator<Item = String> {
    let behind = text.split(['?', '&', '#']).skip(1);
    let named = behind.filter_map(|parameter| parameter.split_once('='));
    named.filter(|(name, _)| PARAMETERS.contains(name)).map(|(_, value)| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(given: &str, text: &str) -> String {
        Secrets::of([given.to_owned()].into_iter()).hide(text)
    }

    #[test]
    fn a_password_is_hidden_however_its_url_is_misspelt() {
        for url in [
            "redis://:pa55@host",
            "postgres://me:pa55@host/db",
            "postgres:/me:pa55@host/db",
            "postgres//me:pa55@host/db",
            "postgres//me%3Apa55@host/db",
            "me:pa55@host",
            "pa55@host",
            "--stor=postgres://me:pa55@host",
            "postgres://me:x/pa55@host/db",
            "sqlite://me:x?pa55@host/db",
            "postgres://host/db?password=pa55",
            "redis+unix:///a.sock?db=1&pass=pa55",
        ] {
            let told = hidden(url, &format!("cannot use {url}, which is pa55"));
            assert!(!told.contains("pa55") && told.contains(HIDDEN), "{url}: {told}");
        }
    }

    #[test]
    fn a_password_is_hidden_as_it_is_written_and_as_it_is_meant() {
        let url = "mysql://me:p%40ss@host/db";
        assert_eq!(hidden(url, "p%40ss or p@ss"), "… or …");
    }

    #[test]
    fn a_short_password_is_hidden_where_it_stands() {
        let url = "mysql://me:a@host/db";
        assert_eq!(hidden(url, &format!("a bad {url}")), "a bad mysql://me…host/db");
    }

    #[test]
    fn a_user_alone_is_no_secret() {
        assert_eq!(hidden("postgres://me@host/db", "me at host"), "me at host");
    }
}
