//! `CREATE INDEX` and `DROP INDEX`.

use datafusion::sql::sqlparser::tokenizer::Token;

use super::Statement;
use super::own::read_table;
use super::tokens::Cursor;
use crate::catalog::CreateIndex;
use crate::error::{Error, Result};

/// Clauses of an index that FirnDB does not have, by their first word.
const UNSUPPORTED: [&str; 5] = ["INCLUDE", "NULLS", "TABLESPACE", "WHERE", "WITH"];

/// What follows CREATE INDEX.
///
/// # Errors
/// `Syntax`; `Unsupported` for clauses that there are not.
pub(super) fn create(cursor: &mut Cursor<'_>) -> Result<Statement> {
    if cursor.take("CONCURRENTLY") {
        return Err(Error::unsupported(
            "CREATE INDEX CONCURRENTLY is not supported, and not needed: no index makes others wait",
        ));
    }
    let if_not_exists = cursor.take_all(&["IF", "NOT", "EXISTS"]);
    let is_named = cursor.peek_word().as_deref() != Some("ON");
    if !is_named && if_not_exists {
        return Err(cursor.expected("a name for the index"));
    }
    let name = if is_named { Some(cursor.name("a name for the index, or ON")?) } else { None };
    if !cursor.take("ON") {
        return Err(cursor.expected("ON and a table"));
    }
    if cursor.take("ONLY") {
        return Err(Error::unsupported(
            "CREATE INDEX … ON ONLY is not supported: no table inherits from another",
        ));
    }
    let table = read_table(cursor)?;
    if cursor.take("USING") {
        let method = cursor.name("the method of the index")?;
        if method != "btree" {
            return Err(Error::unsupported(format!(
                "CREATE INDEX … USING {method} is not supported, only btree"
            )));
        }
    }
    let columns = columns(cursor)?;
    if let Some(word) = cursor.peek_word().filter(|word| UNSUPPORTED.contains(&word.as_str())) {
        return Err(Error::unsupported(format!("CREATE INDEX … {word} is not supported")));
    }
    cursor.finish()?;
    Ok(Statement::CreateIndex(CreateIndex { name, if_not_exists, table, columns }))
}

/// The columns in parentheses.
fn columns(cursor: &mut Cursor<'_>) -> Result<Vec<String>> {
    if !cursor.take_token(&Token::LParen) {
        return Err(cursor.expected("the columns of the index, in parentheses"));
    }
    let mut columns = Vec::new();
    loop {
        if cursor.peek() == Some(&Token::LParen) {
            return Err(Error::unsupported(
                "CREATE INDEX on an expression is not supported, only on columns",
            ));
        }
        columns.push(cursor.name("the name of a column")?);
        cursor.take("ASC");
        match cursor.peek_word().as_deref() {
            Some(word @ ("DESC" | "NULLS" | "COLLATE")) => {
                return Err(Error::unsupported(format!("{word} in CREATE INDEX is not supported")));
            }
            Some(_) => return Err(Error::unsupported("operator classes in CREATE INDEX are not supported")),
            None => {}
        }
        if cursor.peek() == Some(&Token::LParen) {
            return Err(Error::unsupported(
                "CREATE INDEX on an expression is not supported, only on columns",
            ));
        }
        if cursor.take_token(&Token::RParen) {
            return Ok(columns);
        }
        if !cursor.take_token(&Token::Comma) {
            return Err(cursor.expected("a comma or a closing parenthesis"));
        }
    }
}

/// What follows DROP INDEX.
///
/// # Errors
/// As [`create`].
pub(super) fn drop(cursor: &mut Cursor<'_>) -> Result<Statement> {
    if cursor.take("CONCURRENTLY") {
        return Err(Error::unsupported(
            "DROP INDEX CONCURRENTLY is not supported, and not needed: no index makes others wait",
        ));
    }
    let if_exists = cursor.take_all(&["IF", "EXISTS"]);
    let mut names = vec![read_table(cursor)?];
    while cursor.take_token(&Token::Comma) {
        names.push(read_table(cursor)?);
    }
    // Nothing depends on an index, so CASCADE and RESTRICT come to the same.
    let _ = cursor.take("CASCADE") || cursor.take("RESTRICT");
    cursor.finish()?;
    Ok(Statement::DropIndex { names, if_exists })
}

#[cfg(test)]
mod tests {
    use crate::catalog::{CreateIndex, TableName};
    use crate::error::ErrorKind;
    use crate::sql::{Statement, parse};

    fn one(sql: &str) -> Statement {
        parse(sql).unwrap().remove(0).statement
    }

    #[test]
    fn indexes_are_read_with_and_without_a_name() {
        let columns = || vec!["a".to_owned(), "B c".to_owned()];
        let table = TableName::qualified("app", "t");
        let named = CreateIndex {
            name: Some("i".to_owned()),
            if_not_exists: true,
            table: table.clone(),
            columns: columns(),
        };
        let unnamed = CreateIndex { name: None, if_not_exists: false, table, columns: columns() };
        assert_eq!(one("create index if not exists I on app.t (a, \"B c\")"), Statement::CreateIndex(named));
        assert_eq!(
            one("CREATE INDEX ON app.t USING btree (A ASC, \"B c\");"),
            Statement::CreateIndex(unnamed)
        );
        let names = vec![TableName::bare("a"), TableName::qualified("app", "b")];
        assert_eq!(one("DROP INDEX a, app.b CASCADE"), Statement::DropIndex { names, if_exists: false });
        for sql in [
            "CREATE INDEX",
            "CREATE INDEX IF NOT EXISTS ON t (a)",
            "CREATE INDEX i t (a)",
            "CREATE INDEX ON t",
            "CREATE INDEX ON t ()",
            "CREATE INDEX ON t (a",
            "CREATE INDEX ON t (a) x",
            "DROP INDEX",
            "DROP INDEX a b",
        ] {
            assert_eq!(parse(sql).expect_err(sql).kind(), ErrorKind::Syntax, "{sql}");
        }
    }
}
