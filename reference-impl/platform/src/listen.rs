//! Ports: each is bound once, on all interfaces, and never shared.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;

/// Connections that wait to be accepted.
const BACKLOG: i32 = 1024;

/// A port that cannot be bound (CFG-3).
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {variable} {port}: {source}")]
pub struct ListenError {
    /// The variable that gave the port.
    pub variable: &'static str,
    /// The port.
    pub port: u16,
    /// Why not.
    pub source: io::Error,
}

/// Listens on `port` on all interfaces, IPv4 included (CFG-3); where the machine has no IPv6, on those of IPv4.
pub fn bind(variable: &'static str, port: u16) -> Result<TcpListener, ListenError> {
    listen((Ipv6Addr::UNSPECIFIED, port).into())
        .or_else(|error| match error.kind() {
            // Such a port may be free in IPv4, but would not be on all interfaces.
            io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied => Err(error),
            _ => listen((Ipv4Addr::UNSPECIFIED, port).into()),
        })
        .map_err(|source| ListenError {
            variable,
            port,
            source,
        })
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    // A restarted program takes its port back while old connections linger. (A port in use stays taken.)
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_already_taken_is_named() {
        let taken = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = taken.local_addr().expect("bound").port();
        let error = bind("PORT", port).expect_err("the port is taken");
        assert!(
            error.to_string().contains(&format!("PORT {port}")),
            "{error}"
        );
    }
}
