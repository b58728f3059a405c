//! Random statements that FirnDB and SQLite should answer alike.
//!
//! Statements name a table as `{name}`, because SQLite keeps one table per subject for what is one USER
//! table in FirnDB. What the two rightly disagree on is left out: integer overflow, implicit casts, an
//! upsert that meets a key twice, updates of a key that pass through a duplicate.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

/// A type of both databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// INTEGER or BIGINT.
    Int,
    /// TEXT.
    Text,
    /// DOUBLE PRECISION.
    Real,
}

/// A column.
#[derive(Debug, Clone)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: Kind,
    /// Whether NULL is a value of it.
    pub nullable: bool,
    /// Its default, as a literal.
    pub default: Option<String>,
}

/// A table.
#[derive(Debug, Clone)]
pub struct Table {
    /// Its name in FirnDB.
    pub name: &'static str,
    /// Whether each subject has rows of its own.
    pub user: bool,
    /// The primary key: positions in `columns`.
    pub key: Vec<usize>,
    /// Its columns.
    pub columns: Vec<Column>,
}

/// What a statement answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Rows in the order asked for.
    Ordered,
    /// Rows in any order.
    Unordered,
    /// A number of rows written.
    Count,
}

/// A statement with tables as `{name}`.
#[derive(Debug, Clone)]
pub struct Statement {
    /// The text.
    pub sql: String,
    /// What it answers with.
    pub answer: Answer,
    /// For a write: the table, and a query for every key that it may write, asked before it.
    pub writes: Option<(usize, String)>,
}

impl Table {
    /// Its definition for FirnDB.
    #[must_use]
    pub fn engine_ddl(&self) -> String {
        let owner = if self.user { "USER" } else { "SHARED" };
        format!("CREATE {owner} TABLE {} ({})", self.name, self.body(Column::engine_type))
    }

    /// Its definition for SQLite, called `physical`.
    #[must_use]
    pub fn sqlite_ddl(&self, physical: &str) -> String {
        format!("CREATE TABLE {physical} ({})", self.body(Column::sqlite_type))
    }

    fn body(&self, type_of: fn(&Column) -> &'static str) -> String {
        let columns: Vec<String> = self.columns.iter().map(|c| c.ddl(type_of(c))).collect();
        format!("{}, PRIMARY KEY ({})", columns.join(", "), self.key_list())
    }

    /// The names of the key columns.
    #[must_use]
    pub fn key_list(&self) -> String {
        self.key.iter().map(|k| self.columns[*k].name.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// Its name in SQLite for `subject`.
    #[must_use]
    pub fn physical(&self, subject: &str) -> String {
        if self.user { format!("{}__{subject}", self.name) } else { self.name.to_owned() }
    }

    fn values(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().enumerate().filter(|(at, _)| !self.key.contains(at)).map(|(_, c)| c)
    }
}

impl Column {
    fn new(name: &str, kind: Kind, nullable: bool) -> Self {
        Self { name: name.to_owned(), kind, nullable, default: None }
    }

    /// Its type in FirnDB.
    #[must_use]
    pub fn engine_type(&self) -> &'static str {
        match self.kind {
            Kind::Int => "BIGINT",
            Kind::Text => "TEXT",
            Kind::Real => "DOUBLE PRECISION",
        }
    }

    /// Its type in SQLite; not INTEGER, which would make a key another name of the row id.
    #[must_use]
    pub fn sqlite_type(&self) -> &'static str {
        match self.kind {
            Kind::Int => "INT",
            Kind::Text => "TEXT",
            Kind::Real => "REAL",
        }
    }

    /// Its definition with the type called `type_name`.
    #[must_use]
    pub fn ddl(&self, type_name: &str) -> String {
        let null = if self.nullable { "" } else { " NOT NULL" };
        let default = self.default.as_ref().map(|d| format!(" DEFAULT {d}")).unwrap_or_default();
        format!("{} {type_name}{null}{default}", self.name)
    }
}

/// The tables of a history: shared and per user, with keys of one and two columns.
#[must_use]
pub fn tables() -> Vec<Table> {
    let table = |name, user, key: &[usize], columns: &[(&str, Kind, bool)]| Table {
        name,
        user,
        key: key.to_vec(),
        columns: columns.iter().map(|(name, kind, nullable)| Column::new(name, *kind, *nullable)).collect(),
    };
    use Kind::{Int, Real, Text};
    vec![
        table(
            "acc",
            false,
            &[0],
            &[("id", Int, false), ("a", Int, true), ("s", Text, true), ("f", Real, true)],
        ),
        table("names", false, &[1], &[("n", Int, true), ("k", Text, false), ("note", Text, true)]),
        table("notes", true, &[0], &[("id", Int, false), ("thread", Int, false), ("body", Text, true)]),
        table("pairs", true, &[1, 0], &[("x", Int, false), ("y", Text, false), ("v", Int, true)]),
    ]
}

const TEXTS: [&str; 10] = ["", "a", "b", "bb", "it''s", "ü", "zeta", "Ab", "%", "_x"];
const PATTERNS: [&str; 6] = ["a%", "%b", "_", "%t''%", "b_", "%"];
/// Keys are drawn from this many.
const KEYS: i64 = 240;

/// Makes statements from a seed.
#[derive(Debug)]
pub struct Generator {
    rng: StdRng,
}

impl Generator {
    /// The generator of `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { rng: StdRng::seed_from_u64(seed) }
    }

    /// Whether something of this probability happens.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.rng.random_bool(probability)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        self.rng.random_range(0..end)
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        from.choose(&mut self.rng).expect("something to choose from")
    }

    fn table(&mut self, tables: &[Table]) -> usize {
        self.rng.random_range(0..tables.len())
    }

    /// A query.
    pub fn read(&mut self, tables: &[Table]) -> Statement {
        let at = self.table(tables);
        let table = &tables[at];
        let (name, key) = (table.name, table.key_list());
        let filter = self.filter(table, tables);
        let (sql, answer) = match self.rng.random_range(0..10) {
            0..=2 => (format!("SELECT * FROM {{{name}}}{filter} ORDER BY {key}"), Answer::Ordered),
            3 => {
                let (limit, offset) = (self.rng.random_range(0..20), self.rng.random_range(0..20));
                // SQLite 3.51 makes joins of EXISTS, and then counts rows towards OFFSET once per match.
                let filter = format!(" WHERE {}", self.on_value(table));
                let sql =
                    format!("SELECT * FROM {{{name}}}{filter} ORDER BY {key} LIMIT {limit} OFFSET {offset}");
                (sql, Answer::Ordered)
            }
            4..=6 => (self.aggregate(table, &filter), Answer::Ordered),
            7 => {
                let by = self.pick(&table.columns).name.clone();
                let sql = format!(
                    "SELECT {by}, count(*), min({key0}), max({key0}) FROM {{{name}}}{filter} GROUP BY {by}",
                    key0 = table.columns[table.key[0]].name
                );
                (sql, Answer::Unordered)
            }
            8 => {
                let by = self.pick(&table.columns).name.clone();
                (format!("SELECT DISTINCT {by} FROM {{{name}}}{filter}"), Answer::Unordered)
            }
            _ => (self.join(table, tables), Answer::Unordered),
        };
        Statement { sql, answer, writes: None }
    }

    fn aggregate(&mut self, table: &Table, filter: &str) -> String {
        let mut parts = vec!["count(*)".to_owned()];
        for column in &table.columns {
            let name = &column.name;
            parts.push(format!("count({name}), min({name}), max({name}), count(DISTINCT {name})"));
            if column.kind != Kind::Text {
                parts.push(format!("sum({name}), avg({name})"));
            }
        }
        format!("SELECT {} FROM {{{}}}{filter}", parts.join(", "), table.name)
    }

    fn join(&mut self, table: &Table, tables: &[Table]) -> String {
        let at = self.table(tables);
        let other = &tables[at];
        let kind = *self.pick(&[Kind::Int, Kind::Text]);
        let (mine, theirs) = (self.column(table, kind), self.column(other, kind));
        let how = *self.pick(&["JOIN", "LEFT JOIN"]);
        let keys = |t: &Table, alias: &str| {
            t.key.iter().map(|k| format!("{alias}.{}", t.columns[*k].name)).collect::<Vec<_>>().join(", ")
        };
        let limit = self.rng.random_range(0..KEYS);
        let bound = match table.columns[table.key[0]].kind {
            Kind::Text => format!("x.{} > 'k{limit}'", table.columns[table.key[0]].name),
            _ => format!("x.{} > {limit}", table.columns[table.key[0]].name),
        };
        format!(
            "SELECT {}, {}, x.{mine} AS joined FROM {{{}}} x {how} {{{}}} y ON x.{mine} = y.{theirs} WHERE {bound}",
            keys(table, "x"),
            keys(other, "y"),
            table.name,
            other.name,
        )
    }

    /// A statement that writes.
    pub fn write(&mut self, tables: &[Table]) -> Statement {
        let at = self.table(tables);
        let (mut sql, touches) = match self.rng.random_range(0..20) {
            0..=7 => self.insert_values(&tables[at]),
            8 => self.insert_select(&tables[at], tables),
            9..=15 => self.update(&tables[at], tables),
            _ => self.delete(&tables[at], tables),
        };
        let answer = if self.chance(0.15) {
            sql += " RETURNING *";
            Answer::Unordered
        } else {
            Answer::Count
        };
        Statement { sql, answer, writes: Some((at, touches)) }
    }

    /// A write of one of a few keys of a shared table, for transactions to meet over.
    pub fn contended_write(&mut self, tables: &[Table]) -> Statement {
        let table = &tables[0];
        let (name, key) = (table.name, table.key_list());
        let value = table.values().next().expect("a column that is no key").name.clone();
        let id = self.rng.random_range(0..5);
        let number = self.plain(Kind::Int);
        let sql = format!(
            "INSERT INTO {{{name}}} ({key}, {value}) VALUES ({id}, {number}) \
             ON CONFLICT ({key}) DO UPDATE SET {value} = excluded.{value}"
        );
        Statement { sql, answer: Answer::Count, writes: Some((0, format!("VALUES ({id})"))) }
    }

    fn insert_values(&mut self, table: &Table) -> (String, String) {
        let extra: Vec<&Column> =
            table.values().filter(|c| !c.nullable || self.rng.random_bool(0.7)).collect();
        let conflict = self.conflict_clause(table, &extra);
        let mut keys: Vec<String> = Vec::new();
        let mut rows = Vec::new();
        for _ in 0..self.rng.random_range(1..=6) {
            let key = self.key(table);
            // An upsert may not meet a key twice; a plain insert that does is refused by both.
            if conflict.contains("UPDATE") && keys.contains(&key) {
                continue;
            }
            let values: Vec<String> = extra.iter().map(|c| self.value(c)).collect();
            rows.push(format!("({})", [vec![key.clone()], values].concat().join(", ")));
            keys.push(key);
        }
        let names: Vec<&str> = extra.iter().map(|c| c.name.as_str()).collect();
        let columns = [vec![table.key_list().as_str()], names].concat().join(", ");
        let sql = format!("INSERT INTO {{{}}} ({columns}) VALUES {}{conflict}", table.name, rows.join(", "));
        let touches = keys.iter().map(|k| format!("({k})")).collect::<Vec<_>>().join(", ");
        (sql, format!("VALUES {touches}"))
    }

    fn conflict_clause(&mut self, table: &Table, given: &[&Column]) -> String {
        match self.rng.random_range(0..10) {
            0..=4 => String::new(),
            5..=6 => " ON CONFLICT DO NOTHING".to_owned(),
            _ => {
                let mut sets: Vec<String> = given
                    .iter()
                    .map(|c| match c.kind {
                        Kind::Int if self.rng.random_bool(0.3) => {
                            format!(
                                "{0} = coalesce({{{1}}}.{0}, 0) % 100 + coalesce(excluded.{0}, 1)",
                                c.name, table.name
                            )
                        }
                        _ => format!("{0} = excluded.{0}", c.name),
                    })
                    .collect();
                if sets.is_empty() {
                    return " ON CONFLICT DO NOTHING".to_owned();
                }
                sets.truncate(2);
                format!(" ON CONFLICT ({}) DO UPDATE SET {}", table.key_list(), sets.join(", "))
            }
        }
    }

    fn insert_select(&mut self, table: &Table, tables: &[Table]) -> (String, String) {
        let shift = self.rng.random_range(1..KEYS);
        let columns: Vec<String> = table.columns.iter().map(|c| c.name.clone()).collect();
        let last = *table.key.last().expect("a key");
        let expressions: Vec<String> = table
            .columns
            .iter()
            .enumerate()
            .map(|(at, c)| match c.kind {
                Kind::Int if at == last => format!("{} + {shift}", c.name),
                Kind::Text if at == last => format!("{} || 'c'", c.name),
                _ => c.name.clone(),
            })
            .collect();
        // Small numbers of rows, so that the tables stay small.
        let filter = self.predicate(table, tables);
        let key_column = &table.columns[table.key[0]];
        let bound = self.key_range(key_column, 12);
        let bound = match table.columns[last].kind {
            Kind::Text => format!("{bound} AND length({}) < 8", table.columns[last].name),
            _ => format!("{bound} AND {} < {}", table.columns[last].name, KEYS * 2),
        };
        let conflict = if self.chance(0.8) { " ON CONFLICT DO NOTHING" } else { "" };
        let name = table.name;
        let source = format!("FROM {{{name}}} WHERE ({filter}) AND {bound}");
        let keys: Vec<String> = table.key.iter().map(|k| expressions[*k].clone()).collect();
        let sql = format!(
            "INSERT INTO {{{name}}} ({}) SELECT {} {source}{conflict}",
            columns.join(", "),
            expressions.join(", ")
        );
        (sql, format!("SELECT {} {source}", keys.join(", ")))
    }

    fn update(&mut self, table: &Table, tables: &[Table]) -> (String, String) {
        let (name, key) = (table.name, table.key_list());
        if table.key.len() == 1 && self.chance(0.05) {
            let (from, to) = (self.key(table), self.key(table));
            let sql = format!("UPDATE {{{name}}} SET {key} = {to} WHERE {key} = {from}");
            return (sql, format!("VALUES ({from}), ({to})"));
        }
        let mut sets = Vec::new();
        for column in table.values() {
            if sets.is_empty() || self.chance(0.4) {
                sets.push(format!("{} = {}", column.name, self.set_value(column, table, tables)));
            }
        }
        let filter = self.write_filter(table, tables);
        let sql = format!("UPDATE {{{name}}} SET {} WHERE {filter}", sets.join(", "));
        (sql, format!("SELECT {key} FROM {{{name}}} WHERE {filter}"))
    }

    fn set_value(&mut self, column: &Column, table: &Table, tables: &[Table]) -> String {
        let name = &column.name;
        match (column.kind, self.rng.random_range(0..6)) {
            (Kind::Int, 0..=1) => format!("(coalesce({name}, 0) * 3 + 1) % 1000"),
            (Kind::Int, 2) if column.nullable => format!("{name} + 1"),
            (Kind::Int, 3) => {
                // SQLite would see a half-updated table in its own subquery.
                let others: Vec<&Table> = tables.iter().filter(|t| t.name != table.name).collect();
                format!("(SELECT count(*) FROM {{{}}})", self.pick(&others).name)
            }
            (Kind::Text, 0) if column.nullable => format!("substr({name} || 'x', 1, 12)"),
            (Kind::Text, 1) => format!("replace(coalesce({name}, 'n'), 'a', 'e')"),
            (Kind::Real, 0..=2) => format!("{name} + 0.5"),
            _ => self.value(column),
        }
    }

    fn delete(&mut self, table: &Table, tables: &[Table]) -> (String, String) {
        let filter = self.write_filter(table, tables);
        let (name, key) = (table.name, table.key_list());
        (
            format!("DELETE FROM {{{name}}} WHERE {filter}"),
            format!("SELECT {key} FROM {{{name}}} WHERE {filter}"),
        )
    }

    fn filter(&mut self, table: &Table, tables: &[Table]) -> String {
        if self.chance(0.2) { String::new() } else { format!(" WHERE {}", self.predicate(table, tables)) }
    }

    /// The condition of an update or delete: mostly a few rows, sometimes many.
    fn write_filter(&mut self, table: &Table, tables: &[Table]) -> String {
        let key = &table.columns[table.key[0]];
        match self.rng.random_range(0..10) {
            0..=3 => self.by_key(table),
            4..=5 => self.key_range(key, 10),
            6..=8 => format!("({}) AND {}", self.predicate(table, tables), self.key_range(key, 60)),
            _ => self.predicate(table, tables),
        }
    }

    fn predicate(&mut self, table: &Table, tables: &[Table]) -> String {
        match self.rng.random_range(0..16) {
            0..=1 => self.by_key(table),
            2..=3 => self.key_range(&table.columns[table.key[0]], 40),
            4..=8 => self.on_value(table),
            9 => format!("({}) AND ({})", self.on_value(table), self.on_value(table)),
            10 => format!("({}) OR ({})", self.on_value(table), self.by_key(table)),
            11 => format!("NOT ({})", self.on_value(table)),
            12 => (*self.pick(&["1 = 0", "1 = 1"])).to_owned(),
            _ => self.subquery(table, tables),
        }
    }

    fn by_key(&mut self, table: &Table) -> String {
        let columns: Vec<Column> = table.key.iter().map(|k| table.columns[*k].clone()).collect();
        if columns.len() == 1 && self.chance(0.5) {
            let keys: Vec<String> =
                (0..self.rng.random_range(1..8)).map(|_| self.key_value(&columns[0])).collect();
            return format!("{} IN ({})", columns[0].name, keys.join(", "));
        }
        columns
            .iter()
            .map(|c| format!("{} = {}", c.name, self.key_value(c)))
            .collect::<Vec<_>>()
            .join(" AND ")
    }

    fn key_range(&mut self, column: &Column, width: i64) -> String {
        let from = self.rng.random_range(-5..KEYS);
        let to = from + self.rng.random_range(0..=width);
        let name = &column.name;
        match (column.kind, self.rng.random_range(0..4)) {
            (Kind::Text, 0) => format!("{name} >= 'k{from}' AND {name} < 'k{from}9'"),
            (Kind::Text, _) => format!("{name} LIKE 'k{}%'", from.rem_euclid(24)),
            (_, 0) => format!("({name} > {from} AND {name} <= {to})"),
            (_, 1) => format!("({name} >= {from} AND {name} < {to})"),
            _ => format!("{name} BETWEEN {from} AND {to}"),
        }
    }

    fn on_value(&mut self, table: &Table) -> String {
        let columns: Vec<Column> = table.values().cloned().collect();
        let column = self.pick(&columns).clone();
        let name = &column.name;
        match (column.kind, self.rng.random_range(0..6)) {
            (_, 0) => format!("{name} IS NULL"),
            (_, 1) => format!("{name} IS NOT NULL"),
            (Kind::Int, 2) => format!("{name} % 5 = {}", self.rng.random_range(0..5)),
            (Kind::Int, 3) => format!("{name} BETWEEN 10 AND {}", self.rng.random_range(0..100)),
            (Kind::Text, 2..=3) => format!("{name} LIKE '{}'", self.pick(&PATTERNS)),
            (Kind::Text, 4) => format!("{name} IN ('a', 'bb', 'it''s')"),
            _ => {
                let operator = *self.pick(&["=", "<>", "<", "<=", ">", ">="]);
                format!("{name} {operator} {}", self.plain(column.kind))
            }
        }
    }

    fn subquery(&mut self, table: &Table, tables: &[Table]) -> String {
        let at = self.table(tables);
        let other = &tables[at];
        let kind = *self.pick(&[Kind::Int, Kind::Int, Kind::Text]);
        let (mine, theirs) = (self.column(table, kind), self.column(other, kind));
        let (name, inner) = (table.name, other.name);
        let filter = self.on_value(other);
        match self.rng.random_range(0..6) {
            0..=1 => format!("{mine} IN (SELECT {theirs} FROM {{{inner}}} WHERE {filter})"),
            2 => format!("{mine} NOT IN (SELECT {theirs} FROM {{{inner}}} WHERE {filter})"),
            3 => format!("{mine} >= (SELECT max({theirs}) FROM {{{inner}}} WHERE {filter})"),
            4 => format!("EXISTS (SELECT 1 FROM {{{inner}}} o WHERE o.{theirs} = {{{name}}}.{mine})"),
            _ => format!("NOT EXISTS (SELECT 1 FROM {{{inner}}} o WHERE o.{theirs} = {{{name}}}.{mine})"),
        }
    }

    /// A column of `kind`; every table has one of Int and of Text.
    fn column(&mut self, table: &Table, kind: Kind) -> String {
        let fitting: Vec<&Column> = table.columns.iter().filter(|c| c.kind == kind).collect();
        self.pick(&fitting).name.clone()
    }

    fn key(&mut self, table: &Table) -> String {
        let columns: Vec<Column> = table.key.iter().map(|k| table.columns[*k].clone()).collect();
        columns.iter().map(|c| self.key_value(c)).collect::<Vec<_>>().join(", ")
    }

    fn key_value(&mut self, column: &Column) -> String {
        // A few keys are used far more often than the others, so that transactions meet.
        let hot = self.chance(0.5);
        let number = self.rng.random_range(if hot { 0..6 } else { -5..KEYS });
        match column.kind {
            Kind::Text if number < 0 => format!("'{}'", self.pick(&TEXTS)),
            Kind::Text => format!("'k{}'", number % 100),
            _ if column.name == "x" => (number % 20).to_string(),
            _ => number.to_string(),
        }
    }

    /// A value of the column; now and then a NULL that it does not take.
    fn value(&mut self, column: &Column) -> String {
        if self.chance(if column.nullable { 0.15 } else { 0.01 }) {
            return "NULL".to_owned();
        }
        self.plain(column.kind)
    }

    fn plain(&mut self, kind: Kind) -> String {
        match kind {
            Kind::Int => self.rng.random_range(-5..100).to_string(),
            Kind::Text => format!("'{}'", self.pick(&TEXTS)),
            // Halves add up to the same sum in every order.
            Kind::Real => format!("{:.1}", f64::from(self.rng.random_range(-20..200)) / 2.0),
        }
    }

    /// A change of a table's columns, made in `table` too: the statement, once with FirnDB's types and
    /// once with SQLite's.
    pub fn alter(&mut self, table: &mut Table) -> (String, String) {
        let extra: Vec<usize> =
            (0..table.columns.len()).filter(|c| table.columns[*c].name.starts_with("x_")).collect();
        let free: Vec<String> =
            (0..5).map(|n| format!("x_{n}")).filter(|n| table.columns.iter().all(|c| c.name != *n)).collect();
        let name = self.pick(&free).clone();
        let both = |sql: String| (sql.clone(), sql);
        match self.rng.random_range(0..4) {
            0 if !extra.is_empty() => {
                let gone = table.columns.remove(*self.pick(&extra));
                both(format!("ALTER TABLE {{{}}} DROP COLUMN {}", table.name, gone.name))
            }
            1 if !extra.is_empty() => {
                let at = *self.pick(&extra);
                let old = std::mem::replace(&mut table.columns[at].name, name.clone());
                both(format!("ALTER TABLE {{{}}} RENAME COLUMN {old} TO {name}", table.name))
            }
            _ if extra.len() > 3 => {
                let gone = table.columns.remove(extra[0]);
                both(format!("ALTER TABLE {{{}}} DROP COLUMN {}", table.name, gone.name))
            }
            _ => {
                let mut column = Column::new(&name, *self.pick(&[Kind::Int, Kind::Text, Kind::Real]), true);
                column.default = self.chance(0.6).then(|| self.plain(column.kind));
                let add = |t| format!("ALTER TABLE {{{}}} ADD COLUMN {}", table.name, column.ddl(t));
                let texts = (add(column.engine_type()), add(column.sqlite_type()));
                table.columns.push(column);
                texts
            }
        }
    }
}
