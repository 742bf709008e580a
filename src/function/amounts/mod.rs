//! Functions on numbers and amounts.

pub(super) mod abs;
pub(super) mod allocate;
pub(super) mod decimal;
pub(super) mod fx;
pub(super) mod money;
pub(super) mod round;
pub(super) mod round_to_sum;
pub(super) mod tax;
