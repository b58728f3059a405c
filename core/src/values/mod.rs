//! Values that have a form of their own as text: decimals, UUIDs, JSON, arrays; and ids that are made.

pub mod array;
pub mod decimal;
pub mod ids;
pub mod json;
pub mod uuid;
