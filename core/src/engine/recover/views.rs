//! The views that a recovery brings back: those that work on the tables it found.

use object_store::ObjectStoreExt;
use object_store::path::Path;

use crate::catalog::{
    Catalog, IfThere, RESERVED_NAMESPACES, ViewDef, create_namespace, create_view, decode_view,
};
use crate::engine::recover::RecoveryReport;
use crate::error::Result;
use crate::storage::Stores;

/// Adds the views whose definitions are in `files` to `catalog`.
///
/// # Errors
/// What the blob store reports.
pub async fn add(
    stores: &Stores,
    files: &[Path],
    mut catalog: Catalog,
    report: &mut RecoveryReport,
) -> Result<Catalog> {
    let mut views = Vec::new();
    for path in files {
        let bytes = stores.blobs.get(path).await?.bytes().await?;
        match decode_view(&bytes, path) {
            Ok(view) => views.push(view),
            Err(e) => report.problems.push(e.to_string()),
        }
    }
    // A view may use another: those come first.
    loop {
        let (usable, rest): (Vec<_>, Vec<_>) =
            views.into_iter().partition(|view| missing(view, &catalog).is_none());
        if usable.is_empty() {
            views = rest;
            break;
        }
        for view in usable {
            let name = view.full_name().to_string();
            match with_view(&catalog, view) {
                Ok(next) => {
                    report.views.push(name);
                    catalog = next;
                }
                Err(e) => report.problems.push(format!("view {name}: {e}; it is not brought back")),
            }
        }
        views = rest;
    }
    for view in views {
        let missing = missing(&view, &catalog).unwrap_or_default();
        report.problems.push(format!(
            "view {}: uses {missing}, which is not there; it is not brought back",
            view.full_name()
        ));
    }
    Ok(catalog)
}

fn with_view(catalog: &Catalog, view: ViewDef) -> Result<Catalog> {
    let with_namespace = create_namespace(catalog, &view.namespace, true)?;
    let catalog = with_namespace.as_ref().unwrap_or(catalog);
    Ok(create_view(catalog, view, IfThere::Fail)?.unwrap_or_else(|| catalog.clone()))
}

/// What `view` uses that is not in `catalog`.
fn missing(view: &ViewDef, catalog: &Catalog) -> Option<String> {
    let there = |namespace: &str, name: &str| {
        RESERVED_NAMESPACES.contains(&namespace)
            || catalog.table(namespace, name).is_some()
            || catalog.view(namespace, name).is_some()
    };
    let missing = view.uses.iter().find(|(namespace, name)| !there(namespace, name));
    missing.map(|(namespace, name)| format!("{namespace}.{name}"))
}
