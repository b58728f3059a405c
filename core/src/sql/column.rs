//! Column definitions: types, defaults and what else stands behind a column's name.

use datafusion::sql::sqlparser::ast;
use datafusion::sql::sqlparser::ast::{
    ArrayElemTypeDef, CastKind, CharacterLength, DataType, ExactNumberInfo, Expr, TimezoneInfo,
    UnaryOperator, Value,
};

use super::names::{ident_name, table_name};
use crate::catalog::{ColumnType, DefaultExpr, Element, Literal, MAX_VARCHAR, NewColumn, quoted};
use crate::error::{Error, Result, nearest};
use crate::values::decimal::MAX_PRECISION;

/// What a default can be, for messages.
const DEFAULTS: &str =
    "a default is a literal, NOW(), CURRENT_TIMESTAMP, SNOWFLAKE_ID(), UUID_V7(), ULID() or CURRENT_USER";

/// Names of types that are easily misspelt.
const TYPE_NAMES: &[&str] = &[
    "BOOLEAN",
    "SMALLINT",
    "INT",
    "INTEGER",
    "BIGINT",
    "REAL",
    "FLOAT",
    "DOUBLE PRECISION",
    "DECIMAL",
    "NUMERIC",
    "TEXT",
    "VARCHAR",
    "BYTEA",
    "DATE",
    "TIME",
    "TIMESTAMP",
    "TIMESTAMPTZ",
    "UUID",
    "JSON",
];

/// A column definition, and whether it says PRIMARY KEY.
///
/// # Errors
/// `Unsupported` for types and constraints that FirnDB does not have; `InvalidInput` for a default that
/// is not of the column's type, and for clauses that contradict each other.
pub(super) fn read(column: &ast::ColumnDef) -> Result<(NewColumn, bool)> {
    let ast::ColumnDef { name, data_type, options } = column;
    let name = ident_name(name);
    let ty = column_type(data_type).map_err(|e| e.context(format!("column {}", quoted(&name))))?;
    let mut read = Clauses { ty, null: None, default: None, key: false };
    for option in options {
        read.clause(&option.option).map_err(|e| e.context(format!("column {}", quoted(&name))))?;
    }
    let Clauses { null, default, key, .. } = read;
    if key && null == Some(true) {
        return Err(Error::invalid(format!("column {} cannot be NULL and PRIMARY KEY", quoted(&name))));
    }
    Ok((NewColumn { name, ty, nullable: null.unwrap_or(!key), default }, key))
}

/// What stands behind a column's type. The names that constraints may be given say nothing about rows
/// and are not kept.
struct Clauses {
    ty: ColumnType,
    null: Option<bool>,
    default: Option<DefaultExpr>,
    key: bool,
}

impl Clauses {
    fn clause(&mut self, option: &ast::ColumnOption) -> Result<()> {
        use ast::ColumnOption as O;
        match option {
            O::Null => self.set_null(true),
            O::NotNull => self.set_null(false),
            O::Default(expr) => self.set_default(default_expr(expr, self.ty)?),
            O::PrimaryKey(key) if is_bare(key) => {
                if std::mem::replace(&mut self.key, true) {
                    return Err(Error::invalid("PRIMARY KEY is given twice"));
                }
                Ok(())
            }
            O::Generated {
                generated_as: generated_as @ (ast::GeneratedAs::Always | ast::GeneratedAs::ByDefault),
                sequence_options,
                generation_expr: None,
                generation_expr_mode: None,
                generated_keyword: true,
            } if sequence_options.as_ref().is_none_or(Vec::is_empty) => {
                if self.ty != ColumnType::BigInt {
                    return Err(Error::invalid(format!(
                        "GENERATED AS IDENTITY is SNOWFLAKE_ID(), of type BIGINT, but the column is {}",
                        self.ty
                    )));
                }
                self.set_null(false)?;
                self.set_default(match generated_as {
                    ast::GeneratedAs::Always => DefaultExpr::Identity,
                    _ => DefaultExpr::SnowflakeId,
                })
            }
            other => Err(unsupported_clause(other)),
        }
    }

    fn set_null(&mut self, null: bool) -> Result<()> {
        match self.null.replace(null) {
            Some(before) if before != null => Err(Error::invalid("NULL and NOT NULL contradict each other")),
            _ => Ok(()),
        }
    }

    fn set_default(&mut self, default: DefaultExpr) -> Result<()> {
        match self.default.replace(default) {
            Some(_) => Err(Error::invalid("there are two defaults")),
            None => Ok(()),
        }
    }
}

/// Whether nothing but `PRIMARY KEY`, and perhaps a name in front, was written.
fn is_bare(key: &ast::PrimaryKeyConstraint) -> bool {
    key.columns.is_empty() && has_no_clauses(key)
}

/// Whether a PRIMARY KEY says no more than its columns, and perhaps a name in front.
pub fn has_no_clauses(key: &ast::PrimaryKeyConstraint) -> bool {
    let ast::PrimaryKeyConstraint {
        name: _,
        index_name,
        index_type,
        columns: _,
        index_options,
        characteristics,
    } = key;
    index_name.is_none() && index_type.is_none() && index_options.is_empty() && characteristics.is_none()
}

fn unsupported_clause(option: &ast::ColumnOption) -> Error {
    use ast::ColumnOption as O;
    let (what, word) = match option {
        O::Unique(_) => ("UNIQUE: only the primary key is unique".to_owned(), "unique"),
        O::ForeignKey(_) => ("REFERENCES: FirnDB has no foreign keys".to_owned(), "references"),
        O::Check(_) => ("CHECK: FirnDB has no CHECK constraints".to_owned(), "check"),
        O::Collation(_) => ("COLLATE: text is compared byte by byte".to_owned(), "collate"),
        O::Generated { .. } => {
            ("GENERATED: FirnDB has no computed columns and no sequence options".to_owned(), "generated")
        }
        O::PrimaryKey(_) => (format!("{option}: a PRIMARY KEY has no further clauses"), "primary"),
        other => return Error::unsupported(format!("{other}: FirnDB does not have it")),
    };
    Error::unsupported(what).about(None, word)
}

/// The column type that a type of SQL is.
///
/// # Errors
/// `Unsupported`, with the types there are.
pub fn column_type(ty: &DataType) -> Result<ColumnType> {
    use TimezoneInfo as Zone;
    Ok(match ty {
        DataType::Bool | DataType::Boolean => ColumnType::Boolean,
        DataType::SmallInt(None) | DataType::Int2(None) => ColumnType::SmallInt,
        DataType::Int(None) | DataType::Integer(None) | DataType::Int4(None) => ColumnType::Integer,
        DataType::BigInt(None) | DataType::Int8(None) => ColumnType::BigInt,
        DataType::Real | DataType::Float4 | DataType::Float(ExactNumberInfo::Precision(1..=24)) => {
            ColumnType::Real
        }
        DataType::DoublePrecision
        | DataType::Double(ExactNumberInfo::None)
        | DataType::Float8
        | DataType::Float(ExactNumberInfo::None | ExactNumberInfo::Precision(25..=53)) => ColumnType::Double,
        DataType::Numeric(digits) | DataType::Decimal(digits) | DataType::Dec(digits) => {
            decimal(ty, *digits)?
        }
        DataType::Text | DataType::Varchar(None) | DataType::CharacterVarying(None) => ColumnType::Text,
        DataType::Varchar(Some(CharacterLength::IntegerLength { length, unit: None }))
        | DataType::CharacterVarying(Some(CharacterLength::IntegerLength { length, unit: None })) => {
            let limit = u32::try_from(*length).ok().filter(|n| (1..=MAX_VARCHAR).contains(n));
            let limit = limit.ok_or_else(|| {
                Error::invalid(format!("type {ty}: the limit is a number from 1 to {MAX_VARCHAR}"))
            })?;
            ColumnType::Varchar(limit)
        }
        DataType::Bytea => ColumnType::Bytea,
        DataType::Date => ColumnType::Date,
        DataType::Time(None | Some(6), Zone::None | Zone::WithoutTimeZone) => ColumnType::Time,
        DataType::Timestamp(None | Some(6), Zone::None | Zone::WithoutTimeZone) => ColumnType::Timestamp,
        DataType::Timestamp(None | Some(6), Zone::Tz | Zone::WithTimeZone) => ColumnType::TimestampTz,
        DataType::Uuid => ColumnType::Uuid,
        DataType::JSON => ColumnType::Json,
        DataType::Array(ArrayElemTypeDef::SquareBracket(element, None)) => {
            let element = Element::of(column_type(element)?);
            let element = element
                .ok_or_else(|| Error::unsupported(format!("type {ty}: an array has one dimension")))?;
            ColumnType::Array(element)
        }
        DataType::JSONB => {
            return Err(Error::unsupported(
                "type JSONB: FirnDB has JSON, which keeps the text as it was written",
            ));
        }
        DataType::Unspecified => return Err(Error::invalid("the type is missing")),
        other => {
            let shown = other.to_string();
            let word = shown.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
            let near = nearest(word, TYPE_NAMES.iter().copied());
            return Err(Error::unsupported(format!("type {shown}: FirnDB has {}", ColumnType::list()))
                .about(None, &word.to_lowercase())
                .with_hint_if(near.map(|near| format!("did you mean {near}?"))));
        }
    })
}

fn decimal(ty: &DataType, digits: ExactNumberInfo) -> Result<ColumnType> {
    let (precision, scale) = match digits {
        ExactNumberInfo::None => {
            return Err(Error::unsupported(format!(
                "type {ty} of any number of digits: say how many, as in DECIMAL(18,2), at most {MAX_PRECISION}"
            )));
        }
        ExactNumberInfo::Precision(precision) => (precision, 0),
        ExactNumberInfo::PrecisionAndScale(precision, scale) => (precision, scale),
    };
    if precision == 0 {
        return Err(Error::invalid(format!("type {ty}: a decimal has at least one digit")));
    }
    ColumnType::decimal(precision, scale).ok_or_else(|| {
        Error::unsupported(format!(
            "type {ty}: a decimal has 1 to {MAX_PRECISION} digits, of which none to all are behind the point"
        ))
    })
}

/// What a DEFAULT means for a column of type `ty`.
fn default_expr(expr: &Expr, ty: ColumnType) -> Result<DefaultExpr> {
    if let Expr::Function(function) = expr {
        return default_function(function);
    }
    literal(expr, ty).map(DefaultExpr::Literal)
}

fn default_function(function: &ast::Function) -> Result<DefaultExpr> {
    let unsupported = || Error::unsupported(format!("DEFAULT {function}: {DEFAULTS}"));
    let ast::Function {
        name,
        uses_odbc_syntax,
        parameters,
        args,
        filter,
        null_treatment,
        over,
        within_group,
    } = function;
    let no_arguments = match args {
        ast::FunctionArguments::None => true,
        ast::FunctionArguments::List(list) => {
            list.args.is_empty() && list.clauses.is_empty() && list.duplicate_treatment.is_none()
        }
        ast::FunctionArguments::Subquery(_) => false,
    };
    let plain = no_arguments
        && !uses_odbc_syntax
        && *parameters == ast::FunctionArguments::None
        && filter.is_none()
        && null_treatment.is_none()
        && over.is_none()
        && within_group.is_empty();
    match table_name(name)?.to_string().as_str() {
        "now" | "current_timestamp" | "localtimestamp" if plain => Ok(DefaultExpr::Now),
        "snowflake_id" if plain => Ok(DefaultExpr::SnowflakeId),
        "uuid_v7" | "uuidv7" if plain => Ok(DefaultExpr::UuidV7),
        "ulid" if plain => Ok(DefaultExpr::Ulid),
        "current_user" if plain => Ok(DefaultExpr::CurrentUser),
        _ => Err(unsupported()),
    }
}

/// The constant that an expression is.
///
/// # Errors
/// `InvalidInput` when it is not of type `ty`; `Unsupported` when it is no literal.
fn literal(expr: &Expr, ty: ColumnType) -> Result<Literal> {
    match expr {
        Expr::Nested(inner) => literal(inner, ty),
        Expr::Value(value) => value_literal(&value.value, "", ty),
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => match expr.as_ref() {
            Expr::Value(value) => value_literal(&value.value, "-", ty),
            _ => Err(not_literal(expr)),
        },
        Expr::UnaryOp { op: UnaryOperator::Plus, expr } => match expr.as_ref() {
            Expr::Value(value) => value_literal(&value.value, "+", ty),
            _ => Err(not_literal(expr)),
        },
        Expr::TypedString(typed) if !typed.uses_odbc_syntax && column_type(&typed.data_type)? == ty => {
            value_literal(&typed.value.value, "", ty)
        }
        Expr::Cast {
            kind: CastKind::Cast | CastKind::DoubleColon,
            expr,
            data_type,
            array: false,
            format: None,
        } if column_type(data_type)? == ty => literal(expr, ty),
        Expr::TypedString(_) | Expr::Cast { .. } => {
            Err(Error::invalid(format!("DEFAULT {expr} is not of the column's type, {ty}")))
        }
        Expr::Array(array) => array_literal(expr, &array.elem, ty),
        _ => Err(not_literal(expr)),
    }
}

fn array_literal(expr: &Expr, elements: &[Expr], ty: ColumnType) -> Result<Literal> {
    let ColumnType::Array(element) = ty else {
        return Err(Error::invalid(format!("DEFAULT {expr} is not of the column's type, {ty}")));
    };
    elements.iter().map(|item| literal(item, element.ty())).collect::<Result<_>>().map(Literal::Array)
}

fn not_literal(expr: &Expr) -> Error {
    Error::unsupported(format!("DEFAULT {expr}: {DEFAULTS}"))
}

fn value_literal(value: &Value, sign: &str, ty: ColumnType) -> Result<Literal> {
    match value {
        Value::Number(digits, _) => Literal::from_number(&format!("{sign}{digits}"), ty),
        _ if !sign.is_empty() => Err(Error::invalid(format!("DEFAULT {sign}{value} is not a number"))),
        Value::Null => Ok(Literal::Null),
        Value::Boolean(value) if ty == ColumnType::Boolean => Ok(Literal::Boolean(*value)),
        Value::Boolean(_) => Err(Error::invalid(format!("DEFAULT {value} is not a value of type {ty}"))),
        Value::SingleQuotedString(text)
        | Value::EscapedStringLiteral(text)
        | Value::UnicodeStringLiteral(text) => Literal::from_text(text, ty),
        Value::DollarQuotedString(text) => Literal::from_text(&text.value, ty),
        Value::HexStringLiteral(digits) if ty == ColumnType::Bytea => {
            Literal::from_text(&format!("\\x{digits}"), ty)
        }
        other => Err(Error::unsupported(format!("DEFAULT {other}: write it as a plain string or number"))),
    }
}
