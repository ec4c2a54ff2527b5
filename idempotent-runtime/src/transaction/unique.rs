//! Unique indexes: whether a statement failed because its row exists already.

#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
use sqlx::error::DatabaseError;
use std::error::Error as StdError;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
use std::sync::Arc;

/// Whether a handler failed because the row that it inserted exists already.
pub(crate) fn met_unique_index(error: &(dyn StdError + 'static), constraint: Option<&str>) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if is_unique_violation(error, constraint) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Whether an error is a violation of this index. `PostgreSQL` names the index in a field of its own. The other
/// databases name it only in their messages, after values that clients choose.
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
fn is_unique_violation(error: &(dyn StdError + 'static), constraint: Option<&str>) -> bool {
    let shared = || error.downcast_ref::<Arc<sqlx::Error>>().map(|error| &**error);
    let Some(sqlx::Error::Database(refusal)) = error.downcast_ref().or_else(shared) else {
        return false;
    };
    let named = |name: &str| match refusal.constraint() {
        Some(index) => index == name,
        None => names(&**refusal, name),
    };
    refusal.is_unique_violation() && constraint.is_none_or(named)
}

/// Whether the message of a violation names this index.
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
fn names(refusal: &(dyn DatabaseError + 'static), name: &str) -> bool {
    #[cfg(feature = "mysql")]
    if refusal.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>().is_some() {
        return is_quoted_last(refusal.message(), name);
    }
    let columns = refusal.message().rsplit_once("failed: ");
    columns.is_some_and(|(_, columns)| are_columns(columns, name))
}

/// Whether the last quoted words of a message are this index, with or without its table. Messages may be in
/// many languages, and in each of them the index comes after the value.
#[cfg(any(feature = "mysql", test))]
fn is_quoted_last(message: &str, name: &str) -> bool {
    let Some(index) = message.rsplit('\'').nth(1) else { return false };
    index == name || bare(index) == name
}

/// Whether the columns that `SQLite` reports are these, with or without their table. An index of expressions has
/// no columns, so `SQLite` reports its name.
///
/// One column of several does not name an index: another index may have it, too.
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
fn are_columns(columns: &str, name: &str) -> bool {
    let index = columns.strip_prefix("index '").and_then(|index| index.strip_suffix('\''));
    match index {
        Some(index) => index == name,
        None => columns == name || columns.split(", ").map(bare).eq(name.split(", ")),
    }
}

/// A name without its table.
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
fn bare(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(_table, bare)| bare)
}

#[cfg(not(any(feature = "sqlite", feature = "postgres", feature = "mysql")))]
fn is_unique_violation(_: &(dyn StdError + 'static), _: Option<&str>) -> bool {
    false
}

#[cfg(all(test, any(feature = "sqlite", feature = "postgres", feature = "mysql")))]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_named_whole() {
        let of_one = "codes.code";
        let of_two = "codes.tenant, codes.code";
        let of_an_expression = "index 'one_code'";
        for (columns, names, others) in [
            (of_one, &["codes.code", "code"][..], &["codes", "tenant, code", "e"][..]),
            (
                of_two,
                &["codes.tenant, codes.code", "tenant, code"],
                &["codes.code", "code", "codes.tenant", "tenant", "code, tenant"],
            ),
            (of_an_expression, &["one_code"], &["index", "code", "index 'one_code'"]),
        ] {
            for name in names {
                assert!(are_columns(columns, name), "{columns}: {name}");
            }
            for other in others {
                assert!(!are_columns(columns, other), "{columns}: {other}");
            }
        }
    }

    /// The messages of `MariaDB`: its index is the last thing between quotes, not always the last word.
    #[test]
    fn an_index_is_named_in_every_language() {
        for message in [
            "Duplicate entry 'x' for key 'codes.one_code'",
            "Duplicate entry 'x for key 'code'' for key 'one_code'",
            "Doppelter Eintrag 'x' für Schlüssel 'one_code'",
            "Duplikalt bejegyzes 'it's' a 'one_code' kulcs szerint.",
            "'x' は索引 'one_code' で重複しています。",
            "Zvojený klíč 'x' (číslo klíče 'codes.one_code')",
        ] {
            assert!(is_quoted_last(message, "one_code"), "{message}");
            for other in ["code", "codes", "x", "key", "one"] {
                assert!(!is_quoted_last(message, other), "{message}: {other}");
            }
        }
        assert!(!is_quoted_last("of no key at all", "one_code"));
    }
}
