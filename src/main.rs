//! `sippar-mon`: watches the Sippar bridge from one machine and tells people when it is in trouble.
#![allow(dead_code, reason = "the rooms are built one by one; removed when they are joined")]

mod alert;
mod model;
mod text;
mod world;

fn main() {}
