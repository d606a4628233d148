//! A client's connection: how a message gets there and back, over whatever it goes.

use crate::message::Message;
use futures_lite::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, future};
use raddle::net::{TcpStream, UdpSocket, UnixStream, lookup_host};
use raddle::time::{Duration, timeout};
use std::fmt;
use std::io;

/// How long a datagram may take before it is sent again.
const RESEND_AFTER: Duration = Duration::from_secs(1);
/// How often a datagram is sent.
const SENDS_MAX: u32 = 5;

/// Where the clients connect to.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    Tcp(String),
    Udp(String),
    Unix(String),
    #[cfg(feature = "tls")]
    Tls(crate::tls::Target),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(place) | Self::Udp(place) | Self::Unix(place) => f.write_str(place),
            #[cfg(feature = "tls")]
            Self::Tls(target) => f.write_str(&target.addr),
        }
    }
}

/// A connection.
pub(crate) enum Wire {
    Stream { reader: Box<dyn AsyncRead + Send + Unpin>, writer: Box<dyn AsyncWrite + Send + Unpin> },
    Datagrams(UdpSocket),
}

impl Wire {
    pub(crate) async fn connect(target: &Target) -> io::Result<Self> {
        match target {
            Target::Tcp(addr) => {
                let stream = TcpStream::connect(addr).await?;
                stream.set_nodelay(true)?;
                let (reader, writer) = stream.into_split();
                Ok(Self::stream(reader, writer))
            }
            Target::Unix(path) => {
                let (reader, writer) = UnixStream::connect(path).await?.into_split();
                Ok(Self::stream(reader, writer))
            }
            Target::Udp(addr) => {
                let to = lookup_host(addr.as_str())
                    .await?
                    .next()
                    .expect("a look-up without an error has an address");
                let from = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
                let socket = UdpSocket::bind(from).await?;
                socket.connect(to).await?;
                Ok(Self::Datagrams(socket))
            }
            #[cfg(feature = "tls")]
            Target::Tls(target) => {
                let (reader, writer) = futures_lite::io::split(target.connect().await?);
                Ok(Self::stream(reader, writer))
            }
        }
    }

    fn stream(
        reader: impl AsyncRead + Send + Unpin + 'static,
        writer: impl AsyncWrite + Send + Unpin + 'static,
    ) -> Self {
        Self::Stream { reader: Box::new(reader), writer: Box::new(writer) }
    }

    /// Sends the message and gets it back, into `buf`, which is a byte longer. Says how often it was sent.
    ///
    /// # Errors
    /// When the connection fails, or what came back is not what was sent.
    ///
    /// # Cancel safety
    /// Dropping the future loses the exchange.
    pub(crate) async fn exchange(&mut self, message: &Message, buf: &mut [u8]) -> io::Result<u32> {
        match self {
            Self::Stream { reader, writer } => {
                let send = async {
                    writer.write_all(message.bytes()).await?;
                    writer.flush().await
                };
                let buf = &mut buf[..message.bytes().len()];
                // Both at once: the buffers on the way may be smaller than the message.
                future::try_zip(send, reader.read_exact(buf)).await.map_err(closed)?;
                check(message, buf).map(|()| 1)
            }
            Self::Datagrams(socket) => {
                for sends in 1..=SENDS_MAX {
                    socket.send(message.bytes()).await?;
                    if let Ok(answered) = timeout(RESEND_AFTER, answer(socket, message, buf)).await {
                        return answered.map(|()| sends);
                    }
                }
                let text = format!("no answer, though sent {SENDS_MAX} times, one each {RESEND_AFTER:?}");
                Err(io::Error::new(io::ErrorKind::TimedOut, text))
            }
        }
    }

    /// Closes the connection; nothing more must come before the peer does so too.
    ///
    /// # Errors
    /// When something comes, or the connection fails.
    ///
    /// # Cancel safety
    /// Dropping the future drops the connection.
    pub(crate) async fn close(self) -> io::Result<()> {
        let Self::Stream { mut reader, mut writer } = self else { return Ok(()) };
        writer.close().await?;
        match reader.read(&mut [0; 64]).await? {
            0 => Ok(()),
            more => Err(io::Error::other(format!("{more} more bytes came back than were sent"))),
        }
    }
}

/// Waits for the answer to `message`; answers to earlier ones, which were sent more than once, may come before.
async fn answer(socket: &UdpSocket, message: &Message, buf: &mut [u8]) -> io::Result<()> {
    loop {
        let came = socket.recv(buf).await?;
        if !message.is_after(&buf[..came]) {
            return check(message, &buf[..came]);
        }
    }
}

fn check(message: &Message, came: &[u8]) -> io::Result<()> {
    let fault = |fault| io::Error::new(io::ErrorKind::InvalidData, fault);
    message.fault(came).map_or(Ok(()), |text| Err(fault(text)))
}

fn closed(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof if error.get_ref().is_none() => {
            io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed the connection")
        }
        _ => error,
    }
}
