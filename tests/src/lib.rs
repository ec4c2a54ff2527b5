//! Parts that the end-to-end suites share: real servers that start and end with a test, in its process
//! or in their own; a handler that a test controls; a store that a test can watch and break.

#![expect(clippy::missing_panics_doc, reason = "a test that panics has failed, as it should")]

mod backend;
mod browser;
mod built;
mod certificates;
mod client;
mod controlled_handler;
mod daemon;
mod eventually;
mod free_ports;
mod gate;
mod guest;
mod log;
mod mariadb;
mod orders;
mod pgbouncer;
mod postgres;
mod probe;
mod proxy;
mod rabbitmq;
mod redis;
mod server;
mod small_disk;
mod soak_length;
mod sql_refusal;
mod stored_bytes;
mod zookeeper;

pub use backend::Backend;
pub use browser::Browser;
pub use built::example;
pub use certificates::Certificates;
pub use client::{Reply, Sender};
pub use controlled_handler::ControlledHandler;
pub use eventually::eventually;
pub use free_ports::free_ports;
pub use gate::Gate;
pub use guest::Guest;
pub use log::Log;
pub use mariadb::{DURABLE_BEFORE_VISIBLE, MariaDbServer};
pub use orders::Orders;
pub use pgbouncer::PgBouncer;
pub use postgres::PostgresServer;
pub use probe::Probe;
pub use proxy::{Place, Proxy, Reached};
pub use rabbitmq::{Publisher, RabbitMqServer};
pub use redis::{RedisCluster, RedisRefusal, RedisServer, Sentinels, Suspended};
pub use server::Server;
pub use small_disk::{NoDisk, SmallDisk};
pub use soak_length::soak_length;
pub use sql_refusal::SqlRefusal;
pub use zookeeper::ZooKeeperServer;
