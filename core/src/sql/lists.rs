//! Refuses lists behind IN that are too long, before there is a tree.

use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use super::tokens::{keyword, place};
use crate::error::{Error, Result};

/// Checks that no list behind IN has more than `limit` items.
///
/// # Errors
/// `LimitExceeded`, with the place of the first item too many.
pub(super) fn check(tokens: &[TokenWithSpan], limit: usize) -> Result<()> {
    // For each bracket that is open, the commas in it, if it is that of a list.
    let mut open: Vec<Option<usize>> = Vec::new();
    let mut after_in = false;
    for token in tokens {
        match &token.token {
            Token::LParen => open.push(after_in.then_some(0)),
            Token::LBracket | Token::LBrace => open.push(None),
            Token::RParen | Token::RBracket | Token::RBrace => {
                open.pop();
            }
            Token::Comma => {
                if let Some(Some(commas)) = open.last_mut() {
                    *commas += 1;
                    if *commas >= limit {
                        return Err(Error::limit(format!(
                            "{}: a list behind IN has at most {limit} items: put them into a table, and join it",
                            place(token.span.end)
                        )));
                    }
                }
            }
            _ => {}
        }
        after_in = matches!(keyword(&token.token), Some(Keyword::IN));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::sql::tokens::split;

    fn checked(text: &str, limit: usize) -> Result<()> {
        check(&split(text).unwrap().remove(0).tokens, limit)
    }

    #[test]
    fn only_lists_behind_in_are_counted_each_by_itself() {
        for text in [
            "SELECT 1 WHERE a IN (1, 2, 3) OR b NOT IN (1, 2, 3)",
            "SELECT f(1, 2, 3, 4), ARRAY[1, 2, 3, 4] WHERE a IN (f(1, 2, 3, 4), 2, 3)",
            "INSERT INTO t (a, b, c, d) VALUES (1, 2, 3, 4)",
            "SELECT a, \"in\", (1, 2, 3, 4)",
        ] {
            checked(text, 3).unwrap();
        }
        for text in [
            "SELECT 1 WHERE a IN (1, 2, 3, 4)",
            "SELECT 1 WHERE a NOT IN\n(1, (2), f(3), 4)",
            "SELECT (a IN (1,2,3,4))",
        ] {
            let error = checked(text, 3).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{text}");
            assert!(error.to_string().contains("at most 3 items"), "{error}");
        }
    }
}
