//! What DataFusion and Arrow say of a statement, in PostgreSQL's words and with SQL's names of types.

use super::sql_types::{named, plain};
use super::{Error, ErrorKind, calls};

/// Words in front of a message that say which part of the library it comes from.
const PREFIXES: &[&str] = &[
    "Execution error: ",
    "Error during planning: ",
    "Internal error: ",
    "External error: ",
    "Parser error: ",
];
/// What the library adds to an error that it takes for its own.
const ITS_BUG: &str = "This issue was likely caused by a bug in DataFusion's code";
/// What it says before an operator that it cannot run.
const NO_PLAN: &str = "Physical plan does not support logical expression ";

/// The error of `kind` that `message` tells of, unless it is plain that it is of another.
pub(super) fn worded(kind: ErrorKind, message: &str) -> Error {
    if let Some(e) = calls::mismatch(message) {
        return e;
    }
    let message = unprefixed(message);
    let known = value(message)
        .or_else(|| operator(message))
        .or_else(|| clause(message))
        .or_else(|| subquery(message))
        .or_else(|| other(message));
    known.unwrap_or_else(|| {
        let told = message.split(ITS_BUG).next().unwrap_or_default().trim_end();
        Error::new(kind, with_sql_types(told))
    })
}

/// Whether `message`, of an error that the library takes for a defect, is about a mistake in the statement.
pub(super) fn is_mistake(message: &str) -> bool {
    ["No function matches the given name", "failed to match any signature", "regex parse error:"]
        .iter()
        .any(|mistake| message.contains(mistake))
}

pub(super) fn unprefixed(mut message: &str) -> &str {
    while let Some(rest) = PREFIXES.iter().find_map(|prefix| message.strip_prefix(prefix)) {
        message = rest;
    }
    message
}

/// What is between `before` and `after` in `text`, and what follows.
fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<(&'a str, &'a str)> {
    text.strip_prefix(before)?.split_once(after)
}

/// Values that are none of their type.
fn value(message: &str) -> Option<Error> {
    for before in ["Cannot cast string '", "Cannot cast value '"] {
        if let Some(rest) = message.strip_prefix(before)
            && let Some((text, ty)) = rest.rsplit_once("' to value of ")
            && let Some(ty) = ty.strip_suffix(" type")
        {
            return Some(no_value(text, &named(ty)));
        }
    }
    if let Some((value, ty)) = between(message, "Can't cast value ", " to type ") {
        return Some(
            Error::invalid(format!("{} out of range: {value}", named(ty.trim_end_matches('.'))))
                .about_value(value),
        );
    }
    if let Some((text, _)) = between(message, "Error parsing timestamp from '", "': ") {
        return Some(no_value(text, "timestamp"));
    }
    if let Some(rest) = message.strip_prefix("Invalid input syntax for type interval: \"") {
        let text = rest.strip_suffix('"').unwrap_or(rest);
        return Some(no_value(text, "interval"));
    }
    if let Some((ty, rest)) = message.split_once("Array overflow on ") {
        return Some(Error::invalid(format!("{} out of range: {rest}", named(ty))));
    }
    for before in ["Overflow happened on: ", "Overflow happened on ", "Arithmetic overflow: "] {
        if let Some(rest) = message.strip_prefix(before) {
            return Some(Error::invalid(format!("value out of range: {}", rest.to_lowercase())));
        }
    }
    let (from, to) = between(message, "Unsupported CAST from ", " to ")?;
    Some(Error::invalid(format!("cannot cast type {} to {}", named(from), named(to))))
}

/// Text that is no value of `ty`.
fn no_value(text: &str, ty: &str) -> Error {
    let is_number = matches!(ty, "smallint" | "integer" | "bigint") && text.trim().parse::<i128>().is_ok();
    let message = match is_number {
        true => format!("value \"{text}\" is out of range for type {ty}"),
        false => format!("invalid input syntax for type {ty}: \"{text}\""),
    };
    Error::invalid(message).about_value(text)
}

/// Operators between what they are not for.
fn operator(message: &str) -> Option<Error> {
    const INFERS: &str = "Cannot infer common ";
    let call = if let Some(rest) = message.strip_prefix("Cannot coerce arithmetic expression ") {
        rest.strip_suffix(" to valid types")?
    } else if message.starts_with(INFERS) || message.starts_with("Cannot get result type for ") {
        message.split_once(" operation ")?.1
    } else if let Some((left, right)) =
        between(message, "Can not find compatible types to compare ", " with [")
    {
        let right = right.split([',', ']']).next().unwrap_or_default();
        return Some(no_operator(&format!("{} = {}", named(left), named(right))));
    } else if let Some(rest) = message.strip_prefix("There isn't a common type to coerce ")
        && let Some((types, op)) = rest.split_once(" in ")
        && let Some((left, right)) = types.split_once(" and ")
    {
        let op = op.trim_end_matches(" expression");
        return Some(no_operator(&format!("{} {op} {}", named(left), named(right))));
    } else if let Some(rest) = message.strip_prefix("Failed to coerce types ") {
        let (types, _) = rest.split_once(" in BETWEEN")?;
        let (left, right) = types.split_once(" and ")?;
        return Some(no_operator(&format!("{} BETWEEN {}", named(left), named(right))));
    } else if message.starts_with("Unary operator '-' only supports") {
        return Some(Error::invalid("the sign - is for numbers and intervals only"));
    } else {
        let (_, ty) = between(message, "Unary operator 'NOT' requires a boolean expression", ", got ")?;
        return Some(no_condition("NOT", &named(ty)));
    };
    let call = call.split(": ").next().unwrap_or(call);
    // Types have no spaces outside of parentheses, so that the operator is the first word after the first type.
    let (left, rest) = split_type(call)?;
    let (op, right) = rest.trim_start().split_once(' ')?;
    if matches!(op, "AND" | "OR") {
        let wrong = [left, right].into_iter().map(named).find(|ty| ty != "boolean")?;
        return Some(no_condition(op, &wrong));
    }
    Some(no_operator(&format!("{} {op} {}", named(left), named(right))))
}

/// The type at the start of `text`, and what follows.
fn split_type(text: &str) -> Option<(&str, &str)> {
    let mut depth = 0_i32;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ' ' if depth == 0 => return text.split_at_checked(at),
            _ => {}
        }
    }
    None
}

fn no_operator(call: &str) -> Error {
    Error::invalid(format!("operator does not exist: {call}"))
        .with_hint("cast one side to a type that the operator takes: CAST(… AS …)")
}

fn no_condition(of: &str, ty: &str) -> Error {
    Error::invalid(format!("argument of {of} must be type boolean, not type {ty}"))
}

/// Expressions of the wrong type or kind for their clause.
fn clause(message: &str) -> Option<Error> {
    if let Some(rest) = message.strip_prefix("Cannot create filter with non-boolean predicate '") {
        let (predicate, ty) = rest.rsplit_once("' returning ")?;
        let name = predicate.rsplit('.').next().unwrap_or(predicate);
        return Some(no_condition("WHERE", &named(ty)).about_condition(name));
    }
    if let Some(ty) = message.strip_prefix("Join condition must be boolean type, but got ") {
        return Some(no_condition("JOIN/ON", &named(ty)));
    }
    if let Some(rest) = message.strip_prefix("Expected ")
        && let Some((clause, ty)) = rest.split_once(" to be an integer or null, but got ")
    {
        let ty = named(ty);
        return Some(match ty.starts_with("decimal") {
            true => Error::invalid(format!("the number of {clause} is out of range for type bigint")),
            false => Error::invalid(format!("argument of {clause} must be type bigint, not type {ty}")),
        });
    }
    if message.starts_with("Aggregate functions are not allowed in the WHERE clause") {
        return Some(
            Error::invalid("aggregate functions are not allowed in WHERE")
                .with_hint("conditions on aggregates stand in HAVING"),
        );
    }
    if let Some(rest) = message.strip_prefix("Incompatible inputs for Union: Previous inputs were of type ") {
        let (first, rest) = rest.split_once(", but got incompatible type ")?;
        let (second, _) = rest.split_once(" on column ")?;
        return Some(Error::invalid(format!(
            "UNION types {} and {} cannot be matched",
            named(first),
            named(second)
        )));
    }
    if message.starts_with("Aggregate function calls cannot be nested") {
        return Some(
            Error::invalid("aggregate function calls cannot be nested")
                .with_hint("compute the inner one in a subquery in FROM"),
        );
    }
    if message.starts_with("Aggregate function calls cannot contain window function calls") {
        return Some(Error::invalid("aggregate function calls cannot contain window function calls"));
    }
    if message.starts_with("Window function calls cannot be nested") {
        return Some(Error::invalid("window function calls cannot be nested"));
    }
    let kind = message.strip_prefix(NO_PLAN)?;
    if kind.starts_with("WindowFunction(") {
        return Some(Error::invalid("window functions are allowed in SELECT, QUALIFY and ORDER BY only"));
    }
    kind.starts_with("AggregateFunction(").then(|| {
        Error::invalid("aggregate functions are allowed in SELECT, HAVING and ORDER BY only")
            .with_hint("compute it in a subquery")
    })
}

/// Subqueries that cannot be made joins, which is how DataFusion runs them.
fn subquery(message: &str) -> Option<Error> {
    const HINT: &str = "EXISTS and IN stand in WHERE; tie the two queries by = and AND alone, without LIMIT, UNION or a \
                        window in the inner one; or write it as a JOIN with a subquery in FROM that has GROUP BY";
    let kind = message.strip_prefix(NO_PLAN).unwrap_or_default();
    if kind.starts_with("OuterReferenceColumn(") || message.starts_with("LATERAL syntax is not supported") {
        return Some(
            Error::unsupported(
                "LATERAL: what stands in FROM cannot use columns of the tables before it in this way",
            )
            .with_hint("compute it in SELECT, or write it as a JOIN whose condition ties the two"),
        );
    }
    if message.starts_with("Correlated scalar subquery must be aggregated to return at most one row")
        || message.starts_with("Correlated scalar subquery in the GROUP BY")
    {
        return Some(
            Error::unsupported(
                "a subquery as a value that uses columns of the query around it and may find several rows",
            )
            .with_hint("let it find one row: SELECT max(…) or min(…); or write it as a JOIN"),
        );
    }
    let subqueries = ["ScalarSubquery(", "Exists(", "InSubquery(", "SetComparison("];
    let other = [
        "Correlated scalar subquery can only be used in",
        "In/Exist/SetComparison subquery can only be used in",
        "A GROUP BY clause in a scalar correlated subquery",
        "Unsupported Subquery plan",
        "Unsupported operator in the subquery plan",
        "Accessing outer reference columns is not allowed in the plan",
    ];
    let correlated =
        subqueries.iter().any(|s| kind.starts_with(s)) || other.iter().any(|s| message.starts_with(s));
    correlated.then(|| {
        Error::unsupported(
            "this subquery cannot be run: it stands where no join can take its place, or uses columns of the query \
             around it as no join can",
        )
        .with_hint(HINT)
    })
}

/// What else has words of its own.
fn other(message: &str) -> Option<Error> {
    if let Some((ty, name)) = between(message, "Unsupported data type ", " for function ") {
        return Some(calls::of_call(name.trim_end_matches('.'), &[named(ty)]).with_hint("cast the argument"));
    }
    if message.starts_with("Substring without for/from is not valid") {
        return Some(
            Error::invalid("substring needs where to start: substring(text FROM start FOR length)")
                .about_function("substr"),
        );
    }
    if let Some(why) = message.strip_prefix("regex parse error:") {
        let why = why.rsplit("error: ").next().unwrap_or_default().trim();
        return Some(Error::invalid(format!("not a regular expression: {why}")));
    }
    let kind = message.strip_prefix(NO_PLAN)?;
    let kind = kind.split(['(', ' ', '{']).next().unwrap_or_default();
    Some(Error::unsupported(format!("an expression of this kind here ({kind})")))
}

/// `message` with SQL's names for Arrow's types, where it does not quote somebody's text.
fn with_sql_types(message: &str) -> String {
    let mut shown = String::with_capacity(message.len());
    let mut rest = message;
    while let Some(start) = rest.find(|c: char| c.is_ascii_alphanumeric() || matches!(c, '\'' | '"' | '`')) {
        let (before, at) = rest.split_at(start);
        shown.push_str(before);
        let first = at.chars().next().unwrap_or(' ');
        if !first.is_ascii_alphanumeric() {
            // As far as the next of its kind; an apostrophe, which has none, stands for itself.
            let inner = at.get(1..).unwrap_or_default();
            let end = inner.find(first).map_or(1, |end| end + 2);
            let (quoted, after) = at.split_at(end);
            shown.push_str(quoted);
            rest = after;
            continue;
        }
        let end = at.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(at.len());
        let (word, after) = at.split_at(end);
        if plain(word).is_some()
            && word != "Null"
            && word != "Interval"
            && word != "Binary"
            && word != "Boolean"
        {
            rest = typed(word, after, &mut shown);
        } else {
            shown.push_str(word);
            rest = after;
        }
    }
    shown.push_str(rest);
    shown
}

/// Shows the type `word`, or the literal `word(value)` that it begins; what follows.
fn typed<'a>(word: &str, after: &'a str, shown: &mut String) -> &'a str {
    let inner = after.strip_prefix('(').and_then(|rest| rest.split_once(')'));
    let Some((inner, rest)) = inner else {
        shown.push_str(&named(word));
        return after;
    };
    if inner.is_empty() || matches!(word, "Decimal128" | "Decimal256" | "Timestamp" | "Time64" | "Time32") {
        shown.push_str(&named(&format!("{word}({inner})")));
    } else {
        shown.push_str(&inner.replace('"', "'"));
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_those_of_postgresql() {
        for (theirs, ours) in [
            (
                "Cannot cast string 'a'b' to value of Int32 type",
                "invalid input syntax for type integer: \"a'b\"",
            ),
            (
                "Execution error: Cannot cast string '3000000000' to value of Int32 type",
                "value \"3000000000\" is out of range for type integer",
            ),
            (
                "Cannot cast value 'abc' to value of Boolean type",
                "invalid input syntax for type boolean: \"abc\"",
            ),
            (
                "Cannot cast string 'x' to value of Time64(µs) type",
                "invalid input syntax for type time: \"x\"",
            ),
            ("Can't cast value 40000 to type Int16", "smallint out of range: 40000"),
            (
                "Error parsing timestamp from 'abc': timestamp must contain at least 10 characters",
                "invalid input syntax for type timestamp: \"abc\"",
            ),
            (
                "Int64Array overflow on abs(-9223372036854775808)",
                "bigint out of range: abs(-9223372036854775808)",
            ),
            ("Unsupported CAST from Time64(µs) to Int32", "cannot cast type time to integer"),
            (
                "Cannot coerce arithmetic expression Timestamp(µs, \"UTC\") + Int64 to valid types",
                "operator does not exist: timestamptz + bigint",
            ),
            (
                "Cannot infer common argument type for comparison operation Boolean = Int64",
                "operator does not exist: boolean = bigint",
            ),
            (
                "Cannot infer common argument type for logical boolean operation Utf8 AND Boolean",
                "argument of AND must be type boolean, not type text",
            ),
            (
                "Unary operator 'NOT' requires a boolean expression, got Int32",
                "argument of NOT must be type boolean, not type integer",
            ),
            (
                "Can not find compatible types to compare Int32 with [Boolean]",
                "operator does not exist: integer = boolean",
            ),
            (
                "There isn't a common type to coerce Int32 and Utf8 in LIKE expression",
                "operator does not exist: integer LIKE text",
            ),
            (
                "Cannot create filter with non-boolean predicate 'm.id' returning Int32",
                "argument of WHERE must be type boolean, not type integer",
            ),
            (
                "Expected LIMIT to be an integer or null, but got Decimal128(20, 0)",
                "the number of LIMIT is out of range for type bigint",
            ),
            (
                "Expected LIMIT to be an integer or null, but got Utf8",
                "argument of LIMIT must be type bigint, not type text",
            ),
            (
                "Incompatible inputs for Union: Previous inputs were of type Int32, but got incompatible type \
                 Boolean on column 'b'",
                "UNION types integer and boolean cannot be matched",
            ),
            (
                "Unsupported data type Boolean for function to_timestamp",
                "function to_timestamp(boolean) does not exist",
            ),
            ("Execution error: cannot take the root", "cannot take the root"),
            (
                "Argument 'Int32' is Int32, not Decimal128(5, 2) or Int64(7) + Utf8(\"x\")",
                "Argument 'Int32' is integer, not decimal(5,2) or 7 + 'x'",
            ),
            ("it isn't Utf8", "it isn't text"),
        ] {
            assert_eq!(worded(ErrorKind::InvalidInput, theirs).message(), ours);
        }
    }

    #[test]
    fn subqueries_are_refused_by_name() {
        for theirs in [
            "Physical plan does not support logical expression OuterReferenceColumn(Field { name: \"id\" })",
            "Physical plan does not support logical expression ScalarSubquery(<subquery>)",
            "Correlated scalar subquery must be aggregated to return at most one row",
        ] {
            let e = worded(ErrorKind::InvalidInput, theirs);
            assert!(e.kind() == ErrorKind::Unsupported && e.hint().is_some(), "{e}");
            assert!(!e.message().contains("logical expression"), "{e}");
        }
    }
}
