//! What a column of a result is called that the statement gives no name: what PostgreSQL calls it.

use datafusion::sql::sqlparser::ast::{
    AccessExpr, DataType, Expr, Function, Query, SelectItem, SetExpr, TimezoneInfo,
};

use crate::sql::ident_name;

/// The name of what has none.
const UNNAMED: &str = "?column?";

/// How much a name says: a column's or function's goes before that of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Strength {
    Weak,
    Strong,
}

/// What a column that is `expr` is called.
#[must_use]
pub fn label(expr: &Expr) -> String {
    found(expr).map_or_else(|| UNNAMED.to_owned(), |(name, _)| name)
}

fn found(expr: &Expr) -> Option<(String, Strength)> {
    let strong = |name: &str| Some((name.to_owned(), Strength::Strong));
    match expr {
        Expr::Identifier(ident) => Some((ident_name(ident), Strength::Strong)),
        Expr::CompoundIdentifier(parts) => Some((ident_name(parts.last()?), Strength::Strong)),
        Expr::CompoundFieldAccess { root, access_chain } => match access_chain.last() {
            Some(AccessExpr::Dot(Expr::Identifier(field))) => Some((ident_name(field), Strength::Strong)),
            _ => found(root),
        },
        Expr::Nested(inner) | Expr::Collate { expr: inner, .. } => found(inner),
        Expr::Cast { expr, data_type, .. } => of_cast(found(expr), data_type),
        Expr::TypedString(typed) => of_cast(None, &typed.data_type),
        Expr::Interval(_) => Some(("interval".to_owned(), Strength::Weak)),
        Expr::Function(function) => of_function(function),
        Expr::Case { else_result, .. } => match else_result.as_deref().and_then(found) {
            strong @ Some((_, Strength::Strong)) => strong,
            _ => Some(("case".to_owned(), Strength::Weak)),
        },
        Expr::Exists { .. } => strong("exists"),
        Expr::Subquery(query) => of_query(query),
        Expr::Array(_) => strong("array"),
        Expr::Tuple(_) => strong("row"),
        Expr::Extract { .. } => strong("extract"),
        Expr::Ceil { .. } => strong("ceil"),
        Expr::Floor { .. } => strong("floor"),
        Expr::Position { .. } => strong("position"),
        Expr::Substring { shorthand, .. } => strong(if *shorthand { "substr" } else { "substring" }),
        Expr::Trim { .. } => strong("btrim"),
        Expr::Overlay { .. } => strong("overlay"),
        Expr::AtTimeZone { .. } => strong("timezone"),
        _ => None,
    }
}

fn of_cast(inner: Option<(String, Strength)>, ty: &DataType) -> Option<(String, Strength)> {
    match inner {
        strong @ Some((_, Strength::Strong)) => strong,
        _ => Some((type_label(ty), Strength::Weak)),
    }
}

fn of_function(function: &Function) -> Option<(String, Strength)> {
    let name = function.name.0.last()?.as_ident().map(ident_name)?;
    Some((name, Strength::Strong))
}

/// A subquery that is a value is called as its column.
fn of_query(query: &Query) -> Option<(String, Strength)> {
    let mut body = query.body.as_ref();
    loop {
        body = match body {
            SetExpr::Query(inner) => inner.body.as_ref(),
            SetExpr::SetOperation { left, .. } => left.as_ref(),
            SetExpr::Values(_) => return Some(("column1".to_owned(), Strength::Strong)),
            SetExpr::Select(select) => {
                let name = match select.projection.first()? {
                    SelectItem::UnnamedExpr(expr) => label(expr),
                    SelectItem::ExprWithAlias { alias, .. } => ident_name(alias),
                    _ => return None,
                };
                return Some((name, Strength::Strong));
            }
            _ => return None,
        };
    }
}

/// The name that PostgreSQL has for a type.
fn type_label(ty: &DataType) -> String {
    use DataType as T;
    let name = match ty {
        T::Bool | T::Boolean => "bool",
        T::SmallInt(_) | T::Int2(_) => "int2",
        T::Int(_) | T::Integer(_) | T::Int4(_) => "int4",
        T::BigInt(_) | T::Int8(_) => "int8",
        T::Real | T::Float4 => "float4",
        T::DoublePrecision | T::Double(_) | T::Float8 | T::Float(_) => "float8",
        T::Numeric(_) | T::Decimal(_) | T::Dec(_) => "numeric",
        T::Varchar(_) | T::CharacterVarying(_) => "varchar",
        T::Char(_) | T::Character(_) => "bpchar",
        T::Text => "text",
        T::Timestamp(_, TimezoneInfo::Tz | TimezoneInfo::WithTimeZone) => "timestamptz",
        T::Timestamp(..) => "timestamp",
        T::Time(..) => "time",
        T::Interval { .. } => "interval",
        T::Array(element) => {
            use datafusion::sql::sqlparser::ast::ArrayElemTypeDef as E;
            return match element {
                E::AngleBracket(ty) | E::SquareBracket(ty, _) | E::Parenthesis(ty) => type_label(ty),
                E::None => "array".to_owned(),
            };
        }
        other => return other.to_string().split('(').next().unwrap_or_default().trim().to_lowercase(),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::{Statement, parse};

    #[test]
    fn columns_are_called_as_in_postgresql() {
        for (expr, expected) in [
            ("1", "?column?"),
            ("1 + 1", "?column?"),
            ("true", "?column?"),
            ("a", "a"),
            ("t.\"A\"", "A"),
            ("(a)", "a"),
            ("a[1]", "a"),
            ("-a", "?column?"),
            ("a || b", "?column?"),
            ("a IS NULL", "?column?"),
            ("3 > ALL (SELECT 1)", "?column?"),
            ("count(*)", "count"),
            ("Upper(a)", "upper"),
            ("rank() OVER ()", "rank"),
            ("coalesce(a, 1)", "coalesce"),
            ("nullif(a, 1)", "nullif"),
            ("a::int", "a"),
            ("1::int", "int4"),
            ("CAST('1' AS double precision)", "float8"),
            ("upper(a)::text", "upper"),
            ("DATE '2024-01-01'", "date"),
            ("TIMESTAMPTZ '2024-01-01'", "timestamptz"),
            ("INTERVAL '1 day'", "interval"),
            ("'{1}'::int[]", "int4"),
            ("CASE WHEN a THEN 1 END", "case"),
            ("CASE WHEN a THEN 1 ELSE b END", "b"),
            ("CASE WHEN a THEN 1 ELSE 2::int END", "case"),
            ("EXISTS (SELECT 1)", "exists"),
            ("(SELECT max(a) FROM t)", "max"),
            ("(SELECT 1 AS n)", "n"),
            ("(SELECT 1)", "?column?"),
            ("ARRAY[1, 2]", "array"),
            ("current_date", "current_date"),
            ("extract(year FROM a)", "extract"),
            ("substring(a FROM 2)", "substring"),
            ("trim(a)", "btrim"),
            ("position('a' IN b)", "position"),
            ("a AT TIME ZONE 'UTC'", "timezone"),
        ] {
            let parsed = parse(&format!("SELECT {expr}")).unwrap().pop().unwrap();
            let Statement::Query(query) = parsed.statement else { panic!("{expr}") };
            let SetExpr::Select(select) = *query.body else { panic!("{expr}") };
            let [SelectItem::UnnamedExpr(expr)] = select.projection.as_slice() else { panic!("{expr}") };
            assert_eq!(label(expr), expected, "{expr}");
        }
    }
}
