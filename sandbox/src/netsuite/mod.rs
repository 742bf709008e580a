//! The NetSuite twin.
