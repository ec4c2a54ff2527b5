//! Ports for servers that cannot be asked which one they took.

use std::net::TcpListener;

/// Different ports of this host on which nobody listens.
#[must_use]
pub fn free_ports<const N: usize>() -> [u16; N] {
    // All ports are held at once, so that they differ.
    let held = [(); N].map(|()| TcpListener::bind(("127.0.0.1", 0)).expect("a free port"));
    held.map(|listener| listener.local_addr().expect("it is bound").port())
}
