//! Names of the syntax tree as the catalog knows them.

use datafusion::sql::sqlparser::ast;

use crate::catalog::TableName;
use crate::error::{Error, Result};

/// The name an identifier stands for: quoted ones as they are, others in lower case, as PostgreSQL and
/// DataFusion fold them.
#[must_use]
pub fn ident_name(ident: &ast::Ident) -> String {
    if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_ascii_lowercase() }
}

/// The parts of a dotted name.
///
/// # Errors
/// `Unsupported` for a part that is computed.
pub fn name_parts(name: &ast::ObjectName) -> Result<Vec<String>> {
    let parts = name.0.iter().map(|part| match part {
        ast::ObjectNamePart::Identifier(ident) => Ok(ident_name(ident)),
        ast::ObjectNamePart::Function(_) => {
            Err(Error::unsupported(format!("{name}: a name that is computed")))
        }
    });
    parts.collect()
}

/// The table that a dotted name stands for.
///
/// # Errors
/// `Unsupported` for more than a namespace and a name.
pub fn table_name(name: &ast::ObjectName) -> Result<TableName> {
    let mut parts = name_parts(name)?.into_iter();
    match (parts.next(), parts.next(), parts.next()) {
        (Some(name), None, _) => Ok(TableName::bare(name)),
        (Some(namespace), Some(name), None) => Ok(TableName::qualified(namespace, name)),
        _ => {
            Err(Error::unsupported(format!("{name}: a table is named by a namespace and a name, no catalog")))
        }
    }
}
