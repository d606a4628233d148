//! f30: no descriptor is left, however connections end, while their transports are kept. Alone in its process, because
//! it counts them all.

#[path = "common/calls.rs"]
mod calls;
mod common;

use calls::{Call, Calls, connect, serve, stay};
use common::{open_fds, run};
use raddle_net::{Server, Transport};

async fn made(calls: &mut Calls) -> Transport {
    loop {
        if let (transport, Call::Made) = calls.next_of().await {
            return transport;
        }
    }
}

/// Connections that end in every way; their transports.
async fn connections(server: &Server, calls: &mut Calls, count: usize) -> Vec<Transport> {
    let mut kept = Vec::new();
    for n in 0..count {
        let client = connect(server).await;
        let transport = made(calls).await;
        transport.write(vec![7; 1 << 16]);
        match n % 4 {
            0 => transport.close(),
            1 => transport.abort(),
            2 => drop(client),
            _ => client.set_linger(Some(std::time::Duration::ZERO)).expect("an option"),
        }
        transport.close();
        kept.push(transport);
    }
    kept
}

#[test]
fn f30_no_descriptor_is_left_after_many_endings() {
    run(async {
        let (server, mut calls) = serve(stay).await;
        let before = open_fds();
        let kept = connections(&server, &mut calls, 400).await;
        server.close_clients();
        server.close();
        server.wait_closed().await;
        // The listener is gone, too.
        assert_eq!(open_fds(), before - 1);
        assert!(kept.iter().all(|transport| transport.is_closing()));
    });
}
