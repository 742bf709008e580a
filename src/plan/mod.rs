//! The compiled flow.

mod model;

pub use self::model::{
    At, Call, Check, Child, Decide, Each, Keep, Kind, Node, NodeId, Plan, Repeat, Retry, Slot, Slots,
    Trigger, Until, Work,
};
