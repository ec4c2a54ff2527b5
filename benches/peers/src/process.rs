//! The processes of a measurement, each pinned to a core, and the time and memory that they use.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio, id};
use std::thread::sleep;
use std::time::Duration;

/// A process that is killed when this is dropped.
pub(crate) struct Process {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The core of servers, and the core of the load and Redis.
const SERVER_CORE: &str = "0";
const LOAD_CORE: &str = "1";

/// Pins this process to the core of the load.
pub(crate) fn hold_here() {
    let mut hold = Command::new("taskset");
    let held =
        hold.args(["-a", "-cp", LOAD_CORE, &id().to_string()]).stdout(Stdio::null()).status();
    assert!(held.is_ok_and(|status| status.success()), "taskset holds a process on a core");
}

impl Process {
    /// A server of a target.
    pub(crate) fn serve(target: &str, redis: &Self) -> Self {
        let this = std::env::current_exe().expect("a path");
        let address = free();
        let mut command = Command::new("taskset");
        command.args(["-c", SERVER_CORE]).arg(this).args(["serve", target]);
        command.arg(address.to_string()).arg(redis.url());
        Self::start(command, address)
    }

    /// A Redis that keeps nothing on disk.
    pub(crate) fn redis(program: &str) -> Self {
        let address = free();
        let mut command = Command::new("taskset");
        command.args(["-c", LOAD_CORE, program, "--save", "", "--appendonly", "no"]);
        command.args(["--bind", "127.0.0.1", "--port", &address.port().to_string()]);
        Self::start(command, address)
    }

    /// Waits until it accepts connections.
    fn start(mut command: Command, address: SocketAddr) -> Self {
        let child = command.stdout(Stdio::null()).spawn().expect("it is installed");
        let process = Self { child, address };
        for _ in 0..1000 {
            if TcpStream::connect(address).is_ok() {
                return process;
            }
            sleep(Duration::from_millis(10));
        }
        panic!("{command:?} does not listen");
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// The processor time of its threads, in nanoseconds (Linux, `/proc/PID/schedstat`).
    pub(crate) fn cpu(&self) -> u64 {
        let threads = fs::read_dir(format!("/proc/{}/task", self.child.id())).expect("it lives");
        let ran = threads.filter_map(|thread| {
            let times = fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
            times.split(' ').next()?.parse::<u64>().ok()
        });
        ran.sum()
    }

    /// The memory that it uses, in bytes.
    pub(crate) fn memory(&self) -> u64 {
        let pages = fs::read_to_string(format!("/proc/{}/statm", self.child.id()));
        let pages = pages.expect("it lives");
        pages.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).expect("pages") * 4096
    }
}

fn free() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("it is bound")
}
