//! The options of sockets: what is set is what is there, before and after the socket is connected.

mod common;

use common::run;
use raddle_net::{TcpKeepalive, TcpListener, TcpSocket, TcpStream};
use socket2::SockRef;
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn any_port(host: &str) -> SocketAddr {
    format!("{host}:0").parse().expect("an address")
}

#[test]
fn what_is_set_on_a_socket_is_there_and_goes_with_the_connection() -> io::Result<()> {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        socket.set_reuseport(true)?;
        socket.set_nodelay(true)?;
        socket.set_linger(Some(3 * SECOND))?;
        socket.set_tos(0x10)?;
        socket.set_send_buffer_size(32 * 1024)?;
        socket.set_recv_buffer_size(32 * 1024)?;
        assert!(socket.reuseaddr()? && socket.reuseport()? && socket.nodelay()?);
        assert_eq!(socket.linger()?, Some(3 * SECOND));
        assert_eq!(socket.tos()?, 0x10);
        assert!(socket.send_buffer_size()? >= 32 * 1024 && socket.recv_buffer_size()? >= 32 * 1024);
        let stream = socket.connect(listener.local_addr()?).await?;
        assert!(stream.nodelay()?);
        assert_eq!(stream.linger()?, Some(3 * SECOND));
        assert_eq!(stream.tos()?, 0x10);
        stream.set_tos(0)?;
        stream.set_linger(None)?;
        assert_eq!((stream.tos()?, stream.linger()?), (0, None));
        Ok(())
    })
}

fn assert_keepalive(socket: &SockRef<'_>) -> io::Result<()> {
    assert!(socket.keepalive()?);
    assert_eq!(socket.tcp_keepalive_time()?, 60 * SECOND);
    assert_eq!(socket.tcp_keepalive_interval()?, 10 * SECOND);
    assert_eq!(socket.tcp_keepalive_retries()?, 3);
    Ok(())
}

#[test]
fn keepalive_has_its_times_and_its_retries() -> io::Result<()> {
    run(async {
        let keepalive = TcpKeepalive::new().with_time(60 * SECOND).with_interval(10 * SECOND).with_retries(3);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let socket = TcpSocket::new_v4()?;
        assert!(!socket.keepalive()?);
        socket.set_tcp_keepalive(&keepalive)?;
        assert_keepalive(&SockRef::from(&socket))?;
        let stream = socket.connect(listener.local_addr()?).await?;
        assert_keepalive(&SockRef::from(&stream))?;
        let (served, _) = listener.accept().await?;
        served.set_tcp_keepalive(&keepalive)?;
        assert_keepalive(&SockRef::from(&served))?;
        Ok(())
    })
}

#[test]
#[cfg(target_os = "linux")]
fn the_options_that_linux_has() -> io::Result<()> {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let socket = TcpSocket::new_v4()?;
        socket.set_user_timeout(Some(5 * SECOND))?;
        socket.set_mss(1000)?;
        socket.set_freebind(true)?;
        assert_eq!(socket.user_timeout()?, Some(5 * SECOND));
        assert!(socket.freebind()?);
        assert_eq!(socket.device()?, None);
        let error = socket.bind_device(Some("no such card")).expect_err("no such interface");
        assert!(error.to_string().contains("no such card"), "{error}");
        let stream = socket.connect(listener.local_addr()?).await?;
        assert_eq!(stream.user_timeout()?, Some(5 * SECOND));
        assert!(stream.mss()? <= 1000);
        stream.set_quickack(true)?;
        stream.set_user_timeout(None)?;
        assert_eq!(stream.user_timeout()?, None);
        // An address of nobody's.
        let socket = TcpSocket::new_v4()?;
        assert!(socket.bind(any_port("192.0.2.1")).is_err());
        socket.set_freebind(true)?;
        socket.bind(any_port("192.0.2.1"))
    })
}

/// True when there is IPv6 here; some containers have none.
fn has_v6() -> bool {
    std::net::TcpListener::bind("[::1]:0").is_ok()
}

#[test]
fn a_listener_at_the_unspecified_v6_address_serves_both_or_one() -> io::Result<()> {
    if !has_v6() {
        return Ok(());
    }
    run(async {
        for only_v6 in [false, true] {
            let socket = TcpSocket::new_v6()?;
            socket.set_only_v6(only_v6)?;
            assert_eq!(socket.only_v6()?, only_v6);
            socket.set_tos(0x10)?;
            assert_eq!(socket.tos()?, 0x10);
            socket.bind(any_port("[::]"))?;
            let listener = socket.listen(16)?;
            let port = listener.local_addr()?.port();
            TcpStream::connect(("::1", port)).await?;
            assert_eq!(TcpStream::connect(("127.0.0.1", port)).await.is_err(), only_v6);
        }
        assert!(TcpSocket::new_v4()?.set_only_v6(true).is_err());
        Ok(())
    })
}

#[test]
fn sockets_come_from_and_go_to_the_standard_library() -> io::Result<()> {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let socket = TcpSocket::new_v4()?;
        socket.bind(any_port("127.0.0.1"))?;
        let bound = socket.local_addr()?;
        let socket = TcpSocket::from_std_stream(socket.into_std_stream())?;
        assert_eq!(socket.local_addr()?, bound);
        let stream = socket.connect(listener.local_addr()?).await?;
        assert_eq!(stream.local_addr()?, bound);
        let owned = OwnedFd::from(TcpSocket::new_v4()?);
        assert!(SockRef::from(&owned).nonblocking()?);
        Ok(())
    })
}
