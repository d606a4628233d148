//! The task behind a connection with a protocol: reads, flushes, and calls back, one thing at a time.

use super::handle::Transport;
use super::link::Link;
use super::protocol::AnyProtocol;
use super::word::Flags;
use raddle_runtime::TaskBuilder;
use raddle_runtime::budget::poll_unit;
use raddle_runtime::task::JoinHandle;
use std::any::Any;
use std::future::poll_fn;
use std::io;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::task::{Context, Poll, ready};

/// A connection and its protocol.
pub(super) struct Driver<P, Kind> {
    link: Owned,
    protocol: P,
    is_made: bool,
    is_at_eof: bool,
    /// What the protocol was told last: to pause.
    is_told_full: bool,
    kind: PhantomData<fn() -> Kind>,
}

/// The link while this task sends for it: nobody does afterwards.
struct Owned(Link);

impl Drop for Owned {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

impl<P: AnyProtocol<Kind>, Kind: 'static> Driver<P, Kind> {
    pub(super) fn new(link: Link, protocol: P) -> Self {
        link.own();
        let (is_made, is_at_eof, is_told_full) = (false, false, false);
        Self { link: Owned(link), protocol, is_made, is_at_eof, is_told_full, kind: PhantomData }
    }

    /// Tells the protocol that it is connected, and drives the connection in a task of its own, which counts as spawned
    /// at `caller`.
    pub(super) fn start(mut self, caller: &'static Location<'static>) -> (Transport, JoinHandle<P>) {
        let transport = self.make();
        (transport, TaskBuilder::new().spawned_at(caller).spawn(self.run()))
    }

    /// Tells the protocol that it is connected.
    pub(super) fn make(&mut self) -> Transport {
        let transport = Transport::new(&self.link.0);
        self.is_made = true;
        self.protocol.made(transport.clone());
        transport
    }

    /// Does the handshake of a connection that the protocol knows nothing of yet.
    ///
    /// # Cancel safety
    /// Dropping the future, and the driver, ends the connection.
    #[cfg(feature = "tls")]
    pub(super) async fn start_tls(&mut self, setup: crate::tls::Setup) -> io::Result<()> {
        let link = self.link.0.clone();
        let limit = setup.limit;
        link.begin_tls(setup, Vec::new)?;
        link.in_time(limit, poll_fn(|cx| self.poll_handshake(cx))).await
    }

    /// Sends and receives what belongs to the handshake.
    #[cfg(feature = "tls")]
    fn poll_handshake(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let link = &self.link.0;
        loop {
            let flushing = link.flags().is_buffered() && link.poll_flush(cx).is_pending();
            let shaken = link.poll_handshake(cx);
            if shaken.is_ready() || flushing || !link.flags().is_buffered() {
                return shaken;
            }
        }
    }

    /// Drives the connection to its end, and gives the protocol back.
    ///
    /// # Panics
    /// When a callback did, after the protocol was told that the connection is lost.
    pub(super) async fn run(mut self) -> P {
        let ended = until_panic(|cx| self.poll(cx)).await;
        if let Err((error, _)) = &ended {
            self.link.0.fail(error);
        }
        self.protocol.lost(self.link.0.lost());
        if let Err((_, payload)) = ended {
            resume_unwind(payload);
        }
        self.protocol
    }

    /// Ready when the connection has ended.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.is_made {
            self.make();
        }
        loop {
            let flags = self.link.0.flags();
            if self.has_flow_to_tell(flags) {
                // Callbacks that bring each other about must let others run too.
                ready!(poll_unit(cx)).spend();
                self.is_told_full = !self.is_told_full;
                self.protocol.paused(self.is_told_full);
                continue;
            }
            if flags.is_ended() {
                return Poll::Ready(());
            }
            let flushed = flags.is_buffered() && self.link.0.poll_flush(cx).is_ready();
            // Before what comes next, which may end the connection.
            if flags.is_buffered() && self.has_flow_to_tell(self.link.0.flags()) {
                continue;
            }
            if !flags.is_closing() && self.poll_input(cx, flags).is_ready() || flushed {
                continue;
            }
            self.link.0.register_owner(cx);
            // Whoever changes the flags wakes us afterwards: what was changed before we registered shows here.
            if self.link.0.flags() == flags {
                return Poll::Pending;
            }
        }
    }

    /// A handshake goes on though the protocol is to be left alone.
    fn poll_input(&mut self, cx: &mut Context<'_>, flags: Flags) -> Poll<()> {
        #[cfg(feature = "tls")]
        if flags.is_handshaking() {
            // When it fails, the connection is lost, which shows in the flags.
            return self.link.0.poll_handshake(cx).map(drop);
        }
        if self.is_at_eof || flags.is_paused() { Poll::Pending } else { self.poll_read(cx) }
    }

    /// Whether the protocol is to pause or to resume.
    fn has_flow_to_tell(&self, flags: Flags) -> bool {
        if self.is_told_full { !flags.is_full() } else { flags.must_pause() }
    }

    /// One read, and what comes of it.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let link = &self.link.0;
        let mut receive = |buf: &mut [u8]| {
            let read = std::task::ready!(link.poll_read(cx, buf));
            if let Ok(count @ 1..) = read {
                // What answers a part of it has more to come behind it.
                link.hold(count);
            }
            Poll::Ready(read)
        };
        let read = std::task::ready!(self.protocol.receive(&mut receive));
        if let Ok(1..) = read {
            link.hold(0);
            if link.flags().is_buffered() {
                // Before the level is looked at: the protocol is told to pause for what the system does not take only.
                link.flush_some();
            }
        }
        match read {
            Ok(0) if link.is_closing() => {}
            Ok(0) => {
                self.is_at_eof = true;
                if !self.protocol.eof() {
                    self.link.0.close();
                }
            }
            Ok(_) => {}
            Err(error) => link.fail(&error),
        }
        Poll::Ready(())
    }
}

/// Polls until that is ready or panics; the panic comes with an error that tells of it.
pub(super) async fn until_panic<R>(
    mut poll: impl FnMut(&mut Context<'_>) -> Poll<R>,
) -> Result<R, (io::Error, Box<dyn Any + Send>)> {
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| poll(cx))) {
        Ok(polled) => polled.map(Ok),
        Err(payload) => {
            let text = format!("a callback of the protocol panicked: {}", message(payload.as_ref()));
            Poll::Ready(Err((io::Error::other(text), payload)))
        }
    })
    .await
}

fn message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("(no text)")
}
