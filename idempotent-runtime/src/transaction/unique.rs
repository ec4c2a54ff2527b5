//! Unique indexes: whether a statement failed because its row is there already.

use std::error::Error as StdError;

/// Whether a handler failed because the row that it inserted is there already.
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

/// `PostgreSQL` names the index. The others name it at the end of their messages, after values that
/// clients choose: `MySQL` quoted and after its table, `SQLite` by its columns.
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
fn is_unique_violation(error: &(dyn StdError + 'static), constraint: Option<&str>) -> bool {
    let Some(sqlx::Error::Database(refusal)) = error.downcast_ref() else { return false };
    let named = |name: &str| match refusal.constraint() {
        Some(index) => index == name,
        None => is_at_end(refusal.message(), name),
    };
    refusal.is_unique_violation() && constraint.is_none_or(named)
}

/// Whether the end of a message names this index, or all of its columns, with or without the table.
///
/// A column that is one of several is no name: another index may have it, too.
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
fn is_at_end(message: &str, name: &str) -> bool {
    let end = message.rsplit_once("for key ").or_else(|| message.rsplit_once("failed: "));
    let Some((_, end)) = end else { return false };
    // An index of expressions has no columns, and `SQLite` tells its name.
    let index = end.strip_prefix("index ").unwrap_or(end).trim_matches('\'');
    let bare = |column| str::rsplit_once(column, '.').map_or(column, |(_table, bare)| bare);
    index == name || index.split(", ").map(bare).eq(name.split(", "))
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
        let of_one = "UNIQUE constraint failed: codes.code";
        let of_two = "UNIQUE constraint failed: codes.tenant, codes.code";
        let of_an_expression = "UNIQUE constraint failed: index 'one_code'";
        let quoted = "Duplicate entry 'x for key 'code'' for key 'codes.one_code'";
        for (message, names, others) in [
            (of_one, &["codes.code", "code"][..], &["codes", "tenant, code", "e"][..]),
            (
                of_two,
                &["codes.tenant, codes.code", "tenant, code"],
                &["codes.code", "code", "codes.tenant", "tenant", "code, tenant"],
            ),
            (of_an_expression, &["one_code"], &["index", "code"]),
            (quoted, &["codes.one_code", "one_code"], &["code", "codes"]),
        ] {
            for name in names {
                assert!(is_at_end(message, name), "{message}: {name}");
            }
            for other in others {
                assert!(!is_at_end(message, other), "{message}: {other}");
            }
        }
    }
}
