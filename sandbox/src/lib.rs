//! Local twins of BigCommerce and NetSuite over real HTTP.
//!
//! In: a [`Config`] (seed, platform plan, faults). Out: a [`Running`] sandbox: addresses, credentials, a ledger of every
//! call. It must never know anything of the flowrun core: it follows the platforms' documentation, so that clients
//! written by others work against it, and it computes every total itself.

pub mod bigcommerce;
pub mod clock;
pub mod fault;
pub mod ledger;
pub mod netsuite;
