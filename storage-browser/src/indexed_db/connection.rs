//! A connection to a database: how it is opened and how it ends.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use firndb_core::storage::Keyspace;
use firndb_core::{Error, ErrorKind, Result};
use futures::channel::oneshot;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::{DomException, Event, IdbDatabase, IdbFactory, IdbOpenDbRequest};

use crate::js::{self, Thrown};

/// The version of the layout: which object stores there are.
const VERSION: u32 = 1;

/// An object store of one pair without meaning. Writing it strictly brings the relaxed commits before it to
/// rest.
pub(super) const SYNC_STORE: &str = "sync";

/// So long others may take to close their connections, when they are told to.
const PATIENCE_MS: u32 = 2000;

/// Whether a connection can be used, and if not, why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Open,
    /// By us.
    Closed,
    /// Another context deletes or upgrades the database.
    GaveWay,
    /// The browser closed it: the user cleared the site's data, or the disk failed.
    TakenAway,
}

/// Whether a connection can be used, and what happens when that ends.
struct Life {
    state: Cell<State>,
    at_end: RefCell<Option<Box<dyn FnOnce()>>>,
}

impl Life {
    /// The first end of a connection is the one that is told.
    fn end(&self, why: State) {
        if self.state.get() == State::Open {
            self.state.set(why);
        }
        if let Some(at_end) = self.at_end.take() {
            at_end();
        }
    }
}

/// An open database of IndexedDB, and what became of it.
pub(crate) struct Connection {
    pub(super) name: String,
    pub(super) database: IdbDatabase,
    life: Rc<Life>,
    /// A transaction ended without telling whether it was applied, so nothing may be built upon it.
    pub(super) failed: Cell<bool>,
    /// A relaxed commit came after the last strict one.
    pub(super) unsynced: Cell<bool>,
    /// Told of by the browser as long as the connection lives.
    _listeners: [Closure<dyn FnMut(Event)>; 2],
}

impl Connection {
    pub(super) async fn open(name: &str) -> Result<Self> {
        let failure = |e: JsValue| opening(name, e.into());
        let request = factory()?.open_with_u32(&database_name(name), VERSION).map_err(failure)?;
        let upgraded = {
            let request = request.clone();
            Closure::<dyn FnMut(Event)>::new(move |_| create_object_stores(&request))
        };
        request.set_onupgradeneeded(Some(upgraded.as_ref().unchecked_ref()));
        let outcome = outcome(&request, close_late).await;
        request.set_onupgradeneeded(None);
        let database = match outcome {
            Outcome::Success => request.result().map_err(failure)?.unchecked_into::<IdbDatabase>(),
            Outcome::Error(e) => return Err(opening(name, e)),
            Outcome::Blocked => {
                return Err(Error::locked(format!(
                    "another tab has an older version of the store '{name}' open; close it and try again"
                )));
            }
        };
        let connection = Self::listen(name, database);
        connection.check_object_stores()?;
        Ok(connection)
    }

    fn listen(name: &str, database: IdbDatabase) -> Self {
        let life = Rc::new(Life { state: Cell::new(State::Open), at_end: RefCell::new(None) });
        let give_way = {
            let (life, database) = (Rc::clone(&life), database.clone());
            Closure::<dyn FnMut(Event)>::new(move |_| {
                life.end(State::GaveWay);
                database.close();
            })
        };
        let taken_away = {
            let life = Rc::clone(&life);
            Closure::<dyn FnMut(Event)>::new(move |_| life.end(State::TakenAway))
        };
        database.set_onversionchange(Some(give_way.as_ref().unchecked_ref()));
        database.set_onclose(Some(taken_away.as_ref().unchecked_ref()));
        Self {
            name: name.to_owned(),
            database,
            life,
            failed: Cell::new(false),
            unsynced: Cell::new(false),
            _listeners: [give_way, taken_away],
        }
    }

    fn check_object_stores(&self) -> Result<()> {
        let there = self.database.object_store_names();
        match object_stores().find(|space| !there.contains(space)) {
            None => Ok(()),
            Some(missing) => Err(Error::corrupt(format!(
                "the database of the store '{}' has no object store '{missing}'",
                self.name
            ))),
        }
    }

    /// # Errors
    /// `Unavailable` when the connection has ended.
    pub(super) fn check_open(&self) -> Result<()> {
        let name = &self.name;
        let why = match self.life.state.get() {
            State::Open => return Ok(()),
            State::Closed => format!("the store '{name}' is closed; open it again"),
            State::GaveWay => {
                format!("the store '{name}' was deleted or upgraded by another context; open it again")
            }
            State::TakenAway => format!(
                "the browser closed the store '{name}': its data was cleared, or its disk failed; open it again"
            ),
        };
        Err(Error::unavailable(why))
    }

    pub(super) async fn close(&self) -> Result<()> {
        if self.life.state.get() != State::Open {
            return Ok(());
        }
        self.life.end(State::Closed);
        let synced = if self.unsynced.get() && !self.failed.get() { self.sync().await } else { Ok(()) };
        // Transactions under way end first.
        self.database.close();
        synced
    }

    /// Has `at_end` called once, when the connection is closed or taken away.
    pub(super) fn at_end(&self, at_end: impl FnOnce() + 'static) {
        *self.life.at_end.borrow_mut() = Some(Box::new(at_end));
    }

    #[cfg(test)]
    pub(crate) fn database(&self) -> &IdbDatabase {
        &self.database
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.database.set_onversionchange(None);
        self.database.set_onclose(None);
        self.database.close();
    }
}

/// Deletes the database of the store `name`.
pub(super) async fn delete(name: &str) -> Result<()> {
    let doing = || format!("deleting the keys of the store '{name}'");
    let failure = |e: Thrown| e.into_error(ErrorKind::Unavailable, &doing());
    let request = factory()?.delete_database(&database_name(name)).map_err(|e| failure(e.into()))?;
    match outcome(&request, |_| ()).await {
        Outcome::Success => Ok(()),
        Outcome::Error(e) => Err(failure(e)),
        Outcome::Blocked => Err(Error::locked(format!(
            "another tab has the store '{name}' open and does not let go of it; close it and delete it again"
        ))),
    }
}

fn factory() -> Result<IdbFactory> {
    match js::worker()?.indexed_db() {
        Ok(Some(factory)) => Ok(factory),
        Ok(None) => Err(Error::unsupported("this browser has no IndexedDB")),
        Err(e) => Err(Error::unavailable(format!("IndexedDB: {}", Thrown::from(e)))),
    }
}

fn database_name(name: &str) -> String {
    format!("firndb/{name}")
}

fn object_stores() -> impl Iterator<Item = &'static str> {
    Keyspace::ALL.into_iter().map(Keyspace::name).chain([SYNC_STORE])
}

/// Makes what is missing of the layout. Where that fails the browser undoes the opening and says so.
fn create_object_stores(request: &IdbOpenDbRequest) {
    let Ok(database) = request.result().map(JsCast::unchecked_into::<IdbDatabase>) else { return };
    let there = database.object_store_names();
    for space in object_stores().filter(|space| !there.contains(space)) {
        _ = database.create_object_store(space);
    }
}

/// How a request that opens or deletes a database ended.
enum Outcome {
    Success,
    Error(Thrown),
    /// Not ended, and it will not until some other context closes its connection.
    Blocked,
}

/// Waits for the end of `request`, but not for ever for others to close their connections. When it succeeds
/// after that, nobody waits for it any more, and `late` is called.
async fn outcome(request: &IdbOpenDbRequest, late: fn(&IdbOpenDbRequest)) -> Outcome {
    let (answer, first) = oneshot::channel();
    let answer = Rc::new(RefCell::new(Some(answer)));
    let target = request.clone();
    let listener = Closure::<dyn FnMut(Event)>::new(move |event: Event| {
        let end = match event.type_().as_str() {
            "success" => Outcome::Success,
            "blocked" => {
                spawn_local(give_up(Rc::clone(&answer)));
                return;
            }
            _ => Outcome::Error(thrown(target.error().ok().flatten())),
        };
        let succeeded = matches!(end, Outcome::Success);
        match answer.take() {
            Some(answer) => _ = answer.send(end),
            None if succeeded => late(&target),
            None => {}
        }
    });
    let function = Some(listener.as_ref().unchecked_ref());
    request.set_onsuccess(function);
    request.set_onerror(function);
    request.set_onblocked(function);
    let outcome = first.await;
    match outcome {
        Ok(Outcome::Blocked) => listener.forget(),
        _ => {
            request.set_onsuccess(None);
            request.set_onerror(None);
            request.set_onblocked(None);
        }
    }
    outcome.unwrap_or_else(|_| Outcome::Error(Thrown::new("AbortError", "the request was dropped")))
}

/// A connection whose last transaction has not ended counts as open, though it was closed: time for that one.
async fn give_up(answer: Rc<RefCell<Option<oneshot::Sender<Outcome>>>>) {
    js::wait_ms(PATIENCE_MS).await;
    if let Some(answer) = answer.take() {
        _ = answer.send(Outcome::Blocked);
    }
}

fn close_late(request: &IdbOpenDbRequest) {
    if let Ok(database) = request.result() {
        database.unchecked_into::<IdbDatabase>().close();
    }
}

pub(super) fn thrown(error: Option<DomException>) -> Thrown {
    match error {
        Some(error) => Thrown::new(&error.name(), error.message()),
        None => Thrown::new("AbortError", "the browser gave no reason"),
    }
}

fn opening(name: &str, e: Thrown) -> Error {
    let kind = match e.name() {
        "VersionError" => ErrorKind::Unsupported,
        _ => ErrorKind::Unavailable,
    };
    e.into_error(kind, &format!("opening the keys of the store '{name}'"))
}
