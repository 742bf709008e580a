//! Functions on lists.

pub(super) mod difference;
pub(super) mod ends;
pub(super) mod extremes;
pub(super) mod group_by;
pub(super) mod join;
pub(super) mod length;
pub(super) mod sort;
pub(super) mod sum;
pub(super) mod unique;
