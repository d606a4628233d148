//! Short TCP connections on loopback: what a server without keep-alive does all day.

use std::io;
use std::time::{Duration, Instant};

use super::Workload;
use crate::peers::Peer;

/// Clients at the same time.
const IN_FLIGHT: u64 = 64;
/// Connections of each client, one after the other, in one repetition.
const CONNECTS: u64 = 16;
/// The request, and the reply.
const SIZE: usize = 64;

/// Each client connects, sends a request, reads the reply up to the end, and closes. The server has a task for each
/// connection and closes first, so that the system keeps its half-dead connections apart from the clients' ports. An
/// operation is one connection, in wall time: 64 are in flight.
pub struct Connect;

impl<P: Peer> Workload<P> for Connect {
    const OPERATIONS: u64 = IN_FLIGHT * CONNECTS;
    const REPETITIONS: u64 = 2;

    fn run(runtime: &P, repetitions: u64) -> Duration {
        runtime.run_inside(connects::<P>(repetitions * CONNECTS)).expect("loopback works")
    }
}

async fn connects<P: Peer>(each: u64) -> io::Result<Duration> {
    let (listener, address) = P::bind().await?;
    let start = Instant::now();
    let server = P::spawn(async move {
        for _ in 0..IN_FLIGHT * each {
            let stream = P::accept(&listener).await?;
            P::spawn_detached(
                async move { serve::<P>(stream).await.expect("the client waits for its reply") },
            );
        }
        io::Result::Ok(())
    });
    let clients: Vec<_> = (0..IN_FLIGHT)
        .map(|_| {
            P::spawn(async move {
                for _ in 0..each {
                    ask::<P>(P::connect(address).await?).await?;
                }
                io::Result::Ok(())
            })
        })
        .collect();
    for client in clients {
        client.await?;
    }
    server.await?;
    Ok(start.elapsed())
}

async fn serve<P: Peer>(mut stream: P::Stream) -> io::Result<()> {
    let mut buffer = [0; SIZE];
    let received = P::read(&mut stream, &mut buffer).await?;
    assert_eq!(received, SIZE, "a request is one segment");
    P::write_all(&mut stream, &buffer).await
}

async fn ask<P: Peer>(mut stream: P::Stream) -> io::Result<()> {
    let mut reply = [0; SIZE + 1];
    P::write_all(&mut stream, &[7; SIZE]).await?;
    let mut received = 0;
    loop {
        match P::read(&mut stream, &mut reply[received..]).await? {
            0 => break,
            length => received += length,
        }
    }
    assert_eq!(reply[..received], [7; SIZE], "a reply is what was sent");
    Ok(())
}
