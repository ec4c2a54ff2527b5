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

/// Whether the end of a message names this index, these columns, or one of them.
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
fn is_at_end(message: &str, name: &str) -> bool {
    let end = message.rsplit_once("for key ").or_else(|| message.rsplit_once("failed: "));
    let Some((_, end)) = end else { return false };
    let index = end.trim_matches('\'');
    let bare = index.rsplit_once('.').map(|(_table, bare)| bare);
    index == name || bare == Some(name) || index.split(", ").any(|column| column == name)
}

#[cfg(not(any(feature = "sqlite", feature = "postgres", feature = "mysql")))]
fn is_unique_violation(_: &(dyn StdError + 'static), _: Option<&str>) -> bool {
    false
}
