//! Who a statement runs for, what it may read and write, and the record of who acted for whom.

pub mod audit;
mod impersonation;
mod principal;

pub use impersonation::{ImpersonationContext, impersonate};
pub use principal::Principal;
