//! The whole program, run as cron and people run it: the built binary, its own folder, a nearly empty environment, fake
//! services on loopback. Nothing here knows the inside; what it may rely on are the screens, exit codes and files.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a helper of a test fails the test")]
#![allow(clippy::disallowed_methods, reason = "the program under test lives by the real clock, and so must its tests")]

#[path = "../support/mod.rs"]
mod support;
mod world;

mod alert_export;
mod alert_mark;
mod alert_test;
mod backend;
mod bad_config;
mod bad_database;
mod blind;
mod browser;
mod channels;
mod clock;
mod crash;
mod crowd;
mod database;
mod deliveries;
#[cfg(feature = "icp")]
mod demo;
mod doctor;
mod elsewhere;
mod emergency;

mod explain;
mod fresh;
mod heartbeat;
mod icp;
mod import;
mod init;
mod last_good;
mod looping;
mod many;
mod notification;
mod outage;
mod own_network;
mod pictures;
mod power_cut;
mod reading;
mod real_cron;
mod real_mail;
mod real_services;
mod report;
#[cfg(feature = "icp")]
mod reserves;
mod responses;
mod rules;
mod rules_backtest;
mod rules_check;
mod rules_test;
mod runbook;
mod secrets;
mod self_alerts;
mod serve;
mod serve_docs;
mod serve_gate;
mod serve_manners;
mod serve_pages;
mod serving;
mod slack_answers;
mod slips;
mod stop;
mod stories;
mod streams;
mod surroundings;
mod sweep;
mod units;
mod usage;
mod withheld;
