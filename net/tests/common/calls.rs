//! A protocol that passes on what it is told.
#![allow(dead_code, reason = "each test binary uses its part")]

use raddle_net::{Protocol, Server, TcpStream, Transport, create_server};
use raddle_sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use std::io;
use std::sync::Arc;

/// What a protocol was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Call {
    Made,
    Data(Vec<u8>),
    Eof,
    Lost(Option<io::ErrorKind>),
    Pause,
    Resume,
}

/// What it does about it; the answer is that to `eof_received`.
pub(crate) type React = dyn Fn(&Transport, &Call) -> bool + Send + Sync;

/// The protocol: reacts, then passes the call on.
pub(crate) struct Told {
    calls: UnboundedSender<(Transport, Call)>,
    react: Arc<React>,
    transport: Option<Transport>,
}

impl Told {
    fn told(&mut self, call: Call) -> bool {
        let transport = self.transport.clone().expect("connection_made comes first");
        let answer = (self.react)(&transport, &call);
        let _ = self.calls.send((transport, call));
        answer
    }
}

impl Protocol for Told {
    fn connection_made(&mut self, transport: Transport) {
        assert!(self.transport.replace(transport).is_none(), "connection_made comes once");
        self.told(Call::Made);
    }

    fn data_received(&mut self, data: &[u8]) {
        self.told(Call::Data(data.to_vec()));
    }

    fn eof_received(&mut self) -> bool {
        self.told(Call::Eof)
    }

    fn connection_lost(&mut self, error: Option<io::Error>) {
        self.told(Call::Lost(error.map(|error| error.kind())));
    }

    fn pause_writing(&mut self) {
        self.told(Call::Pause);
    }

    fn resume_writing(&mut self) {
        self.told(Call::Resume);
    }
}

/// What the protocols made by one factory were told.
pub(crate) struct Calls(UnboundedReceiver<(Transport, Call)>);

impl Calls {
    pub(crate) async fn next(&mut self) -> Call {
        self.next_of().await.1
    }

    pub(crate) async fn next_of(&mut self) -> (Transport, Call) {
        self.0.recv().await.expect("a call")
    }

    /// The transport of the connection that is made next.
    pub(crate) async fn made(&mut self) -> Transport {
        let (transport, call) = self.next_of().await;
        assert_eq!(call, Call::Made);
        transport
    }

    /// The next `len` bytes.
    pub(crate) async fn data(&mut self, len: usize) -> Vec<u8> {
        let mut all = Vec::new();
        while all.len() < len {
            match self.next().await {
                Call::Data(data) => all.extend(data),
                other => panic!("{other:?} after {} of {len} bytes", all.len()),
            }
        }
        all
    }
}

/// A factory of protocols that do `react`, and what they are told.
pub(crate) fn told(
    react: impl Fn(&Transport, &Call) -> bool + Send + Sync + 'static,
) -> (impl Fn() -> Told + Send + Sync + 'static, Calls) {
    let (calls, told) = unbounded();
    let react: Arc<React> = Arc::new(react);
    let make = move || Told { calls: calls.clone(), react: react.clone(), transport: None };
    (make, Calls(told))
}

/// A server with such protocols.
pub(crate) async fn serve(
    react: impl Fn(&Transport, &Call) -> bool + Send + Sync + 'static,
) -> (Server, Calls) {
    let (make, calls) = told(react);
    (create_server(make, "127.0.0.1:0").await.expect("a server"), calls)
}

/// A connection to it.
pub(crate) async fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(server.sockets()[0]).await.expect("a client")
}

/// Writes back what comes.
pub(crate) fn echo(transport: &Transport, call: &Call) -> bool {
    if let Call::Data(data) = call {
        transport.write(data);
    }
    false
}

/// Does nothing, and leaves the connection open at the peer's end.
pub(crate) fn stay(_: &Transport, _: &Call) -> bool {
    true
}
