//! Functions on whole records.

pub(super) mod compare;
pub(super) mod fingerprint;
