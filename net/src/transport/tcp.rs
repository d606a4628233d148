//! Protocols over TCP: [`create_server`] and [`create_connection`].

use super::driver::Driver;
use super::handle::Transport;
use super::link::Link;
use super::plain::Plain;
use super::protocol::AnyProtocol;
use super::server::Server;
use crate::addr::ToSocketAddrs;
use crate::tcp::TcpStream;
use raddle_runtime::TaskBuilder;
use raddle_runtime::task::JoinHandle;
use std::future::Future;
use std::io;
use std::panic::Location;
use std::sync::Arc;

/// Listens at all addresses that `addr` stands for, and has each connection driven by a protocol that `factory` makes,
/// in a task of its own. Port 0 asks the system for a free port, see [`Server::sockets`].
///
/// A panic in `factory` or in a callback ends its connection, and is reported as that of any task that nobody joins.
///
/// # Errors
/// When an address cannot be listened at: the error names it. One that this machine does not have is left out if there
/// are others.
///
/// # Panics
/// Outside a runtime.
///
/// # Cancel safety
/// Dropping the future leaves nothing behind.
#[track_caller]
pub fn create_server<P: AnyProtocol<Kind>, Kind: 'static>(
    factory: impl Fn() -> P + Send + Sync + 'static,
    addr: impl ToSocketAddrs,
) -> impl Future<Output = io::Result<Server>> {
    Server::start(addr, usize::MAX, serve(factory, Location::caller()))
}

/// What is done with each new connection of a server.
pub(super) fn serve<P: AnyProtocol<Kind>, Kind: 'static>(
    factory: impl Fn() -> P + Send + Sync + 'static,
    started_at: &'static Location<'static>,
) -> impl Fn(Link) + Send + Sync + 'static {
    let factory = Arc::new(factory);
    move |link| {
        let factory = factory.clone();
        let drive = async move { drop(Driver::new(link, factory()).run().await) };
        TaskBuilder::new().spawned_at(started_at).spawn(drive).detach();
    }
}

/// Connects to `addr`, and has the connection driven by the protocol that `factory` makes; `connection_made` was called
/// when this returns.
///
/// The handle gives the protocol back when the connection has ended. Dropping it changes nothing; cancelling it ends
/// the connection without a further callback.
///
/// # Errors
/// When no address works: the error names the address, or all of them.
///
/// # Panics
/// Outside a runtime; and when `factory` or `connection_made` does.
///
/// # Cancel safety
/// Dropping the future closes what was begun.
#[track_caller]
pub fn create_connection<P: AnyProtocol<Kind>, Kind: 'static>(
    factory: impl FnOnce() -> P,
    addr: impl ToSocketAddrs,
) -> impl Future<Output = io::Result<(Transport, JoinHandle<P>)>> {
    let caller = Location::caller();
    async move {
        let link = Link::new(Plain::Tcp(TcpStream::connect(addr).await?));
        Ok(Driver::new(link, factory()).start(caller))
    }
}
