//! Ports for servers that cannot be asked which one they took.

use std::net::TcpListener;

/// Ports of this host that nobody listens on, no two the same.
#[must_use]
pub fn free_ports<const N: usize>() -> [u16; N] {
    // All are held at once.
    let held = [(); N].map(|()| TcpListener::bind(("127.0.0.1", 0)).expect("a free port"));
    held.map(|listener| listener.local_addr().expect("it is bound").port())
}
