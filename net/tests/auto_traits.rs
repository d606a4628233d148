//! What may be sent to and shared with other tasks: all sockets, their halves, and the futures of their functions.

use futures_lite::{AsyncReadExt, AsyncWriteExt};
use raddle_net::socket::{Incoming, ReuniteError};
use raddle_net::{RecvBatch, SendBatch, TcpListener, TcpSocket, TcpStream, UdpSocket};
use raddle_net::{UnixDatagram, UnixListener, UnixStream, pipe, tcp, udp, unix};
use std::time::Duration;

fn is_all<T: Send + Sync + Unpin + std::fmt::Debug + 'static>() {}

fn is_send<T: Send>(_: T) {}

#[test]
fn sockets_may_go_anywhere() {
    is_all::<TcpListener>();
    is_all::<TcpStream>();
    is_all::<TcpSocket>();
    is_all::<tcp::ReadHalf<'static>>();
    is_all::<tcp::WriteHalf<'static>>();
    is_all::<tcp::OwnedReadHalf>();
    is_all::<tcp::OwnedWriteHalf>();
    is_all::<ReuniteError<std::net::TcpStream>>();
    is_all::<UnixListener>();
    is_all::<UnixStream>();
    is_all::<UnixDatagram>();
    is_all::<unix::OwnedReadHalf>();
    is_all::<unix::OwnedWriteHalf>();
    is_all::<pipe::Sender>();
    is_all::<pipe::Receiver>();
    is_all::<pipe::OpenOptions>();
    is_all::<UdpSocket>();
    is_all::<SendBatch>();
    is_all::<RecvBatch>();
    is_all::<udp::Datagrams<'static>>();
    is_send(None::<Incoming<'static, std::net::TcpListener>>);
}

/// Made, and never polled.
#[test]
fn futures_may_go_to_other_threads() {
    fn with_streams(tcp: &TcpStream, unix: &UnixStream, listener: &TcpListener) {
        let mut buf = [0; 8];
        is_send(tcp.readable());
        is_send(tcp.peek(&mut buf));
        is_send((&mut &*tcp).read(&mut buf));
        is_send((&mut &*tcp).write(b"x"));
        is_send(unix.send_fds(b"x", &[]));
        is_send(unix.recv_fds(&mut buf, 1));
        is_send(listener.accept());
        is_send(raddle_net::copy(tcp, unix));
        is_send(raddle_net::copy_bidirectional(tcp, unix));
        is_send(raddle_net::splice(tcp, unix));
        is_send(raddle_net::splice_bidirectional(tcp, unix));
    }
    fn with_datagrams(udp: &UdpSocket, unix: &UnixDatagram, send: &mut SendBatch, receive: &mut RecvBatch) {
        let mut buf = [0; 8];
        is_send(udp.send_to(b"x", "localhost:1"));
        is_send(udp.recv_from(&mut buf));
        is_send(udp.send_batch(send));
        is_send(udp.recv_batch(receive));
        is_send(udp.connect("localhost:1"));
        is_send(unix.send_to(b"x", "path"));
        is_send(unix.send_fds(b"x", &[]));
        is_send(unix.recv_fds(&mut buf, 1));
    }
    let _ = (with_streams as fn(&_, &_, &_), with_datagrams as fn(&_, &_, &mut _, &mut _));
    is_send(TcpStream::connect("localhost:1"));
    is_send(TcpStream::connect_timeout("localhost:1", Duration::ZERO));
    is_send(TcpListener::bind("localhost:1"));
    is_send(UdpSocket::bind("localhost:1"));
    is_send(UnixStream::connect("path"));
    is_send(raddle_net::lookup_host("localhost:1"));
    is_send(raddle_net::lookup_host_timeout("localhost:1", Duration::ZERO));
}
