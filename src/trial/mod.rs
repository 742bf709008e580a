//! Worlds to try flows in. In: plans and scripts. Out: what happened, and whether it may. It must never reach a network.

pub mod sim;
