//! Batches on systems that move one datagram per call.

use super::recv_batch::{Packet, RecvBatch};
use super::send_batch::SendBatch;
use std::io;
use std::net::UdpSocket;

/// Nothing is known of a socket.
#[derive(Debug)]
pub(super) struct Offload;

impl Offload {
    pub(super) fn new(_is_joining: bool) -> Self {
        Self
    }

    pub(super) fn is_joining(_socket: &UdpSocket) -> bool {
        false
    }

    pub(super) fn joins(&self) -> bool {
        false
    }

    pub(super) fn join(&mut self, _socket: &UdpSocket) -> io::Result<()> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "this system joins no datagrams"))
    }
}

/// Sends the next datagram.
pub(super) fn send(socket: &UdpSocket, _offload: &Offload, batch: &mut SendBatch) -> io::Result<usize> {
    let Some((data, to)) = batch.iter().next() else { return Ok(0) };
    match to {
        Some(to) => socket.send_to(data, to)?,
        None => socket.send(data)?,
    };
    batch.advance(1);
    Ok(1)
}

/// Receives one datagram: an error behind it could not be told together with it, and would be lost.
pub(super) fn receive(socket: &UdpSocket, _offload: &Offload, batch: &mut RecvBatch) -> io::Result<()> {
    let Some(place) = batch.places(false).next() else { return Ok(()) };
    let (len, from) = socket.recv_from(place)?;
    batch.packets.push(Packet { len, segment: len, from });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn datagrams_go_and_come_one_by_one() {
        let bind = || UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
        let (ours, theirs) = (bind(), bind());
        let mut offload = Offload::new(Offload::is_joining(&ours));
        assert_eq!(offload.join(&ours).expect_err("not here").kind(), io::ErrorKind::Unsupported);
        assert!(!offload.joins());

        let mut batch = SendBatch::new();
        batch.push(b"first", theirs.local_addr().expect("an address"));
        batch.push(b"second", None);
        assert_eq!(send(&ours, &offload, &mut batch).expect("sent"), 1);
        send(&ours, &offload, &mut batch).expect_err("not connected");
        assert_eq!(batch.len(), 1);
        ours.connect(theirs.local_addr().expect("an address")).expect("connected");
        assert_eq!(send(&ours, &offload, &mut batch).expect("sent"), 1);
        assert_eq!(send(&ours, &offload, &mut batch).expect("nothing to send"), 0);

        let from = ours.local_addr().expect("an address");
        let mut batch = RecvBatch::new(8, 5);
        receive(&theirs, &offload, &mut batch).expect("received");
        assert_eq!(batch.iter().collect::<Vec<_>>(), [(&b"first"[..], from)]);
        batch.packets.clear();
        receive(&theirs, &offload, &mut batch).expect("received");
        assert_eq!(batch.iter().collect::<Vec<_>>(), [(&b"secon"[..], from)]);
    }
}
