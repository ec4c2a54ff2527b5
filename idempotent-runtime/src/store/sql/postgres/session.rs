//! The settings of every connection, by statements: what stands between may drop those that come with it.

use std::time::Duration;

/// No statement takes longer than the store waits for it, in milliseconds, and no more than the server knows.
const STATEMENT_TIMEOUT: u64 = 1400;
const LOCK_TIMEOUT: u64 = 1000;
const LONGEST_TIMEOUT: u128 = i32::MAX as u128;

/// The statements that set a connection up whose login has these options; its own may take so much longer.
///
/// Of two that write the same row, the second waits instead of failing.
pub(super) fn settings(options: Option<&str>, more: Duration) -> String {
    let limit = |usual: u64| Duration::from_millis(usual).saturating_add(more).as_millis();
    format!(
        "{}SET statement_timeout = {}; SET lock_timeout = {}; \
         SET default_transaction_isolation = 'read committed'",
        options.map(dropped).unwrap_or_default(),
        limit(STATEMENT_TIMEOUT).min(LONGEST_TIMEOUT),
        limit(LOCK_TIMEOUT).min(LONGEST_TIMEOUT),
    )
}

/// The statement that sets those options that did not come with the connection.
fn dropped(options: &str) -> String {
    let values = pairs(options).into_iter();
    let values = values.map(|(name, value)| format!("({}, {})", literal(&name), literal(&value)));
    let values = values.collect::<Vec<_>>().join(", ");
    if values.is_empty() {
        return values;
    }
    format!(
        "SELECT set_config(given.name, given.value, false) FROM (VALUES {values}) AS given (name, value) \
         WHERE NOT EXISTS (SELECT FROM pg_settings AS known \
         WHERE lower(known.name) = lower(given.name) AND known.source = 'client'); "
    )
}

/// The settings in `-c name=value` and `--name=value`, as the server reads them; other options are no settings.
fn pairs(options: &str) -> Vec<(String, String)> {
    let mut words = words(options).into_iter();
    let mut pairs = Vec::new();
    while let Some(word) = words.next() {
        let (setting, is_long) = match (word.strip_prefix("--"), word.strip_prefix("-c")) {
            (Some(long), _) => (long.to_owned(), true),
            (None, Some("")) => (words.next().unwrap_or_default(), false),
            (None, Some(short)) => (short.to_owned(), false),
            (None, None) => continue,
        };
        if let Some((name, value)) = setting.split_once('=') {
            let name = if is_long { name.replace('-', "_") } else { name.to_owned() };
            pairs.push((name, value.to_owned()));
        }
    }
    pairs
}

/// The words between spaces; a backslash takes what follows as it is.
fn words(options: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = None::<String>;
    let mut characters = options.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => word.get_or_insert_default().extend(characters.next()),
            space if space.is_ascii_whitespace() => words.extend(word.take()),
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    words
}

/// A text, whatever `standard_conforming_strings` says.
fn literal(text: &str) -> String {
    format!("E'{}'", text.replace('\\', r"\\").replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_as_the_server_reads_them() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            pairs(r"-c search_path=a,\ b -cwork_mem=1MB  --lock-timeout=5s -e -d 3 -c x.y=p\\=q"),
            [
                pair("search_path", "a, b"),
                pair("work_mem", "1MB"),
                pair("lock_timeout", "5s"),
                pair("x.y", r"p\=q"),
            ]
        );
        assert_eq!(pairs(" -c -c"), []);
    }

    #[test]
    fn a_value_is_no_statement() {
        assert_eq!(literal(r"a'; DROP \' --"), r"E'a''; DROP \\'' --'");
    }

    #[test]
    fn the_limits_grow_with_patience_up_to_what_the_server_knows() {
        let set = settings(None, Duration::from_secs(1));
        assert!(set.starts_with("SET statement_timeout = 2400; SET lock_timeout = 2000;"), "{set}");
        let set = settings(None, Duration::MAX);
        assert!(set.contains("statement_timeout = 2147483647;"), "{set}");
    }
}
