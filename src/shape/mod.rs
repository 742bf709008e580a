//! The seed of the room of shapes: only "did you mean" so far.

mod near;

pub use near::near;
