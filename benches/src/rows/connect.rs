//! The row of short connections.

use super::Target::Peers;
use super::{Group, Row};
use crate::workloads::connect::Connect;

pub(super) fn rows() -> Vec<Row> {
    vec![Row { group: Group::Net, ..Row::timed::<Connect>("connect, exchange, close", Peers(1.0)) }]
}
