//! Makes queries that mention `_seq` or `_deleted` read tables that have them.
//!
//! DataFusion has no hidden columns, so a table is there under three names: `t` with its own columns,
//! `t$seq` with `_seq` besides, and `t$deleted` with `_seq`, `_deleted` and the tombstones. Which one a
//! reference to `t` means is decided here, on the syntax tree, because by the time of planning
//! `_deleted IN (true, false)` has been folded away:
//!
//! - a mention with a qualifier is of the table of that name or alias, one without is of every table in
//!   the FROM of its SELECT; what its SELECT does not have, it may mean in a SELECT around it;
//! - the table is renamed and keeps its name as an alias, so that the rest of the query still fits;
//! - `*` and `t.*` leave the system columns out, except where a subquery selects them by name.
//!
//! A query without mention stays as it is.

mod rename;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    self, Expr, Join, JoinConstraint, JoinOperator, ObjectName, ObjectNamePart, Query, Select, SelectItem,
    SelectItemQualifiedWildcardKind, SetExpr, TableAlias, TableFactor, TableWithJoins, Visit, VisitMut,
    Visitor, VisitorMut,
};

use super::names::{ident_name, name_parts};
use crate::catalog::{DELETED_COLUMN, DELETED_SUFFIX, SEQ_COLUMN, SEQ_SUFFIX};
use crate::error::{Error, Result};

/// Which system columns are mentioned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SystemColumns {
    /// `_seq`.
    pub seq: bool,
    /// `_deleted`.
    pub deleted: bool,
}

impl SystemColumns {
    /// Whether one is.
    #[must_use]
    pub fn any(self) -> bool {
        self.seq || self.deleted
    }

    fn or(self, other: Self) -> Self {
        Self { seq: self.seq || other.seq, deleted: self.deleted || other.deleted }
    }

    fn named(name: &str) -> Self {
        Self { seq: name == SEQ_COLUMN, deleted: name == DELETED_COLUMN }
    }

    /// Whether every column of `self` is in `other`.
    fn within(self, other: Self) -> bool {
        (!self.seq || other.seq) && (!self.deleted || other.deleted)
    }

    /// What ends the name of a table that has these columns.
    fn suffix(self) -> &'static str {
        if self.deleted { DELETED_SUFFIX } else { SEQ_SUFFIX }
    }

    /// The system columns of a table of this suffix.
    fn hidden(self) -> &'static [&'static str] {
        if self.deleted { &[SEQ_COLUMN, DELETED_COLUMN] } else { &[SEQ_COLUMN] }
    }
}

/// Makes every table reference of `query` the one that has the system columns mentioned of it. Rewriting
/// is done once: the names it makes are not names that a query may hold.
///
/// # Errors
/// `NotFound` for a table name that ends as the rewritten ones do; `Unsupported` for NATURAL JOIN and for
/// wildcards that cannot leave system columns out, each with what to write instead.
pub fn rewrite_system_columns(query: &mut Query) -> Result<()> {
    refuse_suffixes(query)?;
    if mentioned_anywhere(query).any() {
        Rewrite::default().query(query)?;
    }
    Ok(())
}

/// Rewrites the subqueries of an expression, such as the WHERE of an UPDATE; returns what the expression
/// mentions of the table it is about.
///
/// # Errors
/// As [`rewrite_system_columns`].
pub fn rewrite_expression(expr: &mut Expr) -> Result<SystemColumns> {
    refuse_suffixes(expr)?;
    if !mentioned_anywhere(expr).any() {
        return Ok(SystemColumns::default());
    }
    let free = Rewrite::default().expressions(expr)?;
    Ok(free.iter().fold(SystemColumns::default(), |all, mention| all.or(mention.column)))
}

/// What an expression mentions of the table it is about; subqueries count where they mean that table.
#[must_use]
pub fn mentions(expr: &Expr) -> SystemColumns {
    if !mentioned_anywhere(expr).any() {
        return SystemColumns::default();
    }
    // On a copy, because subqueries are resolved while they are rewritten. What cannot be rewritten
    // counts as mentioning everything.
    rewrite_expression(&mut expr.clone()).unwrap_or(SystemColumns { seq: true, deleted: true })
}

/// A system column somewhere in an expression.
#[derive(Debug)]
struct Mention {
    qualifier: Vec<String>,
    column: SystemColumns,
}

/// Something in a FROM.
#[derive(Debug)]
struct Relation {
    /// What its columns may be qualified with, outermost part first; empty when they cannot be.
    label: Vec<String>,
    /// Whether it is a table, not a CTE, subquery or function.
    table: bool,
    /// Whether it stands behind the alias of a join in parentheses.
    behind_alias: bool,
    aliased: bool,
    renamed_columns: bool,
    /// Whether one of the joins that it is in is NATURAL.
    natural: bool,
    /// The system columns that a subquery selects by name.
    exposes: SystemColumns,
    /// The system columns mentioned of it.
    wanted: SystemColumns,
    /// Columns that `*` shows on the left side of a join already.
    merged: BTreeSet<String>,
}

impl Relation {
    fn answers_to(&self, qualifier: &[String]) -> bool {
        !qualifier.is_empty() && self.label.ends_with(qualifier)
    }
}

/// What a walk over a FROM gathers.
#[derive(Debug, Default)]
struct From {
    relations: Vec<Relation>,
    mentions: Vec<Mention>,
    /// Mentions that relations of this FROM cannot answer.
    free: Vec<Mention>,
    /// A join whose wildcard cannot be written as wildcards of its sides.
    unlisted_join: bool,
}

/// The walk; it knows which CTEs are in scope and what they expose.
#[derive(Debug, Default)]
struct Rewrite {
    ctes: Vec<HashMap<String, SystemColumns>>,
}

impl Rewrite {
    /// Rewrites a query; returns the mentions it cannot answer itself, and what it exposes.
    fn query(&mut self, query: &mut Query) -> Result<(Vec<Mention>, SystemColumns)> {
        self.ctes.push(HashMap::new());
        let done = self.query_in_scope(query);
        self.ctes.pop();
        done
    }

    fn query_in_scope(&mut self, query: &mut Query) -> Result<(Vec<Mention>, SystemColumns)> {
        let Query { with, body, order_by, limit_clause, fetch, pipe_operators, .. } = query;
        let mut free = Vec::new();
        if let Some(with) = with {
            let recursive = with.recursive;
            for cte in &mut with.cte_tables {
                let name = ident_name(&cte.alias.name);
                if recursive {
                    self.name_cte(&name, aliased(&cte.alias, SystemColumns::default()));
                }
                let (more, exposes) = self.query(&mut cte.query)?;
                free.extend(more);
                self.name_cte(&name, aliased(&cte.alias, exposes));
            }
        }
        let exposes = if let SetExpr::Select(select) = body.as_mut() {
            let (more, exposes) = self.select(select, order_by)?;
            free.extend(more);
            exposes
        } else {
            let (more, exposes) = self.set_expr(body)?;
            free.extend(more);
            // Here a bare name is one of the result's.
            free.extend(self.expressions(order_by)?.into_iter().filter(|m| !m.qualifier.is_empty()));
            exposes
        };
        free.extend(self.expressions(limit_clause)?);
        free.extend(self.expressions(fetch)?);
        free.extend(self.expressions(pipe_operators)?);
        Ok((free, exposes))
    }

    fn name_cte(&mut self, name: &str, exposes: SystemColumns) {
        if let Some(scope) = self.ctes.last_mut() {
            scope.insert(name.to_owned(), exposes);
        }
    }

    fn set_expr(&mut self, body: &mut SetExpr) -> Result<(Vec<Mention>, SystemColumns)> {
        match body {
            SetExpr::Select(select) => self.select(select, &mut None),
            SetExpr::Query(query) => self.query(query),
            SetExpr::SetOperation { left, right, .. } => {
                let (mut free, exposes) = self.set_expr(left)?;
                free.extend(self.set_expr(right)?.0);
                Ok((free, exposes))
            }
            SetExpr::Values(values) => Ok((self.expressions(values)?, SystemColumns::default())),
            SetExpr::Insert(_)
            | SetExpr::Update(_)
            | SetExpr::Delete(_)
            | SetExpr::Merge(_)
            | SetExpr::Table(_) => Ok((Vec::new(), SystemColumns::default())),
        }
    }

    fn select(
        &mut self,
        select: &mut Select,
        order_by: &mut Option<ast::OrderBy>,
    ) -> Result<(Vec<Mention>, SystemColumns)> {
        let mut from = From::default();
        for item in &mut select.from {
            self.table_with_joins(item, &mut from)?;
        }
        let mut mentions = std::mem::take(&mut from.mentions);
        mentions.extend(self.clauses(select)?);
        let shadowed = alias_names(&select.projection);
        mentions.extend(self.expressions(order_by)?.into_iter().filter(|m| {
            // In ORDER BY, a bare name is first of all one of the result's.
            !m.qualifier.is_empty() || !m.column.within(shadowed)
        }));
        let mut free = std::mem::take(&mut from.free);
        free.extend(mentions.into_iter().filter_map(|mention| answer(&mut from.relations, mention)));
        let exposes = exposed(&select.projection, &from.relations);
        if from.relations.iter().any(|r| r.wanted.any()) {
            rename::check(&from)?;
            rename::rename(select, order_by, &from.relations);
            select.projection = rename::wildcards(std::mem::take(&mut select.projection), &from)?;
        }
        Ok((free, exposes))
    }

    /// The mentions of everything in a SELECT but its FROM.
    fn clauses(&mut self, select: &mut Select) -> Result<Vec<Mention>> {
        let Select {
            select_token: _,
            optimizer_hints: _,
            distinct,
            select_modifiers: _,
            top,
            top_before_distinct: _,
            projection,
            exclude: _,
            into: _,
            from: _,
            lateral_views,
            prewhere,
            selection,
            connect_by,
            group_by,
            cluster_by,
            distribute_by,
            sort_by,
            having,
            named_window,
            qualify,
            window_before_qualify: _,
            value_table_mode: _,
            flavor: _,
        } = select;
        let mut mentions = self.expressions(distinct)?;
        mentions.extend(self.expressions(top)?);
        mentions.extend(self.expressions(projection)?);
        mentions.extend(self.expressions(lateral_views)?);
        mentions.extend(self.expressions(prewhere)?);
        mentions.extend(self.expressions(selection)?);
        mentions.extend(self.expressions(connect_by)?);
        mentions.extend(self.expressions(group_by)?);
        mentions.extend(self.expressions(cluster_by)?);
        mentions.extend(self.expressions(distribute_by)?);
        mentions.extend(self.expressions(sort_by)?);
        mentions.extend(self.expressions(having)?);
        mentions.extend(self.expressions(named_window)?);
        mentions.extend(self.expressions(qualify)?);
        Ok(mentions)
    }

    fn table_with_joins(&mut self, item: &mut TableWithJoins, from: &mut From) -> Result<()> {
        let first = from.relations.len();
        self.factor(&mut item.relation, from)?;
        let mut natural = false;
        for join in &mut item.joins {
            natural |= self.join(join, from)?;
        }
        if natural {
            from.unlisted_join = true;
            from.relations.iter_mut().skip(first).for_each(|relation| relation.natural = true);
        }
        Ok(())
    }

    /// Goes over a join; whether it is NATURAL.
    fn join(&mut self, join: &mut Join, from: &mut From) -> Result<bool> {
        let first = from.relations.len();
        self.factor(&mut join.relation, from)?;
        let mentions = self.expressions(&mut join.join_operator)?;
        from.mentions.extend(mentions);
        use JoinOperator as J;
        let (constraint, listed) = match &join.join_operator {
            J::Join(c) | J::Inner(c) | J::Left(c) | J::LeftOuter(c) | J::CrossJoin(c) => (Some(c), true),
            J::Right(c) | J::RightOuter(c) | J::FullOuter(c) => {
                (Some(c), !matches!(c, JoinConstraint::Using(_)))
            }
            _ => (None, false),
        };
        from.unlisted_join |= !listed;
        match constraint {
            Some(JoinConstraint::Natural) => return Ok(true),
            Some(JoinConstraint::Using(names)) => {
                let names = names.iter().map(name_parts).collect::<Result<Vec<_>>>()?.concat();
                for name in &names {
                    let column = SystemColumns::named(name);
                    if column.any() {
                        from.mentions.push(Mention { qualifier: Vec::new(), column });
                    }
                }
                match from.relations.get_mut(first..) {
                    Some([right]) => right.merged.extend(names),
                    _ => from.unlisted_join = true,
                }
            }
            _ => {}
        }
        Ok(false)
    }

    fn factor(&mut self, factor: &mut TableFactor, from: &mut From) -> Result<()> {
        match factor {
            TableFactor::NestedJoin { table_with_joins, alias } => {
                let first = from.relations.len();
                self.table_with_joins(table_with_joins, from)?;
                if let (Some(alias), Some(inner)) = (alias, from.relations.get_mut(first..)) {
                    for relation in inner {
                        relation.label = vec![ident_name(&alias.name)];
                        relation.behind_alias = true;
                    }
                }
                return Ok(());
            }
            TableFactor::Table { name, alias, args: None, .. } => {
                let relation = self.table(name, alias.as_ref())?;
                from.relations.push(relation);
            }
            TableFactor::Derived { lateral, subquery, alias, .. } => {
                let (free, exposes) = self.query(subquery)?;
                if *lateral {
                    from.mentions.extend(free)
                } else {
                    from.free.extend(free)
                }
                let exposes = alias.as_ref().map_or(exposes, |alias| aliased(alias, exposes));
                from.relations.push(subquery_relation(alias.as_ref(), exposes));
            }
            other => {
                let free = self.expressions(other)?;
                from.free.extend(free);
                let alias = match other {
                    TableFactor::Table { alias, .. }
                    | TableFactor::TableFunction { alias, .. }
                    | TableFactor::Function { alias, .. }
                    | TableFactor::UNNEST { alias, .. } => alias.as_ref(),
                    _ => None,
                };
                from.relations.push(subquery_relation(alias, SystemColumns::default()));
            }
        }
        Ok(())
    }

    /// A name in a FROM: a table or a CTE.
    fn table(&self, name: &ObjectName, alias: Option<&TableAlias>) -> Result<Relation> {
        let parts = name_parts(name)?;
        let cte = match parts.as_slice() {
            [bare] => self.ctes.iter().rev().find_map(|scope| scope.get(bare)).copied(),
            _ => None,
        };
        let mut relation = subquery_relation(alias, cte.unwrap_or_default());
        relation.table = cte.is_none();
        if alias.is_none() {
            relation.label = parts;
        }
        if let (Some(exposes), Some(alias)) = (cte, alias) {
            relation.exposes = aliased(alias, exposes);
        }
        Ok(relation)
    }

    /// The mentions under `node`; the queries under it are rewritten, and count with what they leave.
    fn expressions(&mut self, node: &mut impl VisitMut) -> Result<Vec<Mention>> {
        let mut collect = Collect { rewrite: self, depth: 0, mentions: Vec::new() };
        match node.visit(&mut collect) {
            ControlFlow::Continue(()) => Ok(collect.mentions),
            ControlFlow::Break(e) => Err(*e),
        }
    }
}

/// Gathers mentions outside of queries, and rewrites the outermost queries.
struct Collect<'a> {
    rewrite: &'a mut Rewrite,
    depth: usize,
    mentions: Vec<Mention>,
}

impl VisitorMut for Collect<'_> {
    type Break = Box<Error>;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Self::Break> {
        if self.depth == 0 {
            match self.rewrite.query(query) {
                Ok((free, _)) => self.mentions.extend(free),
                Err(e) => return ControlFlow::Break(Box::new(e)),
            }
        }
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<Self::Break> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Self::Break> {
        if self.depth == 0 {
            self.mentions.extend(mention(expr));
        }
        ControlFlow::Continue(())
    }
}

/// The mention that an expression itself is.
fn mention(expr: &Expr) -> Option<Mention> {
    let (last, before) = match expr {
        Expr::Identifier(ident) => (ident, [].as_slice()),
        Expr::CompoundIdentifier(parts) => parts.split_last()?,
        _ => return None,
    };
    let column = SystemColumns::named(&ident_name(last));
    column.any().then(|| Mention { qualifier: before.iter().map(ident_name).collect(), column })
}

/// Gives a mention to the relations it is of; returns it if it is of none.
fn answer(relations: &mut [Relation], mention: Mention) -> Option<Mention> {
    let mut answered = false;
    for relation in relations {
        let meant = if mention.qualifier.is_empty() {
            relation.table || mention.column.within(relation.exposes)
        } else {
            relation.answers_to(&mention.qualifier)
        };
        if meant {
            answered = true;
            if relation.table {
                relation.wanted = relation.wanted.or(mention.column);
            }
        }
    }
    (!answered).then_some(mention)
}

fn subquery_relation(alias: Option<&TableAlias>, exposes: SystemColumns) -> Relation {
    Relation {
        label: alias.map(|a| vec![ident_name(&a.name)]).unwrap_or_default(),
        table: false,
        behind_alias: false,
        aliased: alias.is_some(),
        renamed_columns: alias.is_some_and(|a| !a.columns.is_empty()),
        natural: false,
        exposes,
        wanted: SystemColumns::default(),
        merged: BTreeSet::new(),
    }
}

/// What a subquery exposes under an alias, which may name its columns.
fn aliased(alias: &TableAlias, exposes: SystemColumns) -> SystemColumns {
    if alias.columns.is_empty() {
        return exposes;
    }
    let names = alias.columns.iter().map(|c| SystemColumns::named(&ident_name(&c.name)));
    names.fold(SystemColumns::default(), SystemColumns::or)
}

/// The system columns that are names of a result by alias.
fn alias_names(projection: &[SelectItem]) -> SystemColumns {
    let names = projection.iter().filter_map(|item| match item {
        SelectItem::ExprWithAlias { alias, .. } => Some(SystemColumns::named(&ident_name(alias))),
        _ => None,
    });
    names.fold(SystemColumns::default(), SystemColumns::or)
}

/// The system columns that are names of a result.
fn exposed(projection: &[SelectItem], relations: &[Relation]) -> SystemColumns {
    let mut all = alias_names(projection);
    for item in projection {
        let more = match item {
            SelectItem::UnnamedExpr(expr) => mention(expr).map(|m| m.column).unwrap_or_default(),
            SelectItem::Wildcard(_) => {
                relations.iter().fold(SystemColumns::default(), |all, relation| all.or(relation.exposes))
            }
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => {
                let qualifier = name_parts(name).unwrap_or_default();
                let of = relations.iter().filter(|r| r.answers_to(&qualifier));
                of.fold(SystemColumns::default(), |all, relation| all.or(relation.exposes))
            }
            _ => SystemColumns::default(),
        };
        all = all.or(more);
    }
    all
}

/// The system columns named anywhere under `node`.
fn mentioned_anywhere(node: &impl Visit) -> SystemColumns {
    struct Find(SystemColumns);
    impl Visitor for Find {
        type Break = ();

        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            if let Some(mention) = mention(expr) {
                self.0 = self.0.or(mention.column);
            }
            ControlFlow::Continue(())
        }

        fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
            for join in select.from.iter().flat_map(|item| &item.joins) {
                if let Some(names) = using(&join.join_operator) {
                    let named = names.iter().filter_map(|name| name.0.last()?.as_ident()).map(ident_name);
                    self.0 = named.fold(self.0, |all, name| all.or(SystemColumns::named(&name)));
                }
            }
            ControlFlow::Continue(())
        }
    }
    let mut find = Find(SystemColumns::default());
    let _ = node.visit(&mut find);
    find.0
}

fn using(operator: &JoinOperator) -> Option<&[ObjectName]> {
    use JoinOperator as J;
    match operator {
        J::Join(JoinConstraint::Using(names))
        | J::Inner(JoinConstraint::Using(names))
        | J::Left(JoinConstraint::Using(names))
        | J::LeftOuter(JoinConstraint::Using(names))
        | J::Right(JoinConstraint::Using(names))
        | J::RightOuter(JoinConstraint::Using(names))
        | J::FullOuter(JoinConstraint::Using(names)) => Some(names),
        _ => None,
    }
}

/// Refuses names that only rewriting may make.
fn refuse_suffixes(node: &impl Visit) -> Result<()> {
    struct Find;
    impl Visitor for Find {
        type Break = Box<str>;

        fn pre_visit_relation(&mut self, name: &ObjectName) -> ControlFlow<Self::Break> {
            let last = name.0.last().and_then(ObjectNamePart::as_ident).map(ident_name).unwrap_or_default();
            if last.ends_with(SEQ_SUFFIX) || last.ends_with(DELETED_SUFFIX) {
                return ControlFlow::Break(name.to_string().into());
            }
            ControlFlow::Continue(())
        }
    }
    match node.visit(&mut Find) {
        ControlFlow::Break(name) => {
            Err(Error::not_found(format!("there is no table {name}: such names are the engine's own")))
        }
        ControlFlow::Continue(()) => Ok(()),
    }
}
