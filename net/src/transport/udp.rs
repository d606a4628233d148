//! Protocols over UDP: [`create_datagram_endpoint`], and the task behind one.

use super::datagram::{DatagramProtocol, DatagramTransport, Shared};
use super::driver::until_panic;
use super::protocol::with_buffer;
use crate::addr::ToSocketAddrs;
use crate::udp::UdpSocket;
use raddle_runtime::TaskBuilder;
use raddle_runtime::budget::poll_unit;
use raddle_runtime::task::JoinHandle;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::panic::{Location, resume_unwind};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// Binds a socket to `local`, connects it to `remote` if that is given, and has it driven by the protocol that
/// `factory` makes; `connection_made` was called when this returns. `"0.0.0.0:0"` is any address and port.
///
/// The handle gives the protocol back when the transport was closed. Dropping it changes nothing; cancelling it closes
/// the socket without a further callback.
///
/// # Errors
/// When the address cannot be bound, or the peer not be reached: the error names it.
///
/// # Panics
/// Outside a runtime; and when `factory` or `connection_made` does.
///
/// # Cancel safety
/// Dropping the future leaves nothing behind.
#[track_caller]
pub fn create_datagram_endpoint<P: DatagramProtocol + 'static>(
    factory: impl FnOnce() -> P,
    local: impl ToSocketAddrs,
    remote: Option<SocketAddr>,
) -> impl Future<Output = io::Result<(DatagramTransport, JoinHandle<P>)>> {
    let caller = Location::caller();
    async move {
        let socket = UdpSocket::bind(local).await?;
        if let Some(remote) = remote {
            socket.connect(remote).await?;
        }
        let shared = Shared::new(socket);
        let transport = DatagramTransport::new(&shared);
        let mut protocol = factory();
        protocol.connection_made(transport.clone());
        let endpoint = Endpoint { shared, protocol, is_told_full: false };
        Ok((transport, TaskBuilder::new().spawned_at(caller).spawn(endpoint.run())))
    }
}

/// A socket and its protocol.
struct Endpoint<P> {
    shared: Arc<Shared>,
    protocol: P,
    is_told_full: bool,
}

impl<P: DatagramProtocol> Endpoint<P> {
    async fn run(mut self) -> P {
        let ended = until_panic(|cx| self.poll(cx)).await;
        self.shared.close(true);
        match ended {
            Ok(lost) => self.protocol.connection_lost(lost),
            Err((error, payload)) => {
                self.protocol.connection_lost(Some(error));
                resume_unwind(payload);
            }
        }
        self.protocol
    }

    /// Ready when the socket is closed, with the error of one that cannot be used any more.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Error>> {
        loop {
            let flags = self.shared.flags();
            // One that answers an error by what fails again must let others run.
            let unit = ready!(poll_unit(cx));
            if let Some(error) = self.shared.next_error() {
                unit.spend();
                self.protocol.error_received(error);
                continue;
            }
            if self.is_told_full && !flags.is_full() || !self.is_told_full && flags.must_pause() {
                unit.spend();
                self.is_told_full = !self.is_told_full;
                self.call_flow();
                continue;
            }
            drop(unit);
            if flags.is_ended() {
                return Poll::Ready(None);
            }
            let mut moved = false;
            if flags.is_buffered() {
                match self.shared.poll_flush(cx) {
                    Poll::Ready(Err(error)) => return Poll::Ready(Some(error)),
                    Poll::Ready(Ok(())) => moved = true,
                    Poll::Pending => {}
                }
            }
            moved |= !flags.is_closing() && self.poll_recv(cx).is_ready();
            if moved {
                continue;
            }
            // An error that comes after the look above wakes us, for we are registered then or it is found here.
            self.shared.register_owner(cx);
            if self.shared.flags() == flags && !self.shared.has_errors() {
                return Poll::Pending;
            }
        }
    }

    fn call_flow(&mut self) {
        if self.is_told_full { self.protocol.pause_writing() } else { self.protocol.resume_writing() }
    }

    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let (shared, protocol) = (&self.shared, &mut self.protocol);
        with_buffer(|buf| {
            match ready!(shared.poll_recv(cx, buf)) {
                Ok((count, from)) => protocol.datagram_received(&buf[..count], from),
                Err(error) => protocol.error_received(error),
            }
            Poll::Ready(())
        })
    }
}
