//! Ways in which a Redis server refuses to write.

use super::RedisServer;
use std::fs;
use std::path::PathBuf;

/// A state in which the server refuses to write, until it is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedisRefusal {
    /// `OOM`: it has no memory.
    OutOfMemory,
    /// `BUSY`: a script does not end.
    Busy,
    /// `NOAUTH`: it wants a password, and closed every connection.
    LoggedOut,
    /// `NOPERM`: its user may not write.
    NotPermitted,
    /// `READONLY`: it is a replica.
    Replica,
    /// `NOREPLICAS`: it has too few.
    TooFewReplicas,
    /// `MISCONF`: its disk does not take a snapshot.
    Unsaved,
}

/// A connection that is never locked out, to end the refusal.
const ADMIN: [&str; 6] = ["SETUSER", "admin", "on", ">open sesame", "~*", "+@all"];

impl RedisRefusal {
    /// All refusals.
    pub const ALL: [Self; 7] = [
        Self::OutOfMemory,
        Self::Busy,
        Self::LoggedOut,
        Self::NotPermitted,
        Self::Replica,
        Self::TooFewReplicas,
        Self::Unsaved,
    ];

    /// Its name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OutOfMemory => "the store without memory",
            Self::Busy => "the store busy with a script",
            Self::LoggedOut => "the store behind a password",
            Self::NotPermitted => "the store without permission",
            Self::Replica => "the store a replica",
            Self::TooFewReplicas => "the store without replicas",
            Self::Unsaved => "the store without room for a snapshot",
        }
    }

    /// Makes the server refuse.
    pub fn begin(self, server: &RedisServer) {
        let () = server.command(&[&["ACL"], &ADMIN[..]].concat());
        match self {
            Self::OutOfMemory => server.command(&["CONFIG", "SET", "maxmemory", "1"]),
            Self::Busy => keep_busy(server),
            Self::LoggedOut => {
                let () = server.command(&["CONFIG", "SET", "requirepass", "sesame"]);
                // Connections that are logged in stay so.
                let _: usize = self.admin(server, &["CLIENT", "KILL", "TYPE", "normal"]);
            }
            Self::NotPermitted => {
                server.command::<()>(&["ACL", "SETUSER", "default", "-set", "-evalsha", "-eval"]);
            }
            Self::Replica => server.command(&["REPLICAOF", "127.0.0.1", "1"]),
            Self::TooFewReplicas => {
                server.command::<()>(&["CONFIG", "SET", "min-replicas-to-write", "1"]);
            }
            Self::Unsaved => {
                // A snapshot cannot replace a directory.
                fs::create_dir(snapshot(server)).expect("there is no snapshot");
                let () = server.command(&["CONFIG", "SET", "save", "86400 1000000000"]);
                self.save(server, "err");
            }
        }
    }

    /// Ends the refusal.
    pub fn end(self, server: &RedisServer) {
        match self {
            Self::OutOfMemory => self.admin(server, &["CONFIG", "SET", "maxmemory", "0"]),
            Self::Busy => self.admin(server, &["SCRIPT", "KILL"]),
            Self::LoggedOut => self.admin(server, &["CONFIG", "SET", "requirepass", ""]),
            Self::NotPermitted => self.admin(server, &["ACL", "SETUSER", "default", "+@all"]),
            Self::Replica => self.admin(server, &["REPLICAOF", "NO", "ONE"]),
            Self::TooFewReplicas => {
                self.admin::<()>(server, &["CONFIG", "SET", "min-replicas-to-write", "0"]);
            }
            Self::Unsaved => {
                fs::remove_dir(snapshot(server)).expect("nothing was put there");
                self.save(server, "ok");
                let () = self.admin(server, &["CONFIG", "SET", "save", ""]);
                fs::remove_file(snapshot(server)).expect("it was saved");
            }
        }
    }

    fn admin<T: redis::FromRedisValue>(self, server: &RedisServer, words: &[&str]) -> T {
        let url = format!("{}?user=admin&pass=open%20sesame", server.url());
        let client = redis::Client::open(url).expect("an address");
        let mut connection = client.get_connection().expect("it lets its admin in");
        redis::cmd(words[0]).arg(&words[1..]).query(&mut connection).unwrap_or_else(|error| {
            panic!("{self:?}: {error}");
        })
    }

    /// Tries a snapshot until one ends like this.
    fn save(self, server: &RedisServer, ends: &str) {
        let ended = format!("rdb_last_bgsave_status:{ends}");
        let is_over =
            |info: &str| info.contains("rdb_bgsave_in_progress:0") && info.contains(&ended);
        while !is_over(&self.admin::<String>(server, &["INFO", "persistence"])) {
            // While a snapshot or another child is under way, the command is refused.
            drop(server.try_command::<String>(&["BGSAVE"]));
            std::thread::yield_now();
        }
    }
}

fn snapshot(server: &RedisServer) -> PathBuf {
    server.directory.path().join("dump.rdb")
}

/// A script without an end; the server answers `BUSY` after a moment, and nothing until then.
fn keep_busy(server: &RedisServer) {
    let () = server.command(&["CONFIG", "SET", "busy-reply-threshold", "1"]);
    let url = server.url();
    std::thread::spawn(move || {
        let client = redis::Client::open(url).expect("an address");
        let mut connection = client.get_connection().expect("it is up");
        let script = redis::cmd("EVAL").arg("while true do end").arg(0).to_owned();
        script.exec(&mut connection).expect_err("it is killed");
    });
    while server.try_command::<String>(&["PING"]).is_ok() {
        std::thread::yield_now();
    }
}
