//! Views: queries that are kept under a name, and what depends on what.
//!
//! A view is kept as the text of its query, with the names of its columns as they were when it was made:
//! `*` in it goes on meaning those columns.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::catalog::name::{TableName, check_name, check_table_name, quoted};
use crate::catalog::{Catalog, check_not_reserved};
use crate::error::{Error, ErrorKind, Result};

/// How many views may lie on top of each other; each is planned within the one above.
pub const MAX_VIEW_DEPTH: usize = 16;

/// A table or view by the names of its namespace and its own.
pub type RelationName = (String, String);

/// A view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewDef {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its query as it was written.
    pub query: String,
    /// The namespace that bare names in the query are of.
    pub search: String,
    /// Its columns, in order.
    pub columns: Vec<ViewColumn>,
    /// The tables and views that the query names.
    pub uses: BTreeSet<RelationName>,
}

/// A column of a view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewColumn {
    /// Its name.
    pub name: String,
    /// The name it has in the result of the query.
    pub source: String,
    /// The name of its type.
    #[serde(rename = "type")]
    pub ty: String,
}

/// What happens where a name is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IfThere {
    /// It is an error.
    #[default]
    Fail,
    /// Nothing.
    Keep,
    /// The view is replaced.
    Replace,
}

impl ViewDef {
    /// The view's name with its namespace.
    #[must_use]
    pub fn full_name(&self) -> TableName {
        TableName::qualified(&self.namespace, &self.name)
    }

    fn key(&self) -> RelationName {
        (self.namespace.clone(), self.name.clone())
    }
}

/// Adds a view. `None` when there is something of the name and that is fine.
///
/// # Errors
/// `AlreadyExists`; `NotFound` for a namespace that is not there; `InvalidInput` for names that cannot be, for
/// a view that would use itself, and for one that takes the place of another without having its columns;
/// `LimitExceeded` for too many views on top of each other.
pub fn create_view(catalog: &Catalog, view: ViewDef, if_there: IfThere) -> Result<Option<Catalog>> {
    check_not_reserved(&view.namespace)?;
    if !catalog.has_namespace(&view.namespace) {
        return Err(catalog.no_namespace(&view.namespace));
    }
    check_table_name(&view.name)?;
    let mut names = BTreeSet::new();
    for column in &view.columns {
        check_name("column", &column.name)?;
        if !names.insert(&column.name) {
            return Err(Error::invalid(format!(
                "two columns of the view are called {}: name them, as in CREATE VIEW {} (…) AS",
                quoted(&column.name),
                view.full_name()
            )));
        }
    }
    catalog.check_no_index(&view.namespace, &view.name)?;
    let table = catalog.table(&view.namespace, &view.name);
    match (table, catalog.view(&view.namespace, &view.name), if_there) {
        (Some(_), _, IfThere::Keep) | (_, Some(_), IfThere::Keep) => return Ok(None),
        (Some(_), ..) => {
            return Err(Error::already_exists(format!("table {} already exists", view.full_name())));
        }
        (None, Some(_), IfThere::Fail) => {
            return Err(Error::already_exists(format!("view {} already exists", view.full_name())));
        }
        (None, Some(old), IfThere::Replace) => check_replaces(old, &view)?,
        (None, None, _) => {}
    }
    let mut next = catalog.clone();
    let key = view.key();
    next.views.insert(key.clone(), Arc::new(view));
    check_depth(&next, &key)?;
    Ok(Some(next))
}

/// Drops views, all or none, and with `cascade` those that use them. `None` when none is there and
/// `if_exists`.
///
/// # Errors
/// `NotFound`; `InvalidInput` for a table, and without `cascade` when another view uses one of them.
pub fn drop_views(
    catalog: &Catalog,
    names: &[TableName],
    if_exists: bool,
    cascade: bool,
    current: &str,
) -> Result<Option<Catalog>> {
    let mut next = catalog.clone();
    let mut gone = BTreeSet::new();
    for name in names {
        let namespace = name.namespace.as_deref().unwrap_or(current);
        let key = (namespace.to_owned(), name.name.clone());
        if catalog.views.contains_key(&key) {
            next.views.remove(&key);
            gone.insert(key);
            continue;
        }
        match catalog.resolve(name, current) {
            Ok(table) => {
                return Err(Error::invalid(format!(
                    "{} is a table, not a view: write DROP TABLE",
                    table.full_name()
                )));
            }
            Err(e) if if_exists && e.kind() == ErrorKind::NotFound => {}
            Err(e) if e.kind() == ErrorKind::NotFound && catalog.has_namespace(namespace) => {
                return Err(Error::not_found(format!(
                    "there is no view {}",
                    TableName::qualified(namespace, &name.name)
                )));
            }
            Err(e) => return Err(e),
        }
    }
    if gone.is_empty() {
        return Ok(None);
    }
    next.drop_users_of(gone, cascade)?;
    Ok(Some(next))
}

/// As in PostgreSQL, what uses the old view must find the columns it had.
fn check_replaces(old: &ViewDef, new: &ViewDef) -> Result<()> {
    for (at, column) in old.columns.iter().enumerate() {
        match new.columns.get(at) {
            Some(found) if found.name == column.name => {}
            found => {
                let found = found.map_or("nothing".to_owned(), |c| quoted(&c.name));
                return Err(Error::invalid(format!(
                    "column {} of view {} must stay {}, found {found}: a view is replaced by one that has its \
                     columns, and perhaps more behind them; drop it first",
                    at + 1,
                    old.full_name(),
                    quoted(&column.name)
                )));
            }
        }
    }
    Ok(())
}

/// Checks that no view uses itself, and how many lie on top of each other, above and below `key`.
fn check_depth(catalog: &Catalog, key: &RelationName) -> Result<()> {
    // Level by level, so that a view that is reached on many ways is looked at once per level.
    let mut level = BTreeSet::from([key]);
    for _ in 0..MAX_VIEW_DEPTH {
        let below = level.iter().filter_map(|key| catalog.views.get(*key)).flat_map(|view| &view.uses);
        level = below.filter(|key| catalog.views.contains_key(*key)).collect();
        if level.contains(key) {
            return Err(Error::invalid(format!(
                "view {} would use itself",
                TableName::qualified(&key.0, &key.1)
            )));
        }
        if level.is_empty() {
            break;
        }
    }
    let mut depths: BTreeMap<&RelationName, usize> = BTreeMap::new();
    // A view is one deeper than the deepest that it uses; each round settles one level.
    for _ in 0..=MAX_VIEW_DEPTH {
        let mut changed = false;
        for (key, view) in &catalog.views {
            let below = view.uses.iter().filter_map(|used| depths.get(used)).max().copied().unwrap_or(0);
            changed |= depths.insert(key, below + 1) != Some(below + 1);
        }
        if !changed && depths.values().all(|depth| *depth <= MAX_VIEW_DEPTH) {
            return Ok(());
        }
    }
    Err(Error::limit(format!("at most {MAX_VIEW_DEPTH} views may lie on top of each other")))
}

impl Catalog {
    /// This catalog with views besides, as read from a store.
    ///
    /// # Errors
    /// `Corrupt` when a view has the name of a table.
    pub fn with_views(mut self, views: impl IntoIterator<Item = ViewDef>) -> Result<Self> {
        for view in views {
            if self.table(&view.namespace, &view.name).is_some() {
                return Err(Error::corrupt(format!("a table and a view are both {}", view.full_name())));
            }
            self.namespaces.insert(view.namespace.clone());
            self.views.insert(view.key(), Arc::new(view));
        }
        Ok(self)
    }

    /// Every view, by namespace and name.
    pub fn views(&self) -> impl Iterator<Item = &Arc<ViewDef>> {
        self.views.values()
    }

    /// The view `name` of `namespace`.
    #[must_use]
    pub fn view(&self, namespace: &str, name: &str) -> Option<&Arc<ViewDef>> {
        self.views.get(&(namespace.to_owned(), name.to_owned()))
    }

    /// What `view` reads, directly or through others: tables, the engine's own among them, and views.
    #[must_use]
    pub fn relations_under<'a>(&'a self, view: &'a ViewDef) -> BTreeSet<&'a RelationName> {
        let mut names: Vec<&RelationName> = view.uses.iter().collect();
        let mut seen: BTreeSet<&RelationName> = names.iter().copied().collect();
        while let Some(name) = names.pop() {
            let below = self.views.get(name).into_iter().flat_map(|view| &view.uses);
            names.extend(below.filter(|name| seen.insert(name)));
        }
        seen
    }

    /// The views that use one of `names`, directly or through others.
    #[must_use]
    pub fn users_of(&self, mut names: BTreeSet<RelationName>) -> Vec<Arc<ViewDef>> {
        let mut users = Vec::new();
        loop {
            let before = users.len();
            for (key, view) in &self.views {
                if !names.contains(key) && view.uses.iter().any(|used| names.contains(used)) {
                    names.insert(key.clone());
                    users.push(Arc::clone(view));
                }
            }
            if users.len() == before {
                return users;
            }
        }
    }

    /// Drops the views that use one of `gone`.
    ///
    /// # Errors
    /// `InvalidInput` when there is one and not `cascade`.
    pub(super) fn drop_users_of(&mut self, gone: BTreeSet<RelationName>, cascade: bool) -> Result<()> {
        for view in self.users_of(gone.clone()) {
            if !cascade {
                let used = view.uses.iter().find(|used| gone.contains(*used));
                let used = used.map(|(namespace, name)| TableName::qualified(namespace, name).to_string());
                return Err(Error::invalid(format!(
                    "view {} uses {}: drop the view first, or write CASCADE",
                    view.full_name(),
                    used.unwrap_or_default()
                )));
            }
            self.views.remove(&view.key());
        }
        Ok(())
    }
}
