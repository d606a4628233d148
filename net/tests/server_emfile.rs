//! f36: a server without descriptors, and after that. Alone in its process, because it takes them all.

#[path = "common/calls.rs"]
mod calls;
mod common;
#[path = "common/descriptors.rs"]
mod descriptors;

use calls::{echo, serve};
use common::run;
use descriptors::{limit_descriptors, take_all_descriptors};
use raddle_runtime::runtime::Handle;
use raddle_runtime::time::sleep;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

#[test]
fn f36_a_server_goes_on_when_descriptors_are_free_again() {
    limit_descriptors(128);
    run(async {
        let (server, mut calls) = serve(echo).await;
        let addr = server.sockets()[0];
        // The system connects them without us.
        let mut clients: Vec<_> = (0..4).map(|_| TcpStream::connect(addr).expect("a client")).collect();
        for _ in &clients {
            calls.made().await;
        }
        let mut taken = take_all_descriptors();
        // One for the client, none for the server.
        taken.pop();
        clients.push(TcpStream::connect(addr).expect("a client"));
        while Handle::current().metrics().accept_backoffs() < 3 {
            sleep(Duration::from_millis(5)).await;
        }
        // Those that are served do not notice.
        clients[0].write_all(b"hello").expect("a write");
        assert_eq!(calls.data(5).await, b"hello");
        drop(taken);
        calls.made().await;
        let mut buf = [0; 5];
        clients[4].write_all(b"later").expect("a write");
        clients[4].read_exact(&mut buf).expect("an echo");
        assert_eq!(&buf, b"later");
    });
}
