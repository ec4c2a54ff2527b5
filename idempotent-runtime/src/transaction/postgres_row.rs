//! `PostgreSQL`: the row that a plan names, in SQL.

use crate::policy::ColumnValue;
use crate::transaction::dialect::quoted;
use crate::transaction::plan::RowPlan;
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, PgConnection, Postgres};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The type to which a value is cast for a column. It has no length, because a cast would cut a value that
/// is too long; for smaller integers it is `bigint`, so that no value is out of range.
const TYPE: &str = "\
SELECT CASE WHEN atttypid IN ('int2'::regtype, 'int4'::regtype) THEN 'bigint'
            ELSE format_type(atttypid, -1) END
FROM pg_attribute
WHERE attrelid = to_regclass($1) AND attname = $2 AND attnum > 0 AND NOT attisdropped";

const QUOTES: [char; 2] = ['"', '"'];

/// The SQL that finds rows, with the types of their columns that were read before.
#[derive(Debug, Default)]
pub(super) struct RowSql {
    /// The types of columns, by table and column.
    types: Mutex<HashMap<(&'static str, &'static str), Arc<str>>>,
}

impl RowSql {
    /// Reads the type of a row's column, only once for each.
    pub(super) async fn column_type(
        &self,
        connection: &mut PgConnection,
        table: &'static str,
        column: &'static str,
    ) -> Result<Arc<str>, sqlx::Error> {
        let types = || self.types.lock().unwrap_or_else(PoisonError::into_inner);
        let known = types().get(&(table, column)).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let look = sqlx::query_scalar(TYPE).bind(quoted(table, QUOTES)).bind(column);
        let found: Option<String> = look.fetch_optional(connection).await?;
        let missing = || sqlx::Error::ColumnNotFound(format!("{table}.{column}"));
        let found: Arc<str> = found.ok_or_else(missing)?.into();
        types().insert((table, column), Arc::clone(&found));
        Ok(found)
    }

    /// The condition that finds a row; [`bind_row`] binds its values. Owners are compared byte by byte.
    pub(super) async fn condition(
        &self,
        connection: &mut PgConnection,
        plan: &RowPlan,
    ) -> Result<String, sqlx::Error> {
        let id = plan.row.id;
        let kind = self.column_type(connection, plan.row.table, id).await?;
        let id = format!("\"{id}\" = CAST($1::text AS {kind})");
        Ok(match &plan.owner {
            Some(owner) => {
                format!("{id} AND CAST(\"{}\" AS text) COLLATE \"C\" = $2::text", owner.column)
            }
            None => id,
        })
    }

    pub(super) async fn place(
        &self,
        connection: &mut PgConnection,
        plan: &RowPlan,
    ) -> Result<String, sqlx::Error> {
        let condition = self.condition(connection, plan).await?;
        Ok(format!("FROM {} WHERE {condition}", table(plan)))
    }

    /// Passes on the answer to a row's statement; `None` if the given id does not fit the column's type.
    pub(super) async fn if_id_fits<T>(
        &self,
        connection: &mut PgConnection,
        plan: &RowPlan,
        answer: Result<T, sqlx::Error>,
    ) -> Result<Option<T>, sqlx::Error> {
        let error = match answer {
            Err(error) if is_misfit(&error) => error,
            answer => return answer.map(Some),
        };
        // Either the id or the value of the other column did not fit. The transaction has failed in both cases.
        sqlx::raw_sql("ROLLBACK").execute(&mut *connection).await?;
        let id = self.column_type(connection, plan.row.table, plan.row.id).await?;
        let cast = format!("SELECT CAST($1::text AS {id}) IS NULL");
        let cast = sqlx::query(AssertSqlSafe(cast)).bind(&plan.id).execute(&mut *connection).await;
        sqlx::raw_sql("BEGIN").execute(connection).await?;
        match cast {
            Err(misfit) if is_misfit(&misfit) => Ok(None),
            Err(other) => Err(other),
            Ok(_) => Err(error),
        }
    }
}

type PgQuery<'q> = Query<'q, Postgres, PgArguments>;

pub(super) fn table(plan: &RowPlan) -> String {
    quoted(plan.row.table, QUOTES)
}

pub(super) fn bind_row<'q>(query: PgQuery<'q>, plan: &'q RowPlan) -> PgQuery<'q> {
    let query = query.bind(&plan.id);
    match &plan.owner {
        Some(owner) => query.bind(&owner.value),
        None => query,
    }
}

pub(super) fn bind_value(query: PgQuery<'_>, value: ColumnValue) -> PgQuery<'_> {
    match value {
        ColumnValue::Integer(number) => query.bind(number),
        ColumnValue::Text(text) => query.bind(text),
    }
}

/// Whether a value did not fit its type or its domain's condition.
fn is_misfit(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(refusal) = error else { return false };
    refusal.code().is_some_and(|code| code.starts_with("22") || code == "23514")
}
