//! Calls of functions with arguments that they do not take, as PostgreSQL tells of them.

use super::sql_types::{named, plain};
use super::wording::unprefixed;
use super::{Error, quoted};

/// What DataFusion says before the call that nothing matches.
const NO_MATCH: &str = "No function matches the given name and argument types '";
/// And before the calls that would do.
const CANDIDATES: &str = "Candidate functions:";
/// Calls that are listed in a hint at most.
const LISTED: usize = 6;

/// Names of DataFusion's for functions that are mostly called otherwise.
const ALSO_CALLED: &[(&str, &[&str])] = &[
    ("array_element", &["array_extract", "list_element"]),
    ("avg", &["mean"]),
    ("bool_and", &["every"]),
    ("btrim", &["trim"]),
    ("ceil", &["ceiling"]),
    ("character_length", &["length", "char_length"]),
    ("date_part", &["extract", "datepart"]),
    ("date_trunc", &["datetrunc"]),
    ("power", &["pow"]),
    ("signum", &["sign"]),
    ("stddev", &["stddev_samp"]),
    ("strpos", &["position", "instr"]),
    ("substr", &["substring"]),
    ("var", &["variance", "var_samp"]),
];

/// What else the function `name` is called.
pub(super) fn also_called(name: &str) -> &'static [&'static str] {
    ALSO_CALLED.iter().find(|(theirs, _)| *theirs == name).map_or(&[], |(_, also)| also)
}

/// The error of a call whose arguments fit none that there is, if `message` is about one.
pub(super) fn mismatch(message: &str) -> Option<Error> {
    let (before, rest) = message.split_once(NO_MATCH)?;
    let (call, rest) = rest.split_once("'.")?;
    let (name, arguments) = split(call)?;
    // An operator of ours, which says itself what is wrong.
    if !name.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && let Some((_, why)) = before.rsplit_once("coercion failed with: ")
    {
        return Some(Error::invalid(unprefixed(why).trim_end_matches([' ', '.'])));
    }
    let arguments: Vec<String> = parts(arguments).map(named).collect();
    let candidates = rest.split_once(CANDIDATES).map_or("", |(_, list)| list);
    let candidates = candidates.lines().filter_map(|line| split(line.trim()));
    let candidates: Vec<Vec<String>> =
        candidates.map(|(_, takes)| parts(takes).map(taken).collect()).collect();
    Some(of_call(name, &arguments).with_hint(hint(name, &arguments, candidates)))
}

/// The error of a call of `name` with arguments of these types.
pub(super) fn of_call(name: &str, arguments: &[String]) -> Error {
    Error::invalid(format!("function {name}({}) does not exist", arguments.join(", "))).about_function(name)
}

/// `name(arguments)` in two.
fn split(call: &str) -> Option<(&str, &str)> {
    let (name, rest) = call.split_once('(')?;
    Some((name, rest.strip_suffix(')')?))
}

/// What commas separate, outside of parentheses.
fn parts(list: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_i32;
    let mut ends: Vec<usize> = Vec::new();
    for (at, c) in list.char_indices() {
        match c {
            '(' | '{' | '[' => depth += 1,
            ')' | '}' | ']' => depth -= 1,
            ',' if depth == 0 => ends.push(at),
            _ => {}
        }
    }
    let starts = std::iter::once(0).chain(ends.clone().into_iter().map(|end| end + 1));
    let ends = ends.into_iter().chain([list.len()]);
    starts
        .zip(ends)
        .filter_map(move |(start, end)| list.get(start..end))
        .map(str::trim)
        .filter(|part| !part.is_empty())
}

/// What a candidate takes as one argument, in words of SQL.
fn taken(argument: &str) -> String {
    let argument = argument.split_once(": ").map_or(argument, |(_, ty)| ty);
    // `Float64/Float32` is any of them.
    let mut types: Vec<String> = Vec::new();
    for ty in argument.split('/') {
        let ty = match ty.split('(').next().unwrap_or(ty).trim() {
            "String" => "text".to_owned(),
            "Integer" => "integer".to_owned(),
            "Numeric" => "a number".to_owned(),
            "Float" => "double precision".to_owned(),
            "Decimal" => "decimal".to_owned(),
            "Date" => "date".to_owned(),
            "Time" => "time".to_owned(),
            "Any" => "any value".to_owned(),
            "Timestamp" if !ty.contains(',') => "timestamp".to_owned(),
            name if plain(name).is_some() => named(ty),
            _ => ty.to_owned(),
        };
        if !types.contains(&ty) {
            types.push(ty);
        }
    }
    types.join(" or ")
}

fn hint(name: &str, arguments: &[String], mut candidates: Vec<Vec<String>>) -> String {
    let vague = |takes: &Vec<String>| {
        takes.iter().any(|ty| ["UserDefined", "NullAry", "Comparable", ".."].iter().any(|v| ty.contains(v)))
    };
    let none = candidates.iter().any(|takes| takes.iter().any(|ty| ty.starts_with("NullAry")));
    if none {
        return format!("{name} takes no arguments");
    }
    if candidates.is_empty() || candidates.iter().any(vague) {
        return "cast the arguments to types that it takes, or give it as many as it takes".to_owned();
    }
    if !candidates.iter().any(|takes| takes.len() == arguments.len()) {
        let mut counts: Vec<usize> = candidates.iter().map(Vec::len).collect();
        counts.sort_unstable();
        counts.dedup();
        let only_one = counts == [1];
        let counts: Vec<String> = counts.iter().map(usize::to_string).collect();
        return format!("{name} takes {} argument{}", counts.join(" or "), if only_one { "" } else { "s" });
    }
    candidates.retain(|takes| takes.len() == arguments.len());
    let mut lists: Vec<String> = Vec::new();
    for takes in candidates {
        let list = takes.join(", ");
        if !lists.contains(&list) {
            lists.push(list);
        }
    }
    let cast = if arguments.len() == 1 { "cast the argument" } else { "cast the arguments" };
    if lists.len() > LISTED {
        return format!("{cast} to types that it takes");
    }
    let lists: Vec<String> = lists.iter().map(|list| format!("{}({list})", quoted(name))).collect();
    format!("{cast}: there is {}", lists.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_that_fit_nothing_are_told_as_in_postgresql() {
        let with = |call: &str, candidates: &str| {
            let message = format!(
                "Internal error: Function 'f' failed to match any signature, errors: … a bug in DataFusion's code. {NO_MATCH}{call}'. \
                 You might need to add explicit type casts.\n\t{CANDIDATES}\n\t{}",
                candidates.replace(';', "\n\t")
            );
            let e = mismatch(&message).unwrap();
            (e.message().to_owned(), e.hint().unwrap_or_default().to_owned())
        };
        for (call, candidates, message, hint) in [
            (
                "sum(Utf8)",
                "sum(Decimal);sum(UInt64);sum(Int64);sum(Float64);sum(Duration);sum(Interval)",
                "function sum(text) does not exist",
                "cast the argument: there is sum(decimal), sum(bigint), sum(double precision), sum(interval)",
            ),
            ("abs()", "abs(Numeric(1))", "function abs() does not exist", "abs takes 1 argument"),
            (
                "substr(Utf8, Utf8)",
                "substr(str: String, start_pos: Int64);substr(str: String, start_pos: Int64, length: Int64)",
                "function substr(text, text) does not exist",
                "cast the arguments: there is substr(text, bigint)",
            ),
            (
                "sqrt(Boolean)",
                "sqrt(Float64/Float32)",
                "function sqrt(boolean) does not exist",
                "cast the argument: there is sqrt(double precision or real)",
            ),
            ("now(Int64)", "now(NullAry())", "function now(bigint) does not exist", "now takes no arguments"),
            (
                "max(List(Int32), Timestamp(µs, \"UTC\"))",
                "max(UserDefined)",
                "function max(integer[], timestamptz) does not exist",
                "cast the arguments to types that it takes, or give it as many as it takes",
            ),
        ] {
            assert_eq!(with(call, candidates), (message.to_owned(), hint.to_owned()));
        }
        assert!(mismatch("something else").is_none());
    }
}
