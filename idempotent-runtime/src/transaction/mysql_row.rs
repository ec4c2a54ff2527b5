//! `MariaDB` and `MySQL`: the row that a plan names, in SQL.

use crate::policy::ColumnValue;
use crate::transaction::dialect::quoted;
use crate::transaction::plan::RowPlan;
use sqlx::mysql::MySqlArguments;
use sqlx::query::Query;
use sqlx::{MySql, MySqlConnection};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

const TYPE: &str = "\
SELECT CAST(data_type AS CHAR) FROM information_schema.columns
WHERE table_schema = COALESCE(?, DATABASE()) AND table_name = ? AND column_name = ?";

/// The types of id columns, by table and column.
#[derive(Debug, Default)]
pub(super) struct IdTypes(Mutex<HashMap<(&'static str, &'static str), IdType>>);

impl IdTypes {
    /// The id of a plan's row in the type of its column; `None` if no row can have this id.
    pub(super) async fn id<'p>(
        &self,
        connection: &mut MySqlConnection,
        plan: &'p RowPlan,
    ) -> Result<Option<Id<'p>>, sqlx::Error> {
        let place = (plan.row.table, plan.row.id);
        let id_types = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = id_types().get(&place).copied();
        if let Some(known) = known {
            return Ok(known.read(&plan.id));
        }
        let (schema, table) = match place.0.rsplit_once('.') {
            Some((schema, table)) => (Some(schema), table),
            None => (None, place.0),
        };
        let look = sqlx::query_scalar(TYPE).bind(schema).bind(table).bind(place.1);
        let found: Option<String> = look.fetch_optional(connection).await?;
        let missing = || sqlx::Error::ColumnNotFound(format!("{}.{}", place.0, place.1));
        let id_type = IdType::of(&found.ok_or_else(missing)?);
        id_types().insert(place, id_type);
        Ok(id_type.read(&plan.id))
    }
}

/// The kind of type that a table's ids have, which decides how they are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum IdType {
    /// Integers. `MySQL` would take a text that only begins with a number for that number.
    Integer,
    /// Other numbers, with the same problem.
    Number,
    /// All other types, which are compared as text.
    Text,
}

/// An id, as it is bound to a statement.
#[derive(Clone, Copy)]
pub(super) enum Id<'a> {
    Signed(i64),
    Unsigned(u64),
    Text(&'a str),
}

impl IdType {
    fn of(data_type: &str) -> Self {
        match data_type.to_ascii_lowercase().as_str() {
            "tinyint" | "smallint" | "mediumint" | "int" | "bigint" | "year" => Self::Integer,
            "decimal" | "float" | "double" => Self::Number,
            _ => Self::Text,
        }
    }

    /// Reads a text as an id of this type, if it is one.
    fn read(self, text: &str) -> Option<Id<'_>> {
        match self {
            Self::Integer => {
                let signed = text.parse().map(Id::Signed);
                signed.or_else(|_| text.parse().map(Id::Unsigned)).ok()
            }
            Self::Number => {
                let is_number = text.parse::<f64>().is_ok_and(f64::is_finite);
                is_number.then_some(Id::Text(text))
            }
            Self::Text => Some(Id::Text(text)),
        }
    }
}

pub(super) fn table(plan: &RowPlan) -> String {
    quoted(plan.row.table, ['`', '`'])
}

/// The condition that finds a row; [`bind_row`] binds its values. Owners are compared byte by byte: by a
/// collation, `alice` would get the rows of `Alice`, too.
pub(super) fn condition(plan: &RowPlan) -> String {
    let id = format!("`{}` = ?", plan.row.id);
    match &plan.owner {
        Some(owner) => {
            let column = format!("CAST(CONVERT(`{}` USING utf8mb4) AS BINARY)", owner.column);
            format!("{id} AND {column} = CAST(? AS BINARY)")
        }
        None => id,
    }
}

pub(super) fn place(plan: &RowPlan) -> String {
    format!("FROM {} WHERE {}", table(plan), condition(plan))
}

type MySqlQuery<'q> = Query<'q, MySql, MySqlArguments>;

pub(super) fn bind_row<'q>(query: MySqlQuery<'q>, id: Id<'q>, plan: &'q RowPlan) -> MySqlQuery<'q> {
    let query = match id {
        Id::Signed(number) => query.bind(number),
        Id::Unsigned(number) => query.bind(number),
        Id::Text(text) => query.bind(text),
    };
    match &plan.owner {
        Some(owner) => query.bind(&owner.value),
        None => query,
    }
}

pub(super) fn bind_value(query: MySqlQuery<'_>, value: ColumnValue) -> MySqlQuery<'_> {
    match value {
        ColumnValue::Integer(number) => query.bind(number),
        ColumnValue::Text(text) => query.bind(text),
    }
}
