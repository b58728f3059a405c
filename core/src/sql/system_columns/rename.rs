//! Gives tables the names under which they have system columns, and keeps these out of wildcards.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    self, Expr, Ident, ObjectName, ObjectNamePart, Select, SelectItem, SelectItemQualifiedWildcardKind,
    TableAlias, TableFactor, TableWithJoins, VisitMut, VisitorMut, WildcardAdditionalOptions,
};

use super::{From, Relation};
use crate::error::{Error, Result};
use crate::sql::names::{ident_name, name_parts};

/// Refuses what renaming would change the meaning of.
pub(super) fn check(from: &From) -> Result<()> {
    if from.relations.iter().any(|relation| relation.natural && relation.wanted.any()) {
        return Err(Error::unsupported(
            "NATURAL JOIN of a table whose _seq or _deleted is mentioned: these columns would be joined on; \
             write JOIN … USING (…)",
        ));
    }
    for (at, relation) in from.relations.iter().enumerate().filter(|(_, r)| r.wanted.any()) {
        if relation.behind_alias || relation.renamed_columns {
            return Err(Error::unsupported(
                "_seq and _deleted of a table whose alias stands for a join or names its columns: \
                 give the table a plain alias",
            ));
        }
        let others = from.relations.iter().enumerate().filter(|(other, _)| *other != at);
        if !relation.aliased && others.into_iter().any(|(_, r)| r.label.last() == relation.label.last()) {
            return Err(Error::unsupported(format!(
                "_seq and _deleted where two tables are called {}: give them aliases",
                relation.label.join(".")
            )));
        }
    }
    Ok(())
}

/// Renames the tables that are wanted with system columns.
pub(super) fn rename(select: &mut Select, order_by: &mut Option<ast::OrderBy>, relations: &[Relation]) {
    let mut relations_left = relations.iter();
    for item in &mut select.from {
        rename_in(item, &mut relations_left);
    }
    // The alias that stands for a table has no namespace in front of it.
    let qualified: Vec<&[String]> = relations
        .iter()
        .filter(|r| r.wanted.any() && !r.aliased && r.label.len() > 1)
        .map(|r| r.label.as_slice())
        .collect();
    if !qualified.is_empty() {
        let mut strip = Strip(&qualified);
        let _ = select.visit(&mut strip);
        let _ = order_by.visit(&mut strip);
        for item in &mut select.projection {
            if let SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) = item
                && name_parts(name).is_ok_and(|parts| qualified.contains(&parts.as_slice()))
            {
                name.0.drain(..name.0.len() - 1);
            }
        }
    }
}

/// Goes over a FROM in the order in which its relations were gathered.
fn rename_in<'a>(item: &mut TableWithJoins, relations: &mut impl Iterator<Item = &'a Relation>) {
    let factors =
        std::iter::once(&mut item.relation).chain(item.joins.iter_mut().map(|join| &mut join.relation));
    for factor in factors {
        if let TableFactor::NestedJoin { table_with_joins, .. } = factor {
            rename_in(table_with_joins, relations);
            continue;
        }
        let Some(relation) = relations.next() else { return };
        let TableFactor::Table { name, alias, .. } = factor else { continue };
        let Some(ObjectNamePart::Identifier(ident)) = name.0.last_mut().filter(|_| relation.wanted.any())
        else {
            continue;
        };
        alias.get_or_insert_with(|| TableAlias {
            explicit: true,
            name: ident.clone(),
            columns: Vec::new(),
            at: None,
        });
        ident.value = format!("{}{}", ident_name(ident), relation.wanted.suffix());
        ident.quote_style = Some('"');
    }
}

/// Takes the namespace off columns qualified with one of these tables.
struct Strip<'a>(&'a [&'a [String]]);

impl VisitorMut for Strip<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::CompoundIdentifier(parts) = expr {
            let names: Vec<String> = parts.iter().map(ident_name).collect();
            let table = names.split_last().map(|(_, table)| table).unwrap_or_default();
            if self.0.contains(&table) {
                parts.drain(..parts.len() - 2);
            }
        }
        ControlFlow::Continue(())
    }
}

/// Makes wildcards leave out the system columns of tables.
pub(super) fn wildcards(projection: Vec<SelectItem>, from: &From) -> Result<Vec<SelectItem>> {
    let mut items = Vec::with_capacity(projection.len());
    for item in projection {
        match item {
            SelectItem::Wildcard(mut options) => match from.relations.as_slice() {
                [only] => {
                    leave_out(&mut options, only.wanted.hidden().iter().copied())?;
                    items.push(SelectItem::Wildcard(options));
                }
                _ => list_wildcard(&options, from, &mut items)?,
            },
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), mut options) => {
                let qualifier = name_parts(&name)?;
                if let Some(relation) =
                    from.relations.iter().find(|r| r.wanted.any() && r.answers_to(&qualifier))
                {
                    leave_out(&mut options, relation.wanted.hidden().iter().copied())?;
                }
                items.push(SelectItem::QualifiedWildcard(
                    SelectItemQualifiedWildcardKind::ObjectName(name),
                    options,
                ));
            }
            other => items.push(other),
        }
    }
    Ok(items)
}

/// Writes `*` as the wildcards of all relations: EXCLUDE with `*` finds only the first of several
/// columns of one name.
fn list_wildcard(
    options: &WildcardAdditionalOptions,
    from: &From,
    items: &mut Vec<SelectItem>,
) -> Result<()> {
    if !is_plain(options) {
        return Err(Error::unsupported("options behind * in a join that mentions _seq or _deleted"));
    }
    if from.unlisted_join {
        return Err(Error::unsupported(
            "* over this kind of join in a SELECT that mentions _seq or _deleted: list the columns",
        ));
    }
    for relation in &from.relations {
        // A table that got an alias is known by its bare name only.
        let label = match relation.label.split_last() {
            Some((name, _)) if relation.wanted.any() && !relation.aliased => std::slice::from_ref(name),
            _ => relation.label.as_slice(),
        };
        if label.is_empty() {
            return Err(Error::unsupported(
                "* over a subquery without alias in a SELECT that mentions _seq or _deleted: give it an alias",
            ));
        }
        let parts = label.iter().map(|part| ObjectNamePart::Identifier(Ident::with_quote('"', part)));
        let name = ObjectName(parts.collect());
        let mut options = options.clone();
        let hidden = if relation.wanted.any() { relation.wanted.hidden() } else { &[] };
        let merged = relation.merged.iter().map(String::as_str).filter(|name| !hidden.contains(name));
        leave_out(&mut options, hidden.iter().copied().chain(merged))?;
        items.push(SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), options));
    }
    Ok(())
}

fn is_plain(options: &WildcardAdditionalOptions) -> bool {
    let WildcardAdditionalOptions {
        wildcard_token: _,
        opt_ilike,
        opt_exclude,
        opt_except,
        opt_replace,
        opt_rename,
        opt_alias,
    } = options;
    opt_ilike.is_none()
        && opt_exclude.is_none()
        && opt_except.is_none()
        && opt_replace.is_none()
        && opt_rename.is_none()
        && opt_alias.is_none()
}

fn leave_out<'a>(
    options: &mut WildcardAdditionalOptions,
    names: impl Iterator<Item = &'a str>,
) -> Result<()> {
    let names: Vec<ObjectName> = names
        .map(|name| ObjectName(vec![ObjectNamePart::Identifier(Ident::with_quote('"', name))]))
        .collect();
    if names.is_empty() {
        return Ok(());
    }
    if options.opt_exclude.is_some() || options.opt_except.is_some() {
        return Err(Error::unsupported("EXCLUDE behind * in a SELECT that mentions _seq or _deleted"));
    }
    options.opt_exclude = Some(ast::ExcludeSelectItem::Multiple(names));
    Ok(())
}
