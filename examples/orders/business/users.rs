//! The contacts of an account.

use super::Connection;
use super::database::on;
use serde::Serialize;

/// A contact of an account.
#[derive(Debug, Serialize)]
pub(crate) struct User {
    id: String,
    name: String,
}

/// Finds a contact. One that was given no name has a made-up one.
pub(crate) async fn find(
    connection: Connection<'_>,
    account: &str,
    id: &str,
) -> sqlx::Result<User> {
    let named: Option<(String,)> = on!(connection, connection, db => {
        let find = sqlx::query_as(db::sql("SELECT name FROM users WHERE account = ? AND id = ?"));
        find.bind(account).bind(id).fetch_optional(connection).await?
    });
    let name = named.map_or_else(|| format!("User {id}"), |(name,)| name);
    Ok(User { id: id.to_owned(), name })
}

pub(crate) async fn rename(
    connection: Connection<'_>,
    account: &str,
    id: &str,
    name: &str,
) -> sqlx::Result<()> {
    on!(connection, connection, db => {
        let rename = sqlx::query(db::sql(db::RENAME)).bind(account).bind(id).bind(name);
        rename.execute(connection).await.map(drop)
    })
}
