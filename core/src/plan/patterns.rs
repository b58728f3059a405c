//! Patterns as DataFusion reads them: those of LIKE with a backslash as what escapes, those of SIMILAR TO as
//! regular expressions. The functions have the names they have in PostgreSQL.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, StringArray};
use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use crate::error::Error;
use crate::plan::functions::on_arrays;

/// `like_escape(pattern, escape)`: a pattern of LIKE that escapes by a backslash.
pub const LIKE_ESCAPE: &str = "like_escape";
/// `similar_to_escape(pattern, escape)`: a pattern of SIMILAR TO as a regular expression.
pub const SIMILAR_TO_ESCAPE: &str = "similar_to_escape";

/// The two functions.
pub fn functions() -> [Arc<ScalarUDF>; 2] {
    [(LIKE_ESCAPE, like as fn(&str, Option<char>) -> _), (SIMILAR_TO_ESCAPE, similar)].map(
        |(name, rewrite)| {
            let signature = Signature::exact(vec![DataType::Utf8, DataType::Utf8], Volatility::Immutable);
            Arc::new(ScalarUDF::from(Pattern { name, rewrite, signature }))
        },
    )
}

#[derive(Debug)]
struct Pattern {
    name: &'static str,
    rewrite: fn(&str, Option<char>) -> crate::error::Result<String>,
    signature: Signature,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Pattern {}

impl std::hash::Hash for Pattern {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for Pattern {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        on_arrays(&args, |arrays| {
            let [patterns, escapes] = arrays else {
                return Err(Error::internal(format!("{} has two arguments", self.name)));
            };
            let (patterns, escapes) = (patterns.as_string::<i32>(), escapes.as_string::<i32>());
            let rewritten = patterns.iter().zip(escapes.iter()).map(|row| match row {
                (Some(pattern), Some(escape)) => (self.rewrite)(pattern, single(escape)?).map(Some),
                _ => Ok(None),
            });
            let rewritten: StringArray = rewritten.collect::<crate::error::Result<_>>()?;
            Ok(Arc::new(rewritten) as ArrayRef)
        })
    }
}

/// What escapes: one character, or none.
fn single(escape: &str) -> crate::error::Result<Option<char>> {
    let mut chars = escape.chars();
    match (chars.next(), chars.next()) {
        (found, None) => Ok(found),
        _ => Err(Error::invalid(format!("ESCAPE '{escape}': what escapes is one character, or none"))),
    }
}

fn ends_early(pattern: &str) -> Error {
    Error::invalid(format!("pattern '{pattern}' must not end with what escapes the next character"))
}

/// A pattern of LIKE in which `escape` escapes, as one in which a backslash does.
fn like(pattern: &str, escape: Option<char>) -> crate::error::Result<String> {
    let mut found = String::with_capacity(pattern.len());
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        if Some(c) == escape {
            found.push('\\');
            found.push(chars.next().ok_or_else(|| ends_early(pattern))?);
            continue;
        }
        if c == '\\' {
            found.push('\\');
        }
        found.push(c);
    }
    Ok(found)
}

/// A pattern of SIMILAR TO as a regular expression that matches a whole text.
fn similar(pattern: &str, escape: Option<char>) -> crate::error::Result<String> {
    // `.` is any character, a line's end too.
    let mut found = String::from(r"\A(?s:");
    let mut in_brackets = false;
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        if Some(c) == escape {
            push_literal(&mut found, chars.next().ok_or_else(|| ends_early(pattern))?);
            continue;
        }
        match c {
            ']' if in_brackets => {
                in_brackets = false;
                found.push(c);
            }
            // What is a class in brackets for both, as [:digit:], stays.
            '[' if in_brackets && chars.peek() == Some(&':') => {
                found.push(c);
                for inner in chars.by_ref() {
                    found.push(inner);
                    if inner == ']' {
                        break;
                    }
                }
            }
            '\\' | '[' | '&' | '~' if in_brackets => push_literal(&mut found, c),
            _ if in_brackets => found.push(c),
            '[' => {
                in_brackets = true;
                found.push(c);
                found.extend(chars.next_if_eq(&'^'));
            }
            '%' => found.push_str(".*"),
            '_' => found.push('.'),
            '.' | '^' | '$' | '\\' => push_literal(&mut found, c),
            _ => found.push(c),
        }
    }
    found.push_str(r")\z");
    Ok(found)
}

/// A character that stands for itself. Only signs can be escaped in a regular expression: a letter behind a
/// backslash is a class.
fn push_literal(found: &mut String, c: char) {
    if c.is_ascii_punctuation() {
        found.push('\\');
    }
    found.push(c);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_like_escape_by_a_backslash() {
        for (pattern, escape, expected) in [
            ("a!%c", Some('!'), "a\\%c"),
            ("a!!c", Some('!'), "a\\!c"),
            ("a\\%", Some('!'), "a\\\\%"),
            ("a\\%", None, "a\\\\%"),
            ("äÄ_", Some('Ä'), "ä\\_"),
        ] {
            assert_eq!(like(pattern, escape).unwrap(), expected, "{pattern}");
        }
        assert!(like("a!", Some('!')).is_err());
        assert!(single("ab").is_err());
    }

    #[test]
    fn patterns_of_similar_to_match_whole_texts() {
        for (pattern, expected) in [
            ("a(b|x)c", r"\A(?s:a(b|x)c)\z"),
            ("a%_.", r"\A(?s:a.*.\.)\z"),
            ("[^a%_&-c]+", r"\A(?s:[^a%_\&-c]+)\z"),
            ("[[:digit:]x]{2}", r"\A(?s:[[:digit:]x]{2})\z"),
            ("!%!d$", r"\A(?s:\%d\$)\z"),
        ] {
            assert_eq!(similar(pattern, Some('!')).unwrap(), expected, "{pattern}");
        }
    }
}
