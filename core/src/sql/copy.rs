//! `COPY`: PostgreSQL's statement, with both spellings of its options, and a few of ours.
//!
//! ```text
//! COPY table [(column, …)] FROM 'path' | STDIN [[WITH] (option, …)]
//! COPY table [(column, …)] | (query) TO 'path' | STDOUT [[WITH] (option, …)]
//! ```
//!
//! Options: `FORMAT csv | json | parquet`, `HEADER [true | false | match]`, `DELIMITER 'c'`, `NULL 'text'`,
//! `QUOTE 'c'`, `ESCAPE 'c'`, `ON_ERROR stop | skip`, `REJECTED 'path'`; or the older words without
//! parentheses, `CSV HEADER DELIMITER 'c' …`.

use datafusion::sql::sqlparser::ast;
use datafusion::sql::sqlparser::tokenizer::{Location, Token, TokenWithSpan};

use super::own::read_table;
use super::tokens::Cursor;
use super::{Statement, read_sql};
use crate::catalog::TableName;
use crate::copy::{CopyOptions, Format, Header};
use crate::error::{Error, Result, nearest};

/// A COPY.
#[derive(Debug, Clone, PartialEq)]
pub struct Copy {
    /// The rows.
    pub rows: CopyRows,
    /// Whether they come from the file; otherwise they go there.
    pub from: bool,
    /// Where the file is; `None` for STDIN and STDOUT, a stream that comes with the statement.
    pub path: Option<String>,
    /// The options, as they were given.
    pub options: CopyOptions,
}

/// The rows that a COPY is about.
#[derive(Debug, Clone, PartialEq)]
pub enum CopyRows {
    /// Those of a table, or of some of its columns.
    Table(TableName, Vec<String>),
    /// Those of a query.
    Query(Box<ast::Query>),
}

/// The options, and whether the name is one of PostgreSQL's that FirnDB does not have.
const OPTIONS: [(&str, bool); 17] = [
    ("FORMAT", true),
    ("HEADER", true),
    ("DELIMITER", true),
    ("NULL", true),
    ("QUOTE", true),
    ("ESCAPE", true),
    ("ON_ERROR", true),
    ("REJECTED", true),
    ("ENCODING", true),
    ("DEFAULT", false),
    ("FORCE_QUOTE", false),
    ("FORCE_NOT_NULL", false),
    ("FORCE_NULL", false),
    ("FREEZE", false),
    ("LOG_VERBOSITY", false),
    ("OIDS", false),
    ("REJECT_LIMIT", false),
];

/// Reads a COPY.
///
/// # Errors
/// `Syntax`, `Unsupported` and `InvalidInput`, as [`super::parse`].
pub(super) fn copy(mut tokens: Vec<TokenWithSpan>, end: Location) -> Result<Statement> {
    let mut cursor = Cursor::new(&tokens, end);
    cursor.take("COPY");
    if cursor.take("BINARY") {
        return Err(Error::unsupported(
            "COPY BINARY is not supported: the formats are csv, json and parquet",
        ));
    }
    let query = if cursor.peek() == Some(&Token::LParen) {
        let (open, close) = parentheses(&tokens, cursor.position())
            .ok_or_else(|| Cursor::new(&[], end).expected("a closing parenthesis"))?;
        let behind = tokens.split_off(close + 1);
        let close = tokens.pop().map_or(end, |token| token.span.start);
        let inner = tokens.split_off(open + 1);
        tokens = behind;
        match read_sql(inner, close)? {
            Statement::Query(query) => Some(query),
            _ => return Err(Error::unsupported("COPY (…) of anything but a query")),
        }
    } else {
        None
    };
    let mut cursor = Cursor::new(&tokens, end);
    let rows = match query {
        Some(query) => CopyRows::Query(query),
        None => {
            cursor.take("COPY");
            let table = read_table(&mut cursor)?;
            CopyRows::Table(table, columns(&mut cursor)?)
        }
    };
    let from = cursor.take("FROM");
    if !from && !cursor.take("TO") {
        return Err(cursor.expected("FROM or TO"));
    }
    if from && matches!(rows, CopyRows::Query(_)) {
        return Err(Error::invalid("COPY (query) goes TO a file; FROM one only a table takes rows"));
    }
    let path = path(&mut cursor, from)?;
    let options = options(&mut cursor)?;
    if cursor.peek_word().as_deref() == Some("WHERE") {
        return Err(Error::unsupported(
            "COPY … FROM … WHERE is not supported: load the rows, then DELETE some",
        ));
    }
    cursor.finish()?;
    if !from && (options.skip_bad || options.rejected.is_some()) {
        return Err(Error::invalid("ON_ERROR and REJECTED are options of COPY … FROM"));
    }
    // What is wrong with the options shows before anything is looked at.
    if options.format.is_some() || path.is_some() {
        options.resolved(path.as_deref())?;
    }
    Ok(Statement::Copy(Box::new(Copy { rows, from, path, options })))
}

/// The places of the parenthesis at `open` and of the one that ends it.
fn parentheses(tokens: &[TokenWithSpan], open: usize) -> Option<(usize, usize)> {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.token {
            Token::LParen => depth += 1,
            Token::RParen => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some((open, at));
                }
            }
            _ => {}
        }
    }
    None
}

fn columns(cursor: &mut Cursor<'_>) -> Result<Vec<String>> {
    let mut columns = Vec::new();
    if !cursor.take_token(&Token::LParen) {
        return Ok(columns);
    }
    loop {
        columns.push(cursor.name("the name of a column")?);
        if cursor.take_token(&Token::RParen) {
            return Ok(columns);
        }
        if !cursor.take_token(&Token::Comma) {
            return Err(cursor.expected("a comma or a closing parenthesis"));
        }
    }
}

fn path(cursor: &mut Cursor<'_>, from: bool) -> Result<Option<String>> {
    let stream = if from { "STDIN" } else { "STDOUT" };
    if cursor.take(stream) {
        return Ok(None);
    }
    if cursor.take("PROGRAM") {
        return Err(Error::unsupported("COPY … PROGRAM is not supported: no statement starts a program"));
    }
    match text(cursor) {
        Some(path) if path.is_empty() => Err(Error::invalid("the path of a file is empty")),
        Some(path) => Ok(Some(path)),
        None => Err(cursor.expected(&format!("the path of a file in quotes, or {stream}"))),
    }
}

/// Reads a text in quotes, if one comes.
fn text(cursor: &mut Cursor<'_>) -> Option<String> {
    let (Token::SingleQuotedString(text) | Token::EscapedStringLiteral(text)) = cursor.peek()?.clone() else {
        return None;
    };
    cursor.advance();
    Some(text)
}

fn options(cursor: &mut Cursor<'_>) -> Result<CopyOptions> {
    let mut options = CopyOptions::default();
    let mut given = Vec::new();
    cursor.take("WITH");
    if cursor.take_token(&Token::LParen) {
        loop {
            one(cursor, &mut options, &mut given, true)?;
            if cursor.take_token(&Token::RParen) {
                return Ok(options);
            }
            if !cursor.take_token(&Token::Comma) {
                return Err(cursor.expected("a comma or a closing parenthesis"));
            }
        }
    }
    while cursor.peek_word().is_some_and(|word| word != "WHERE") {
        one(cursor, &mut options, &mut given, false)?;
    }
    Ok(options)
}

/// Reads one option with its value.
fn one(
    cursor: &mut Cursor<'_>,
    options: &mut CopyOptions,
    given: &mut Vec<String>,
    in_parentheses: bool,
) -> Result<()> {
    let name = cursor.peek_word().ok_or_else(|| cursor.expected("the name of an option"))?;
    let short = match name.as_str() {
        "CSV" if !in_parentheses => Some(Format::Csv),
        _ => None,
    };
    let known = match name.as_str() {
        "DELIMITERS" => "DELIMITER",
        "CSV" if short.is_some() => "FORMAT",
        name => name,
    }
    .to_owned();
    match OPTIONS.iter().find(|(option, _)| *option == known) {
        Some((_, true)) => {}
        Some((name, false)) => {
            return Err(Error::unsupported(format!("the option {name} of COPY is not supported")));
        }
        // As DataFusion writes it.
        None if matches!(name.as_str(), "STORED" | "OPTIONS" | "PARTITIONED") => {
            let e = format!("COPY has no {name}: its options are in parentheses");
            return Err(Error::unsupported(e).with_hint("write COPY … TO 'path' (FORMAT parquet)"));
        }
        None => {
            let names = OPTIONS.iter().filter(|(_, have)| *have).map(|(name, _)| *name);
            let near = nearest(&known, names.clone()).map(|near| format!("did you mean {near}?"));
            let hint = near.unwrap_or_else(|| format!("they are {}", names.collect::<Vec<_>>().join(", ")));
            return Err(Error::invalid(format!("COPY has no option {name}")).with_hint(hint));
        }
    }
    if given.contains(&known) {
        return Err(Error::invalid(format!("the option {known} is given twice")));
    }
    given.push(known.clone());
    cursor.advance();
    if short.is_some() {
        options.format = short;
        return Ok(());
    }
    if !in_parentheses {
        cursor.take("AS");
    }
    set(cursor, options, &known, in_parentheses)
}

fn set(cursor: &mut Cursor<'_>, options: &mut CopyOptions, name: &str, in_parentheses: bool) -> Result<()> {
    match name {
        "FORMAT" => options.format = Some(Format::named(&word(cursor, "the name of a format")?)?),
        "HEADER" => options.header = header(cursor, in_parentheses)?,
        "DELIMITER" => options.delimiter = Some(sign(cursor, name)?),
        "QUOTE" => options.quote = Some(sign(cursor, name)?),
        "ESCAPE" => options.escape = Some(sign(cursor, name)?),
        "NULL" => {
            options.null = Some(text(cursor).ok_or_else(|| cursor.expected("the text of NULL in quotes"))?);
        }
        "REJECTED" => {
            let path = text(cursor).filter(|path| !path.is_empty());
            options.rejected = Some(path.ok_or_else(|| cursor.expected("the path of a file in quotes"))?);
        }
        "ON_ERROR" => {
            options.skip_bad = match word(cursor, "stop or skip")?.to_ascii_lowercase().as_str() {
                "stop" => false,
                // PostgreSQL's word for it.
                "skip" | "ignore" => true,
                other => return Err(Error::invalid(format!("ON_ERROR is stop or skip, not {other}"))),
            };
        }
        _ => {
            let encoding = word(cursor, "the name of an encoding")?;
            if !["utf8", "utf-8"].contains(&encoding.to_ascii_lowercase().as_str()) {
                return Err(Error::unsupported(format!(
                    "the encoding {encoding} is not supported: it is UTF8"
                )));
            }
        }
    }
    Ok(())
}

/// Reads a word, in quotes or not.
fn word(cursor: &mut Cursor<'_>, what: &str) -> Result<String> {
    match text(cursor) {
        Some(text) => Ok(text),
        None => cursor.name(what),
    }
}

fn header(cursor: &mut Cursor<'_>, in_parentheses: bool) -> Result<Header> {
    let ends = matches!(cursor.peek(), None | Some(Token::Comma | Token::RParen));
    if !in_parentheses || ends {
        return Ok(Header::Names);
    }
    if let Some(Token::Number(digits, _)) = cursor.peek() {
        let digits = digits.clone();
        cursor.advance();
        return if digits == "0" { Ok(Header::Absent) } else { Ok(Header::Names) };
    }
    match word(cursor, "true, false or match")?.to_ascii_lowercase().as_str() {
        "true" | "on" => Ok(Header::Names),
        "false" | "off" => Ok(Header::Absent),
        "match" => Ok(Header::Match),
        other => Err(Error::invalid(format!("HEADER is true, false or match, not {other}"))),
    }
}

/// Reads a text of one byte.
fn sign(cursor: &mut Cursor<'_>, name: &str) -> Result<u8> {
    let text = text(cursor).ok_or_else(|| cursor.expected("one character in quotes"))?;
    match text.as_bytes() {
        [byte] if byte.is_ascii() && *byte != b'\n' && *byte != b'\r' => Ok(*byte),
        _ => Err(Error::invalid(format!("{name} is one ASCII character that is no line end, not {text:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::sql::parse;

    fn read(sql: &str) -> Copy {
        match parse(sql).unwrap().remove(0).statement {
            Statement::Copy(copy) => *copy,
            other => panic!("{sql}: {other:?}"),
        }
    }

    #[test]
    fn both_spellings_of_options_mean_the_same() {
        let options = CopyOptions {
            format: Some(Format::Csv),
            header: Header::Names,
            delimiter: Some(b'\t'),
            null: Some("\\N".to_owned()),
            quote: Some(b'\''),
            ..CopyOptions::default()
        };
        for sql in [
            "COPY app.t (a, \"B\") FROM 'f.csv' WITH (FORMAT csv, HEADER, DELIMITER E'\\t', NULL '\\N', QUOTE '''')",
            "copy app.t(a,\"B\") from 'f.csv' (format 'csv', header true, delimiter '\t', null '\\N', quote '''')",
            "COPY app.t (a, \"B\") FROM 'f.csv' WITH CSV HEADER DELIMITERS AS '\t' NULL AS '\\N' QUOTE ''''",
            "COPY app.t (a, \"B\") FROM 'f.csv' DELIMITER '\t' CSV HEADER NULL '\\N' QUOTE ''''",
        ] {
            let found = read(sql);
            let rows =
                CopyRows::Table(TableName::qualified("app", "t"), vec!["a".to_owned(), "B".to_owned()]);
            assert_eq!(
                found,
                Copy { rows, from: true, path: Some("f.csv".to_owned()), options: options.clone() },
                "{sql}"
            );
        }
        let skip = read("COPY t FROM STDIN (FORMAT json, ON_ERROR skip, REJECTED 'r.csv')");
        assert_eq!(
            (skip.path, skip.options.skip_bad, skip.options.rejected.as_deref()),
            (None, true, Some("r.csv"))
        );
        assert_eq!(read("COPY t FROM 'a.csv' (HEADER match)").options.header, Header::Match);
        assert_eq!(read("COPY t FROM 'a.csv' (HEADER off)").options.header, Header::Absent);
    }

    #[test]
    fn a_query_goes_to_a_file() {
        let copy = read("COPY (SELECT f(1) AS a, (2) FROM t WHERE a = $1) TO 'f.parquet'");
        assert!(matches!(&copy.rows, CopyRows::Query(q) if q.to_string().ends_with("WHERE a = $1")));
        assert!(!copy.from);
        assert_eq!(parse("COPY (SELECT $2) TO STDOUT (FORMAT csv)").unwrap()[0].parameters, 2);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (sql, kind, expected) in [
            ("COPY t FROM 'f' (FROMAT csv)", ErrorKind::InvalidInput, "did you mean FORMAT?"),
            ("COPY t TO 'f' STORED AS PARQUET", ErrorKind::Unsupported, "(FORMAT parquet)"),
            ("COPY t FROM 'f' (FORMAT cvs)", ErrorKind::Unsupported, "did you mean csv?"),
            ("COPY t FROM 'f' (FORMAT text)", ErrorKind::Unsupported, "DELIMITER E'\\t'"),
            ("COPY t FROM 'f'", ErrorKind::InvalidInput, "the format of f is not known"),
            ("COPY t FROM 'f.csv' (FREEZE)", ErrorKind::Unsupported, "FREEZE"),
            ("COPY t FROM 'f.csv' (HEADER, HEADER)", ErrorKind::InvalidInput, "twice"),
            ("COPY t FROM 'f.csv' (HEADER maybe)", ErrorKind::InvalidInput, "maybe"),
            (
                "COPY t FROM 'f.csv' (DELIMITER ',,')",
                ErrorKind::InvalidInput,
                "DELIMITER is one ASCII character",
            ),
            ("COPY t FROM 'f.csv' (REJECTED 'r')", ErrorKind::InvalidInput, "ON_ERROR skip"),
            ("COPY t TO 'f.csv' (ON_ERROR skip)", ErrorKind::InvalidInput, "COPY … FROM"),
            ("COPY t FROM 'f.json' (HEADER)", ErrorKind::InvalidInput, "csv only"),
            ("COPY t FROM 'f.csv' WHERE a = 1", ErrorKind::Unsupported, "WHERE"),
            ("COPY t FROM PROGRAM 'ls'", ErrorKind::Unsupported, "PROGRAM"),
            ("COPY (SELECT 1) FROM 'f.csv'", ErrorKind::InvalidInput, "TO a file"),
            ("COPY (DELETE FROM t) TO 'f.csv'", ErrorKind::Unsupported, "query"),
            ("COPY (SELECT 1 TO 'f.csv'", ErrorKind::Syntax, "closing parenthesis"),
            ("COPY t TO STDIN", ErrorKind::Syntax, "STDOUT"),
            ("COPY t FROM f.csv", ErrorKind::Syntax, "in quotes"),
            ("COPY t INTO 'f'", ErrorKind::Syntax, "FROM or TO"),
            ("COPY t FROM 'f.csv' (HEADER) x", ErrorKind::Syntax, "end of the statement"),
        ] {
            let error = parse(sql).expect_err(sql);
            assert_eq!(error.kind(), kind, "{sql}: {error}");
            assert!(error.to_string().contains(expected), "{sql}: {error}");
        }
    }
}
