//! Where in a statement an error is, and what the author of it may have meant.

use datafusion::sql::sqlparser::tokenizer::{Location, Token, TokenWithSpan};

use super::Parsed;
use super::tokens::{tokenize, unquoted};
use crate::error::{Error, ErrorKind, Position, Subject, SubjectOf, edits};

/// Texts longer than this are not searched for a name: an error should not take long.
const SEARCHED_BYTES: usize = 1 << 20;

/// Words that a statement is made of, and that are easily misspelt.
const WORDS: &[&str] = &[
    "SELECT",
    "FROM",
    "WHERE",
    "GROUP",
    "ORDER",
    "HAVING",
    "LIMIT",
    "OFFSET",
    "DISTINCT",
    "INSERT",
    "INTO",
    "VALUES",
    "UPDATE",
    "DELETE",
    "RETURNING",
    "CONFLICT",
    "CREATE",
    "ALTER",
    "DROP",
    "TABLE",
    "NAMESPACE",
    "PRIMARY",
    "SHARED",
    "EXISTS",
    "BETWEEN",
    "JOIN",
    "INNER",
    "OUTER",
    "LEFT",
    "RIGHT",
    "CROSS",
    "UNION",
    "EXCEPT",
    "INTERSECT",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "EXPLAIN",
    "ANALYZE",
    "STORAGE",
    "FLUSH",
    "CHECK",
    "SHOW",
    "TABLES",
    "NAMESPACES",
    "MANIFEST",
    "WITH",
];

/// How an error of a condition begins.
const OF_WHERE: &str = "argument of WHERE ";

/// Words before which a list has ended.
const AFTER_LISTS: &[&str] = &["FROM", "WHERE", "GROUP", "ORDER", "HAVING", "LIMIT", "RETURNING", "VALUES"];

/// An error of running `parsed`, with its place in the text that `parsed` is of: the one that it has, or
/// that of the name it is about.
#[must_use]
pub fn locate(error: Error, parsed: &Parsed) -> Error {
    placed(error, &parsed.text, parsed.start).in_text(&parsed.text, parsed.start)
}

/// An error of the statement `text`, which starts at `start`, with the place of the name that it is about.
pub(super) fn placed(error: Error, text: &str, start: Position) -> Error {
    let error = match error.message().starts_with(OF_WHERE) && !has_word(text, "WHERE") {
        // Filters are all one to the planner.
        true if has_word(text, "QUALIFY") => error.saying(OF_WHERE, "argument of QUALIFY "),
        true => error.saying(OF_WHERE, "argument of HAVING "),
        false => error,
    };
    match (error.position(), error.subject()) {
        (None, Some(subject)) => match find(text, start, subject) {
            Some((place, Some(written))) => error.calling(&written).at(place),
            Some((place, None)) => error.at(place),
            None => error,
        },
        _ => error,
    }
}

/// An error of reading `text`, with its line, and with the word that was meant where one is misspelt.
pub(super) fn explain(error: Error, text: &str) -> Error {
    let error = match error.position() {
        Some(place) if error.kind() == ErrorKind::Syntax && error.hint().is_none() => {
            let hint = hint(text, place);
            error.with_hint_if(hint)
        }
        _ => error,
    };
    error.in_text(text, Position::START)
}

fn has_word(text: &str, word: &str) -> bool {
    text.split(|c: char| !is_of_word(c)).any(|w| w.eq_ignore_ascii_case(word))
}

/// Where the name stands that an error is about: with what it has before its dots. And what is written there, if
/// it is another name of the same function.
fn find(text: &str, start: Position, subject: &Subject) -> Option<(Position, Option<String>)> {
    if text.len() > SEARCHED_BYTES {
        return None;
    }
    let tokens = tokenize(text, Location { line: start.line, column: start.column }).ok()?;
    let tokens: Vec<&TokenWithSpan> =
        tokens.iter().filter(|t| !matches!(t.token, Token::Whitespace(_))).collect();
    let position =
        |at: usize| tokens.get(at).map(|t| Position { line: t.span.start.line, column: t.span.start.column });
    if subject.of == SubjectOf::Value {
        // Of values that come from rows, the statement may have an equal one by chance, but hardly only one.
        let mut found = (0..tokens.len()).filter(|at| is_value(&tokens, *at, &subject.name));
        return Some((found.next().filter(|_| found.next().is_none()).and_then(position)?, None));
    }
    let found: Vec<usize> = (0..tokens.len()).filter(|at| is_name(&tokens, *at, &subject.name)).collect();
    let is_clause =
        |at: &usize| ["where", "having", "qualify"].iter().any(|word| names(&tokens, Some(*at), word));
    let clause = (0..tokens.len()).find(is_clause).unwrap_or(0);
    let wanted = found.iter().find(|at| match (&subject.qualifier, subject.of) {
        (Some(qualifier), _) => names(&tokens, at.checked_sub(2), qualifier),
        (None, SubjectOf::Table) => is_after_from(&tokens, **at),
        (None, SubjectOf::Function) => is_called(&tokens, **at),
        (None, SubjectOf::Condition) => **at > clause,
        (None, _) => true,
    });
    if let Some(at) = wanted.or(found.first()) {
        return Some((position(dotted_from(&tokens, *at))?, None));
    }
    let called =
        |name: &&str| (0..tokens.len()).find(|at| names(&tokens, Some(*at), name) && is_called(&tokens, *at));
    let (at, name) = subject.also_called().iter().find_map(|name| Some((called(name)?, name)))?;
    Some((position(at)?, Some((*name).to_owned())))
}

/// Whether the token is a literal of this text.
fn is_value(tokens: &[&TokenWithSpan], at: usize, value: &str) -> bool {
    match tokens.get(at).map(|t| &t.token) {
        Some(
            Token::SingleQuotedString(text) | Token::EscapedStringLiteral(text) | Token::Number(text, _),
        ) => text == value,
        _ => false,
    }
}

/// Whether the token is followed by arguments.
fn is_called(tokens: &[&TokenWithSpan], at: usize) -> bool {
    tokens.get(at + 1).is_some_and(|t| t.token == Token::LParen)
}

/// Whether the token is the name, and not the name that something is given by AS.
fn is_name(tokens: &[&TokenWithSpan], at: usize, name: &str) -> bool {
    let given = at.checked_sub(1).and_then(|before| tokens.get(before));
    let given = given.is_some_and(|t| unquoted(&t.token).is_some_and(|w| w.eq_ignore_ascii_case("AS")));
    !given && names(tokens, Some(at), name)
}

fn names(tokens: &[&TokenWithSpan], at: Option<usize>, name: &str) -> bool {
    match at.and_then(|at| tokens.get(at)).map(|t| &t.token) {
        Some(Token::Word(word)) if word.quote_style.is_some() => word.value == name,
        Some(Token::Word(word)) => word.value.to_ascii_lowercase() == name,
        _ => false,
    }
}

/// Whether a table may be named here.
fn is_after_from(tokens: &[&TokenWithSpan], at: usize) -> bool {
    let before = dotted_from(tokens, at).checked_sub(1).and_then(|before| tokens.get(before));
    before.is_some_and(|t| match unquoted(&t.token) {
        Some(word) => {
            ["FROM", "JOIN", "INTO", "UPDATE", "TABLE", "USING"].iter().any(|w| word.eq_ignore_ascii_case(w))
        }
        None => t.token == Token::Comma,
    })
}

/// The first token of the dotted name that the token is a part of.
fn dotted_from(tokens: &[&TokenWithSpan], mut at: usize) -> usize {
    while let Some(before) = at.checked_sub(2)
        && tokens.get(before + 1).is_some_and(|t| t.token == Token::Period)
        && matches!(tokens.get(before).map(|t| &t.token), Some(Token::Word(_)))
    {
        at = before;
    }
    at
}

/// What may have been meant by a text that cannot be read from `place` on.
fn hint(text: &str, place: Position) -> Option<String> {
    let before = usize::try_from(place.line).ok()?.checked_sub(1)?;
    let column = usize::try_from(place.column).ok()?.checked_sub(1)?;
    let line = text.split('\n').nth(before)?;
    let in_line = line.char_indices().nth(column).map_or(line.len(), |(at, _)| at);
    let lines: usize = text.split_inclusive('\n').take(before).map(str::len).sum();
    let (read, rest) = text.split_at_checked(lines + in_line)?;
    let found: String = rest.chars().take_while(|c| is_of_word(*c)).collect();
    let read = read.trim_end();
    let first = read.trim_end_matches(is_of_word);
    let last = read.strip_prefix(first).unwrap_or_default();
    for (word, head) in [(found.as_str(), read), (last, first.trim_end())] {
        if head.ends_with(',') && AFTER_LISTS.iter().any(|w| word.eq_ignore_ascii_case(w)) {
            return Some(format!("there is a comma too many before {word}"));
        }
    }
    // What cannot be read often follows what is misspelt: in `FROM t WERE id = 1` that is `id`.
    [found.as_str(), last].into_iter().find_map(|word| {
        let meant = meant_by(word)?;
        Some(format!("did you mean {meant} instead of {word}?"))
    })
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The word of SQL that `word` is a misspelling of.
fn meant_by(word: &str) -> Option<&'static str> {
    let length = word.chars().count();
    if length < 4 || WORDS.iter().any(|w| word.eq_ignore_ascii_case(w)) {
        return None;
    }
    let most = if length < 6 { 1 } else { 2 };
    let near = WORDS.iter().map(|w| (edits(word, w), *w)).min();
    near.filter(|(distance, _)| *distance <= most).map(|(_, w)| w)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::parse;

    fn hint_of(text: &str) -> Option<String> {
        parse(text).expect_err(text).hint().map(str::to_owned)
    }

    #[test]
    fn misspelt_words_are_found_where_they_are_or_before() {
        for (text, meant) in [
            ("SELEKT 1", Some("SELECT instead of SELEKT")),
            ("SELECT * FORM t", Some("FROM instead of FORM")),
            ("SELECT id FORM t", Some("FROM instead of FORM")),
            ("SELECT * FROM t\nWERE id = 1", Some("WHERE instead of WERE")),
            ("SELECT * FROM t ODER BY id", Some("ORDER instead of ODER")),
            ("CRATE TABLE t (id INT PRIMARY KEY)", Some("CREATE instead of CRATE")),
            ("SELECT a, FROM t", Some("a comma too many before FROM")),
            ("SELECT (1", None),
            ("nonsense", None),
        ] {
            let hint = hint_of(text);
            match meant {
                Some(meant) => {
                    assert!(hint.as_deref().is_some_and(|h| h.contains(meant)), "{text}: {hint:?}")
                }
                None => assert_eq!(hint, None, "{text}"),
            }
        }
    }

    #[test]
    fn the_place_is_that_of_the_name() {
        let text = "SELECT 1;\n  SELECT x AS wrong, a.wrong FROM missing, app.missing a WHERE \"Wrong\" = 1";
        let parsed = &parse(text).unwrap()[1];
        let place = |e: Error| locate(e, parsed).position().map(|p| (p.line, p.column));
        let e = || Error::not_found("it");
        assert_eq!(place(e().about(None, "wrong")), Some((2, 22)));
        assert_eq!(place(e().about(Some("a"), "wrong")), Some((2, 22)));
        assert_eq!(place(e().about_table("missing")), Some((2, 35)));
        assert_eq!(place(e().about(Some("app"), "missing")), Some((2, 44)));
        assert_eq!(place(e().about(None, "Wrong")), Some((2, 64)));
        assert_eq!(place(e().about(None, "nothing")), None);
        let shown = locate(e().about(None, "Wrong"), parsed).excerpt().unwrap();
        assert!(shown.starts_with("LINE 2: ") && shown.ends_with('^'), "{shown}");
    }
}
