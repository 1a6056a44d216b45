//! What several benchmarks share: child processes, wrk, and the table.

pub(crate) mod process;
pub(crate) mod table;
pub(crate) mod wrk;
