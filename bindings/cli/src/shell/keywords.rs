//! Words of SQL that the shell completes and colours.

/// What a statement starts with.
pub const FIRST: &[&str] = &[
    "ALTER", "BEGIN", "COMMIT", "CREATE", "DELETE", "DROP", "EXPLAIN", "INSERT", "KILL", "ROLLBACK",
    "SELECT", "SHOW", "STORAGE", "UPDATE", "USE", "VALUES", "WITH",
];

/// The other words.
pub const OTHER: &[&str] = &[
    "ADD",
    "ALL",
    "ANALYZE",
    "AND",
    "ANY",
    "AS",
    "ASC",
    "BETWEEN",
    "BIGINT",
    "BOOLEAN",
    "BY",
    "BYTEA",
    "CASCADE",
    "CASE",
    "CAST",
    "CHECK",
    "COLUMN",
    "COMPACT",
    "CONFLICT",
    "COPY",
    "CROSS",
    "CURRENT_DATE",
    "CURRENT_TIMESTAMP",
    "DATE",
    "DEFAULT",
    "DESC",
    "DISTINCT",
    "DO",
    "DOUBLE",
    "ELSE",
    "END",
    "EXCEPT",
    "EXISTS",
    "FALSE",
    "FILTER",
    "FIRST",
    "FLUSH",
    "FOLLOWING",
    "FROM",
    "FULL",
    "GROUP",
    "HAVING",
    "IF",
    "ILIKE",
    "IN",
    "INNER",
    "INTEGER",
    "INTERSECT",
    "INTERVAL",
    "INTO",
    "IS",
    "JOB",
    "JOIN",
    "KEY",
    "LAST",
    "LATERAL",
    "LEFT",
    "LIKE",
    "LIMIT",
    "MANIFEST",
    "NAMESPACE",
    "NAMESPACES",
    "NATURAL",
    "NOT",
    "NOTHING",
    "NULL",
    "NULLS",
    "OFFSET",
    "ON",
    "OR",
    "ORDER",
    "OUTER",
    "OVER",
    "PARTITION",
    "PRECEDING",
    "PRECISION",
    "PRIMARY",
    "RANGE",
    "REAL",
    "RECURSIVE",
    "RENAME",
    "RETURNING",
    "RIGHT",
    "ROW",
    "ROWS",
    "SET",
    "SHARED",
    "SMALLINT",
    "SOME",
    "STREAM",
    "TABLE",
    "TABLES",
    "TEXT",
    "THEN",
    "TIMESTAMP",
    "TO",
    "TRUE",
    "TTL_SECONDS",
    "UNBOUNDED",
    "UNION",
    "USER",
    "USING",
    "WHEN",
    "WHERE",
    "WINDOW",
];

/// Whether `word` is one of them, in any case.
pub fn is_keyword(word: &str) -> bool {
    FIRST.iter().chain(OTHER).any(|keyword| keyword.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_sorted_capitals_and_there_once() {
        for words in [FIRST, OTHER] {
            assert!(words.windows(2).all(|w| w[0] < w[1]), "{words:?}");
        }
        assert!(FIRST.iter().all(|w| !OTHER.contains(w) && w.to_uppercase() == **w));
        assert!(is_keyword("select") && is_keyword("On") && !is_keyword("messages"));
    }
}
