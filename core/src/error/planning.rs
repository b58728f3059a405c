//! What DataFusion finds wrong with a statement, in the words of the rest of the engine.

use datafusion::common::{Column, SchemaError};
use datafusion::error::DataFusionError;

use super::wording::{is_mistake, worded};
use super::{Error, ErrorKind, Position, nearest, quoted};

/// Names that a hint lists at most.
const LISTED: usize = 12;

impl From<DataFusionError> for Error {
    fn from(e: DataFusionError) -> Self {
        use DataFusionError as E;
        match e {
            E::External(inner) => match inner.downcast::<Self>() {
                Ok(ours) => *ours,
                Err(other) => match other.downcast::<DataFusionError>() {
                    Ok(theirs) => (*theirs).into(),
                    Err(other) => Self::foreign(other),
                },
            },
            E::ArrowError(inner, _) => (*inner).into(),
            E::ParquetError(inner) => (*inner).into(),
            E::ObjectStore(inner) => (*inner).into(),
            E::Context(doing, inner) if doing == "Invalid regex" => {
                let why = inner.to_string();
                let why = why.rsplit("error: ").next().unwrap_or_default().trim();
                Self::invalid(format!("not a regular expression: {why}"))
            }
            E::Context(doing, inner) => {
                let inner = Self::from(*inner);
                // Which rule of the optimizer it was helps nobody who can only change the statement.
                if inner.kind() == ErrorKind::Internal { inner.context(doing) } else { inner }
            }
            E::Diagnostic(diagnostic, inner) => {
                let inner = Self::from(*inner);
                match diagnostic.span.filter(|span| span.start.line > 0) {
                    Some(span) if inner.position().is_none() => {
                        inner.at(Position { line: span.start.line, column: span.start.column })
                    }
                    _ => inner,
                }
            }
            E::Shared(inner) => Self::shared(&inner),
            E::Collection(mut all) if !all.is_empty() => all.swap_remove(0).into(),
            E::SQL(inner, _) => Self::syntax(inner.to_string()),
            E::SchemaError(inner, _) => of_schema(*inner),
            E::NotImplemented(m) => worded(ErrorKind::Unsupported, &m),
            E::Plan(m) => of_plan(&m),
            E::Execution(m) => worded(ErrorKind::InvalidInput, &m),
            E::Internal(m) if is_mistake(&m) => worded(ErrorKind::InvalidInput, &m),
            E::ResourcesExhausted(m) => Self::limit(m),
            other => Self::internal(other.to_string()).with_source(other),
        }
    }
}

impl From<Error> for DataFusionError {
    fn from(e: Error) -> Self {
        Self::External(Box::new(e))
    }
}

impl Error {
    /// The error of a library below DataFusion and Arrow.
    pub(super) fn foreign(other: Box<dyn std::error::Error + Send + Sync>) -> Self {
        let told = other.to_string();
        if is_mistake(&told) {
            worded(ErrorKind::InvalidInput, &told)
        } else {
            Self::internal(told).with_source(other)
        }
    }

    /// A copy of an error that several consumers share; only ours keeps its kind and message whole.
    fn shared(e: &DataFusionError) -> Self {
        use DataFusionError as E;
        let mut at: &(dyn std::error::Error + 'static) = e;
        loop {
            if let Some(ours) = at.downcast_ref::<Self>() {
                return ours.copy();
            }
            match at.source() {
                Some(next) => at = next,
                None => break,
            }
        }
        match e.find_root() {
            E::ResourcesExhausted(m) => Self::limit(m.clone()),
            E::Execution(m) => worded(ErrorKind::InvalidInput, m),
            E::NotImplemented(m) => worded(ErrorKind::Unsupported, m),
            E::Internal(m) if is_mistake(m) => worded(ErrorKind::InvalidInput, m),
            E::Plan(m) => of_plan(m),
            other => Self::internal(other.to_string()),
        }
    }
}

fn of_schema(e: SchemaError) -> Error {
    match e {
        SchemaError::FieldNotFound { field, valid_fields } => no_column(&field, &valid_fields),
        SchemaError::AmbiguousReference { field } => {
            let name = plain(&field.name);
            Error::invalid(format!("column {} could be that of more than one table", quoted(name)))
                .about(None, name)
                .with_hint(format!("write which table's: table.{}", quoted(name)))
        }
        SchemaError::DuplicateQualifiedField { qualifier, name } => {
            let table = quoted(qualifier.table());
            Error::invalid(format!("{table} stands twice here, so that {table}.{} is unclear", quoted(&name)))
                .about(None, qualifier.table())
                .with_hint(format!("give it another name the second time: {table} AS {table}_2"))
        }
        SchemaError::DuplicateUnqualifiedField { name } => {
            let name = plain(&name);
            Error::invalid(format!("two columns are named {}", quoted(name)))
                .with_hint(format!("give one of them another name: {} AS other_name", quoted(name)))
        }
    }
}

fn no_column(field: &Column, valid: &[Column]) -> Error {
    let name = plain(&field.name);
    let Some(table) = field.relation.as_ref().map(|relation| plain(relation.table())) else {
        let names: Vec<&str> = valid.iter().map(|c| plain(&c.name)).collect();
        return Error::not_found(format!("there is no column {}", quoted(name)))
            .about(None, name)
            .with_hint_if(near_or_all(name, &names, "the columns are"));
    };
    let in_table = |c: &&Column| c.relation.as_ref().is_some_and(|r| plain(r.table()) == table);
    let names: Vec<&str> = valid.iter().filter(in_table).map(|c| plain(&c.name)).collect();
    let shown = format!("{}.{}", quoted(table), quoted(name));
    if !names.is_empty() {
        return Error::not_found(format!("there is no column {shown}"))
            .about(Some(table), name)
            .with_hint_if(near_or_all(name, &names, "its columns are"));
    }
    let tables: Vec<&str> =
        valid.iter().filter_map(|c| c.relation.as_ref()).map(|relation| plain(relation.table())).collect();
    Error::not_found(format!("{shown}: no table here has the name {}", quoted(table)))
        .about(Some(table), name)
        .with_hint_if(near_or_all(table, &tables, "the tables are"))
}

/// The nearest of `names`, or else all of them if they are few.
fn near_or_all(wrong: &str, names: &[&str], intro: &str) -> Option<String> {
    let mut distinct: Vec<&str> = Vec::new();
    for name in names {
        if !name.is_empty() && !distinct.contains(name) {
            distinct.push(name);
        }
    }
    if let Some(name) = nearest(wrong, distinct.iter().copied()) {
        return Some(format!("did you mean {}?", quoted(name)));
    }
    distinct.retain(|name| !["_seq", "_deleted"].contains(name));
    if distinct.is_empty() || distinct.len() > LISTED {
        return None;
    }
    let shown: Vec<String> = distinct.iter().map(|name| quoted(name)).collect();
    Some(format!("{intro} {}", shown.join(", ")))
}

/// A name without what the engine adds to tell equal ones apart, or to read system columns.
fn plain(name: &str) -> &str {
    let name = name.split('\0').next().unwrap_or(name);
    ["$seq", "$deleted"].iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name)
}

/// What is said of a function that there is not, before its name.
const NO_FUNCTION: &str = "there is no function ";

impl Error {
    /// The error with the nearest of `functions` offered, if it is that there is no such function.
    #[must_use]
    pub(crate) fn offering<'a>(self, functions: impl IntoIterator<Item = &'a str>) -> Self {
        let near = self.message().strip_prefix(NO_FUNCTION).and_then(|name| nearest(name, functions));
        if let Some(name) = near.filter(|near| self.message().strip_prefix(NO_FUNCTION) == Some(near)) {
            // It is there, and so for a window alone.
            return Self::invalid(format!("window function {name} requires an OVER clause"))
                .about_function(name)
                .with_hint(format!("write {name}(…) OVER (ORDER BY …)"));
        }
        let hint = near.map(|near| format!("did you mean {near}?"));
        self.with_hint_if(hint)
    }
}

/// What DataFusion says in words only.
fn of_plan(message: &str) -> Error {
    if let Some((name, _)) = message.strip_prefix("Invalid function '").and_then(|m| m.split_once('\'')) {
        return Error::not_found(format!("{NO_FUNCTION}{name}")).about_function(name);
    }
    if message.contains("must be in GROUP BY")
        && let Some((_, rest)) = message.split_once("column \"")
        && let Some((column, _)) = rest.split_once("\" must appear")
    {
        let name = column.rsplit('.').next().unwrap_or(column);
        return Error::invalid(format!(
            "column {column} must be in GROUP BY or in an aggregate such as max()"
        ))
        .about(None, name)
        .with_hint(format!("add it to GROUP BY, or write max({name})"));
    }
    worded(ErrorKind::InvalidInput, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(table: &str, name: &str) -> Column {
        Column::new(Some(table), name)
    }

    #[test]
    fn an_unknown_column_has_the_nearest_name() {
        let valid = [column("t", "id"), column("t", "body"), column("u", "seen_at")];
        let cases = [
            (Column::new_unqualified("boddy"), "there is no column boddy", Some("did you mean body?")),
            (
                Column::new_unqualified("zzzzz"),
                "there is no column zzzzz",
                Some("the columns are id, body, seen_at"),
            ),
            (column("t", "seen_at"), "there is no column t.seen_at", Some("its columns are id, body")),
            (column("v", "id"), "v.id: no table here has the name v", Some("the tables are t, u")),
        ];
        for (field, message, hint) in cases {
            let e = no_column(&field, &valid);
            assert_eq!((e.kind(), e.message(), e.hint()), (ErrorKind::NotFound, message, hint));
        }
    }

    #[test]
    fn messages_become_ours() {
        let e = of_plan("Invalid function 'coutn'.\nDid you mean 'count'?");
        assert_eq!((e.kind(), e.message()), (ErrorKind::NotFound, "there is no function coutn"));
        assert_eq!(e.offering(["cot", "count"]).hint(), Some("did you mean count?"));
        let e = of_plan("Invalid function 'zzz'.\nDid you mean 'pi'?");
        assert_eq!(e.offering(["pi"]).hint(), None);
        let e = of_plan(
            "Column in SELECT must be in GROUP BY or an aggregate function: While expanding wildcard, column \
             \"t.id\" must appear in the GROUP BY clause or must be part of …",
        );
        assert!(e.message().starts_with("column t.id must be in GROUP BY"), "{e}");
        assert_eq!(of_plan("other").message(), "other");
    }
}
