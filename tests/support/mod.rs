//! Fake services for tests of one room and for tests of the whole binary: plain threads on loopback ports, so that
//! they need no runtime and outlive any number of processes under test.
#![allow(dead_code, reason = "each test program uses its own part of this")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a fake that fails fails the test")]

pub mod alertmanager;
pub mod algorand;
pub mod backend;
pub mod ca;
pub mod client;
pub mod http;
pub mod pagerduty;
pub mod ports;
pub mod replica;
pub mod skip;
pub mod smtp;
pub mod telegram;
pub mod twilio;
