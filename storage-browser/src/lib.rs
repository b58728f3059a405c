//! FirnDB.
