//! SQLite as the judge of what a history of statements should have answered.

use std::collections::BTreeMap;

use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, params_from_iter};

use crate::history::Table;
use crate::render::Cell;

/// The rows of one table by their key.
pub type Rows = BTreeMap<String, Vec<Cell>>;

/// A database in memory that holds what FirnDB should.
#[derive(Debug)]
pub struct Oracle {
    connection: Connection,
}

impl Default for Oracle {
    fn default() -> Self {
        Self::new()
    }
}

impl Oracle {
    /// An empty database that compares text as FirnDB does: byte by byte.
    ///
    /// # Panics
    /// When SQLite cannot be opened.
    #[must_use]
    pub fn new() -> Self {
        let connection = Connection::open_in_memory().unwrap();
        connection.pragma_update(None, "case_sensitive_like", "ON").unwrap();
        Self { connection }
    }

    /// What `sql` answers.
    ///
    /// # Errors
    /// SQLite's own.
    pub fn query(&self, sql: &str) -> rusqlite::Result<Vec<Vec<Cell>>> {
        // Not from the cache: a statement prepared before an ALTER still counts the columns of then.
        let mut statement = self.connection.prepare(sql)?;
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| (0..columns).map(|c| row.get_ref(c).map(cell)).collect())?;
        rows.collect()
    }

    /// How many rows `sql` changed.
    ///
    /// # Errors
    /// SQLite's own.
    pub fn execute(&self, sql: &str) -> rusqlite::Result<u64> {
        self.connection.prepare_cached(sql)?.execute([]).map(|n| n as u64)
    }

    /// Every row of the table that is called `physical` here.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn rows(&self, table: &Table, physical: &str) -> Rows {
        let rows = self.query(&format!("SELECT * FROM {physical}")).unwrap();
        rows.into_iter().map(|row| (key_of(table, &row), row)).collect()
    }

    /// Makes an empty table called `physical`.
    ///
    /// # Panics
    /// When it is there already.
    pub fn create(&self, table: &Table, physical: &str) {
        self.connection.execute(&table.sqlite_ddl(physical), []).unwrap();
    }

    /// Writes rows over those with the same keys.
    ///
    /// # Panics
    /// When they do not fit the table.
    pub fn put<'a>(&self, physical: &str, rows: impl IntoIterator<Item = &'a Vec<Cell>>) {
        for row in rows {
            let marks = vec!["?"; row.len()].join(", ");
            let sql = format!("INSERT OR REPLACE INTO {physical} VALUES ({marks})");
            let mut statement = self.connection.prepare_cached(&sql).unwrap();
            statement.execute(params_from_iter(row.iter().map(value))).unwrap();
        }
    }

    /// Removes the row with the key of `row`.
    ///
    /// # Panics
    /// When it is not there.
    pub fn remove(&self, table: &Table, physical: &str, row: &[Cell]) {
        let keys: Vec<String> = table.key.iter().map(|k| format!("{} = ?", table.columns[*k].name)).collect();
        let sql = format!("DELETE FROM {physical} WHERE {}", keys.join(" AND "));
        let mut statement = self.connection.prepare_cached(&sql).unwrap();
        let removed = statement.execute(params_from_iter(table.key.iter().map(|k| value(&row[*k])))).unwrap();
        assert_eq!(removed, 1, "the oracle lost a row of {physical}");
    }
}

/// The key of a row of `table`, as text.
#[must_use]
pub fn key_of(table: &Table, row: &[Cell]) -> String {
    key_text(table.key.iter().map(|k| &row[*k]))
}

/// The cells of a key as one text.
pub fn key_text<'a>(cells: impl Iterator<Item = &'a Cell>) -> String {
    cells.map(Cell::text).collect::<Vec<_>>().join("\u{1}")
}

fn cell(value: ValueRef<'_>) -> Cell {
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(i) => Cell::Int(i),
        ValueRef::Real(r) => Cell::Real(r),
        ValueRef::Text(t) => Cell::Text(String::from_utf8(t.to_vec()).unwrap()),
        ValueRef::Blob(b) => Cell::Bytes(b.to_vec()),
    }
}

fn value(cell: &Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Int(i) => Value::Integer(*i),
        Cell::Real(r) => Value::Real(*r),
        Cell::Text(t) => Value::Text(t.clone()),
        Cell::Bytes(b) => Value::Blob(b.clone()),
    }
}
