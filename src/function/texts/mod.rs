//! Functions on text.

pub(super) mod case;
pub(super) mod clip;
pub(super) mod date;
pub(super) mod replace;
pub(super) mod split;
pub(super) mod text;
pub(super) mod trim;
