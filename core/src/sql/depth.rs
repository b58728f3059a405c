//! Refuses statements whose tree would be too deep, before there is a tree.
//!
//! Planning, and even freeing, an expression recurses into it, so a chain such as `1 + 1 + …` could
//! exhaust the stack. One pass over the tokens bounds the depth from above: parentheses, brackets and
//! CASE nest; within one level, what OR joins, what AND joins in that and every other operator in that
//! add up; a comma or the keyword of a clause starts afresh. A keyword that may be an operator or a name
//! counts as an operator, which only makes the bound larger.

use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Location, Token, TokenWithSpan};

use super::tokens::{keyword, place};
use crate::error::{Error, Result};

/// Checks that no expression or query in `tokens` is deeper than `limit`.
///
/// # Errors
/// `LimitExceeded`, with the place.
pub(super) fn check(tokens: &[TokenWithSpan], limit: usize) -> Result<()> {
    let mut stack = vec![Frame::default()];
    let mut before = [None, None];
    for token in tokens {
        let [previous, last] = before;
        let reached = step(&mut stack, &token.token, previous, last);
        if reached > limit || stack.len() > limit {
            return Err(too_deep(token.span.start, limit));
        }
        before = [last, Some(&token.token)];
    }
    // What is still open has not been added to what it is in.
    let total: usize = stack.iter().map(Frame::depth).sum::<usize>() + stack.len();
    match tokens.last() {
        Some(last) if total > limit + 1 => Err(too_deep(last.span.end, limit)),
        _ => Ok(()),
    }
}

fn too_deep(at: Location, limit: usize) -> Error {
    Error::limit(format!(
        "{}: the statement nests deeper than {limit} levels: use fewer operators in one expression, \
         or IN (…) instead of a chain of OR",
        place(at)
    ))
}

/// A level of parentheses, brackets or CASE.
#[derive(Debug, Default)]
struct Frame {
    case: bool,
    /// Joins and set operations, which every clause of the level may lie under.
    chain: usize,
    /// The deepest of the parts that have ended.
    deepest: usize,
    part: Part,
}

impl Frame {
    fn depth(&self) -> usize {
        self.chain + self.deepest.max(self.part.depth())
    }

    fn end_part(&mut self) {
        self.deepest = self.deepest.max(self.part.depth());
        self.part = Part::default();
    }
}

/// An expression between commas or the keywords of clauses.
#[derive(Debug, Default)]
struct Part {
    ors: usize,
    ands: usize,
    most_ands: usize,
    others: usize,
    most_others: usize,
    nested: usize,
}

impl Part {
    fn depth(&self) -> usize {
        self.ors + self.most_ands + self.most_others + self.nested
    }

    fn or(&mut self) {
        self.ors += 1;
        self.ands = 0;
        self.others = 0;
    }

    fn and(&mut self) {
        self.ands += 1;
        self.most_ands = self.most_ands.max(self.ands);
        self.others = 0;
    }

    fn other(&mut self) {
        self.others += 1;
        self.most_others = self.most_others.max(self.others);
    }
}

/// Takes one token; returns the depth of the level it is in, or that it closed.
fn step(stack: &mut Vec<Frame>, token: &Token, previous: Option<&Token>, last: Option<&Token>) -> usize {
    let Some(top) = stack.last_mut() else { return 0 };
    match token {
        Token::LParen | Token::LBrace => stack.push(Frame::default()),
        Token::LBracket => {
            // A chain of subscripts nests as one of operators does.
            top.part.other();
            stack.push(Frame::default());
        }
        Token::RParen | Token::RBracket | Token::RBrace => return close(stack),
        Token::Comma => top.end_part(),
        Token::Word(_) if matches!(last, Some(Token::Period)) => {}
        Token::Word(_) => match keyword(token) {
            Some(Keyword::CASE) => stack.push(Frame { case: true, ..Frame::default() }),
            Some(Keyword::END) if top.case => return close(stack),
            Some(word) => word_step(top, word, previous, last),
            None => {}
        },
        _ if is_operator(token) => top.part.other(),
        _ => {}
    }
    stack.last().map_or(0, Frame::depth)
}

fn close(stack: &mut Vec<Frame>) -> usize {
    // A closing bracket too many is the parser's to report.
    if stack.len() < 2 {
        return 0;
    }
    let depth = stack.pop().map_or(0, |frame| frame.depth() + 1);
    if let Some(top) = stack.last_mut() {
        top.part.nested = top.part.nested.max(depth);
    }
    depth
}

fn word_step(top: &mut Frame, word: Keyword, previous: Option<&Token>, last: Option<&Token>) {
    use Keyword as K;
    let starts = match word {
        K::SELECT
        | K::FROM
        | K::WHERE
        | K::GROUP
        | K::HAVING
        | K::ORDER
        | K::LIMIT
        | K::OFFSET
        | K::SET
        | K::VALUES
        | K::ON
        | K::USING
        | K::RETURNING
        | K::WINDOW => true,
        K::UNION | K::INTERSECT | K::EXCEPT | K::JOIN => {
            top.chain += 1;
            true
        }
        K::WHEN | K::THEN | K::ELSE => top.case,
        _ => false,
    };
    match word {
        // After an operator it is an operand, a column with such a name.
        _ if starts && !wants_operand(previous, last) => top.end_part(),
        K::OR => top.part.or(),
        K::AND => top.part.and(),
        K::NULL | K::TRUE | K::FALSE => {}
        // What is no operator before an operand, and stands where one must, is a name.
        _ if !is_prefix(word) && at_operand(previous, last) => {}
        _ => top.part.other(),
    }
}

/// Whether the keyword takes the operand behind it without parentheses.
fn is_prefix(word: Keyword) -> bool {
    use Keyword as K;
    matches!(word, K::NOT | K::INTERVAL | K::PRIOR | K::LAMBDA | K::CONNECT_BY_ROOT)
}

/// Whether what follows `last` can only be an operand.
fn at_operand(previous: Option<&Token>, last: Option<&Token>) -> bool {
    matches!(last, Some(Token::Comma | Token::LParen | Token::LBracket)) || wants_operand(previous, last)
}

/// Whether an operand must follow `last`.
fn wants_operand(previous: Option<&Token>, last: Option<&Token>) -> bool {
    match last {
        // The `*` of `SELECT *` and `t.*` is no operator.
        Some(Token::Mul) => !match previous {
            None | Some(Token::Comma | Token::Period | Token::LParen) => true,
            Some(before) => matches!(
                keyword(before),
                Some(Keyword::SELECT | Keyword::DISTINCT | Keyword::ALL | Keyword::RETURNING)
            ),
        },
        Some(token) if is_operator(token) => true,
        Some(token) => matches!(
            keyword(token),
            Some(
                Keyword::AND | Keyword::OR | Keyword::NOT | Keyword::LIKE | Keyword::ILIKE | Keyword::BETWEEN
                // IS DISTINCT FROM
                | Keyword::DISTINCT
            )
        ),
        None => false,
    }
}

/// Whether the token is neither a word, a literal, a parameter nor punctuation.
fn is_operator(token: &Token) -> bool {
    use Token as T;
    !matches!(
        token,
        T::Word(_)
            | T::Number(..)
            | T::Char(_)
            | T::Placeholder(_)
            | T::EOF
            | T::Comma
            | T::Period
            | T::SemiColon
            | T::Whitespace(_)
            | T::LParen
            | T::RParen
            | T::LBracket
            | T::RBracket
            | T::LBrace
            | T::RBrace
            | T::SingleQuotedString(_)
            | T::DoubleQuotedString(_)
            | T::DollarQuotedString(_)
            | T::EscapedStringLiteral(_)
            | T::UnicodeStringLiteral(_)
            | T::NationalStringLiteral(_)
            | T::HexStringLiteral(_)
            | T::SingleQuotedByteStringLiteral(_)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::sql::tokens::split;

    /// The least limit that `text` passes.
    fn bound(text: &str) -> usize {
        let piece = split(text).unwrap().remove(0);
        (0..).find(|limit| check(&piece.tokens, *limit).is_ok()).unwrap()
    }

    #[test]
    fn only_what_nests_counts() {
        let many = |n: usize, what: &str, between: &str| vec![what; n].join(between);
        for (text, most) in [
            (format!("INSERT INTO t VALUES {}", many(5000, "(-1, 'a', NULL, 2.5)", ", ")), 8),
            (format!("SELECT * FROM t WHERE id IN ({})", many(5000, "-1", ", ")), 8),
            (format!("SELECT {} FROM t", many(500, "a + b * c", ", ")), 8),
            (format!("SELECT CASE {} END", many(500, "WHEN a = 1 THEN b + 1", " ")), 10),
            (format!("CREATE TABLE t ({})", many(500, "a BIGINT NOT NULL DEFAULT -1", ", ")), 10),
        ] {
            let found = bound(&text);
            assert!(found <= most, "{}… {found}", &text[..40]);
        }
        for (n, text) in [
            (100, format!("SELECT {}", many(101, "1", " + "))),
            (100, format!("SELECT {}1", many(100, "- ", ""))),
            (100, format!("SELECT {}1{}", "(".repeat(100), ")".repeat(100))),
            (100, format!("SELECT {}1{}", "abs(".repeat(100), ")".repeat(100))),
            (100, format!("SELECT a{}", "[1]".repeat(100))),
            (100, format!("SELECT {}1{}", "CASE WHEN a THEN ".repeat(100), " END".repeat(100))),
            (100, many(101, "SELECT 1", " UNION ALL ")),
            (100, format!("SELECT * FROM {}", many(101, "t", " CROSS JOIN "))),
            (100, format!("SELECT a{}", " IS NOT NULL".repeat(100))),
            (100, format!("SELECT a{}", " NOTNULL".repeat(100))),
            (100, format!("SELECT a{}", "::int".repeat(100))),
            (100, format!("SELECT a{}", " OPERATOR(+) b".repeat(100))),
            (100, format!("SELECT {}", many(101, "limit", " + "))),
            (100, format!("SELECT {}1", many(100, "INTERVAL ", ""))),
            (100, format!("SELECT {}", many(101, "id IS NULL", " + "))),
            (100, format!("SELECT {}", many(101, "from", " * "))),
            (100, format!("SELECT CASE WHEN {} THEN 1 END", many(101, "when", " + "))),
            (100, format!("SELECT {}", many(101, "a", " IS DISTINCT FROM "))),
            (100, format!("SELECT a{}", " BETWEEN 1 AND 2".repeat(100))),
            (100, format!("SELECT {}", many(101, "a = 1", " OR "))),
            (100, format!("SELECT {}", many(101, "a = 1 AND b = 2", " OR "))),
        ] {
            let found = bound(&text);
            assert!((n..=4 * n).contains(&found), "{}… {found}", &text[..30]);
        }
        assert!(bound(&format!("SELECT {}", many(101, "a = 1 AND b = 2", " OR "))) < 110);
        assert!(bound(&format!("SELECT {}", many(101, "id", " + "))) < 110);
    }

    #[test]
    fn the_error_has_the_place() {
        let piece = split("SELECT 1,\n ((((1))))").unwrap().remove(0);
        let e = check(&piece.tokens, 3).expect_err("too deep");
        assert_eq!(e.kind(), ErrorKind::LimitExceeded);
        assert!(e.message().starts_with("line 2, column "), "{e}");
        assert!(check(&split(")))) END END").unwrap().remove(0).tokens, 9).is_ok());
    }
}
