//! Batches on Linux: `sendmmsg` and `recvmmsg`, and the kernel's own taking apart (GSO) and joining (GRO) of datagrams.

use super::recv_batch::{PACKETS_MAX, Packet, RecvBatch};
use super::run::Run;
use super::send_batch::SendBatch;
use raddle_runtime::prim::atomic::{AtomicUsize, Ordering::Relaxed};
use socket2::{SockAddr, SockAddrStorage};
use std::ffi::c_int;
use std::io;
use std::mem::{size_of, zeroed};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::ptr;

/// Runs that one call sends at most.
const RUNS_MAX: usize = 64;
/// No segment is longer.
const SEGMENT_MAX: usize = 65_507;
/// A datagram that fits into every packet (an IPv6 packet may have 1,280 bytes): refused, it is not for its length.
const SEGMENT_SURE: usize = 1_280 - 40 - 8;
/// Nobody has asked the kernel yet.
const UNKNOWN: usize = usize::MAX;

/// What is known of a socket.
#[derive(Debug)]
pub(super) struct Offload {
    /// The kernel joins datagrams (`UDP_GRO`).
    joins: bool,
    /// The longest segments that the kernel takes a run apart into (`UDP_SEGMENT`); 0 when it does not at all. A hint:
    /// a refusal lowers it.
    segment_max: AtomicUsize,
}

impl Offload {
    pub(super) fn new(is_joining: bool) -> Self {
        Self { joins: is_joining, segment_max: AtomicUsize::new(UNKNOWN) }
    }

    /// True for a socket that somebody has had joined datagrams.
    pub(super) fn is_joining(socket: &UdpSocket) -> bool {
        option(socket, libc::UDP_GRO).is_ok_and(|on| on != 0)
    }

    pub(super) fn joins(&self) -> bool {
        self.joins
    }

    pub(super) fn join(&mut self, socket: &UdpSocket) -> io::Result<()> {
        let (on, len) = (1, size_of::<c_int>() as libc::socklen_t);
        let value = ptr::from_ref::<c_int>(&on).cast();
        // SAFETY: the value is a `c_int` that lives through the call, and `len` is its length.
        let set = unsafe { libc::setsockopt(socket.as_raw_fd(), libc::SOL_UDP, libc::UDP_GRO, value, len) };
        match checked(set as isize) {
            Err(error) if error.raw_os_error() == Some(libc::ENOPROTOOPT) => {
                Err(io::Error::new(io::ErrorKind::Unsupported, format!("the kernel has no UDP_GRO: {error}")))
            }
            set => set.map(|_| self.joins = true),
        }
    }

    /// A kernel that does not know the option would take the run for one datagram: it has to be asked.
    fn segment_max(&self, socket: &UdpSocket) -> usize {
        match self.segment_max.load(Relaxed) {
            UNKNOWN => {
                let max = if option(socket, libc::UDP_SEGMENT).is_ok() { SEGMENT_MAX } else { 0 };
                self.segment_max.fetch_min(max, Relaxed).min(max)
            }
            known => known,
        }
    }

    /// The kernel has refused to take apart into segments of this length.
    fn refuse(&self, segment: usize) {
        let max = if segment <= SEGMENT_SURE { 0 } else { segment - 1 };
        self.segment_max.fetch_min(max, Relaxed);
    }
}

fn option(socket: &UdpSocket, name: c_int) -> io::Result<c_int> {
    let (mut value, mut len) = (0, size_of::<c_int>() as libc::socklen_t);
    let room = ptr::from_mut::<c_int>(&mut value).cast();
    // SAFETY: the kernel writes at most `len` bytes to the `c_int`.
    let got = unsafe { libc::getsockopt(socket.as_raw_fd(), libc::SOL_UDP, name, room, &mut len) };
    checked(got as isize).map(|_| value)
}

fn checked(result: isize) -> io::Result<usize> {
    usize::try_from(result).map_err(|_| io::Error::last_os_error())
}

fn no_header() -> libc::mmsghdr {
    // SAFETY: all zeros is a value of this type: no pointers, no lengths.
    unsafe { zeroed() }
}

const NO_PART: libc::iovec = libc::iovec { iov_base: ptr::null_mut(), iov_len: 0 };

/// The control message that says how long the segments are, as `CMSG_DATA` lays it out.
#[repr(C)]
#[derive(Clone, Copy)]
struct SegmentControl {
    header: libc::cmsghdr,
    segment: u16,
}

// SAFETY: a computation without arguments that could be wrong.
const SEGMENT_SPACE: usize = unsafe { libc::CMSG_SPACE(size_of::<u16>() as u32) } as usize;
// SAFETY: as above.
const SEGMENT_LEN: usize = unsafe { libc::CMSG_LEN(size_of::<u16>() as u32) } as usize;
const _: () = assert!(size_of::<SegmentControl>() == SEGMENT_SPACE);
const _: () = assert!(std::mem::offset_of!(SegmentControl, segment) + size_of::<u16>() == SEGMENT_LEN);

impl SegmentControl {
    fn new(segment: usize) -> Self {
        // SAFETY: all zeros is a value of this type; some C libraries have padding in it that has no name.
        let mut header: libc::cmsghdr = unsafe { zeroed() };
        header.cmsg_level = libc::SOL_UDP;
        header.cmsg_type = libc::UDP_SEGMENT;
        header.cmsg_len = SEGMENT_LEN as _;
        // A run of two fits into 65,507 bytes.
        Self { header, segment: segment as u16 }
    }
}

/// Sends what one call takes, at least one datagram, and says how many.
pub(super) fn send(socket: &UdpSocket, offload: &Offload, batch: &mut SendBatch) -> io::Result<usize> {
    let segment_max = offload.segment_max(socket);
    let sent = match send_runs(socket, batch, segment_max) {
        Err(error) => send_refused(socket, offload, batch, error)?,
        sent => sent?,
    };
    batch.advance(sent);
    Ok(sent)
}

/// The first run was not sent. Where that may be because of its having to be taken apart, sends its first datagram
/// alone: if that goes, it was.
fn send_refused(
    socket: &UdpSocket,
    offload: &Offload,
    batch: &SendBatch,
    error: io::Error,
) -> io::Result<usize> {
    let first = batch.runs(offload.segment_max(socket)).next();
    let refusals = [libc::EIO, libc::EINVAL, libc::EMSGSIZE];
    match first {
        Some(Run { data, to, segment, datagrams: 2.. })
            if error.raw_os_error().is_some_and(|code| refusals.contains(&code)) =>
        {
            match to {
                Some(to) => socket.send_to(&data[..segment], to)?,
                None => socket.send(&data[..segment])?,
            };
            offload.refuse(segment);
            Ok(1)
        }
        _ => Err(error),
    }
}

/// One call for the first runs of the batch; says how many datagrams were sent.
fn send_runs(socket: &UdpSocket, batch: &mut SendBatch, segment_max: usize) -> io::Result<usize> {
    let mut names = std::mem::take(&mut batch.names);
    names.clear();
    names.extend(batch.runs(segment_max).take(RUNS_MAX).map(|run| run.to.map(SockAddr::from)));
    let mut headers = [no_header(); RUNS_MAX];
    let mut parts = [NO_PART; RUNS_MAX];
    let mut controls = [SegmentControl::new(0); RUNS_MAX];
    for (i, (run, name)) in batch.runs(segment_max).zip(&names).enumerate() {
        parts[i] = libc::iovec { iov_base: run.data.as_ptr().cast_mut().cast(), iov_len: run.data.len() };
        let header = &mut headers[i].msg_hdr;
        header.msg_iov = &mut parts[i];
        header.msg_iovlen = 1;
        if let Some(name) = name {
            header.msg_name = name.as_ptr().cast_mut().cast();
            header.msg_namelen = name.len();
        }
        if run.datagrams > 1 {
            controls[i] = SegmentControl::new(run.segment);
            header.msg_control = ptr::from_mut(&mut controls[i]).cast();
            header.msg_controllen = SEGMENT_SPACE as _;
        }
    }
    let count = names.len() as libc::c_uint;
    // SAFETY: the first `count` headers point to addresses, data and control messages that live through the call, which
    // writes to none of them but for the headers' `msg_len`.
    let sent = unsafe { libc::sendmmsg(socket.as_raw_fd(), headers.as_mut_ptr(), count, 0) };
    let sent = checked(sent as isize);
    batch.names = names;
    Ok(batch.runs(segment_max).take(sent?).map(|run| run.datagrams).sum())
}

/// Room for the control messages of a packet. Other options of the socket may ask for some, too.
const CONTROL_LEN: usize = 256;

/// What `recvmmsg` writes besides data.
pub(super) struct Slot {
    name: SockAddrStorage,
    control: Control,
}

#[repr(C, align(8))]
struct Control([u8; CONTROL_LEN]);

const _: () = assert!(align_of::<Control>() >= align_of::<libc::cmsghdr>());

impl Default for Slot {
    fn default() -> Self {
        Self { name: SockAddrStorage::zeroed(), control: Control([0; CONTROL_LEN]) }
    }
}

/// Receives what is there, at least one packet.
pub(super) fn receive(socket: &UdpSocket, offload: &Offload, batch: &mut RecvBatch) -> io::Result<()> {
    let mut headers = [no_header(); PACKETS_MAX];
    let mut parts = [NO_PART; PACKETS_MAX];
    let mut slots = std::mem::take(&mut batch.slots);
    let places = batch.places(offload.joins);
    let count = places.len() as libc::c_uint;
    for (i, (place, slot)) in places.zip(&mut slots).enumerate() {
        parts[i] = libc::iovec { iov_base: place.as_mut_ptr().cast(), iov_len: place.len() };
        let header = &mut headers[i].msg_hdr;
        header.msg_iov = &mut parts[i];
        header.msg_iovlen = 1;
        header.msg_name = ptr::from_mut(&mut slot.name).cast();
        header.msg_namelen = slot.name.size_of();
        if offload.joins {
            header.msg_control = ptr::from_mut(&mut slot.control).cast();
            header.msg_controllen = CONTROL_LEN as _;
        }
    }
    let no_timeout = ptr::null_mut();
    // SAFETY: the first `count` headers point to room of the stated lengths that nobody else uses during the call.
    let got = unsafe { libc::recvmmsg(socket.as_raw_fd(), headers.as_mut_ptr(), count, 0, no_timeout) };
    let got = checked(got as isize);
    let came = headers.iter_mut().zip(&mut slots).take(*got.as_ref().unwrap_or(&0));
    batch.packets.clear();
    batch.packets.extend(came.map(|(header, slot)| packet(header, slot)));
    batch.slots = slots;
    got.map(drop)
}

/// What `recvmmsg` says about a packet.
fn packet(header: &mut libc::mmsghdr, slot: &mut Slot) -> Packet {
    let len = header.msg_len as usize;
    let name = std::mem::replace(&mut slot.name, SockAddrStorage::zeroed());
    // SAFETY: the storage was all zeros before the kernel wrote the address, which is as long as it says.
    let from = unsafe { SockAddr::new(name, header.msg_hdr.msg_namelen) }.as_socket();
    // Every datagram has a sender; none is as good as this one.
    let from = from.unwrap_or(SocketAddr::from(([0; 4], 0)));
    // The pointer of before is older than `slot`: whoever holds `slot` may take it that nobody else looks at it.
    header.msg_hdr.msg_control = ptr::from_mut(&mut slot.control).cast();
    Packet { len, segment: joined_segment(&header.msg_hdr).unwrap_or(len), from }
}

/// How long the datagrams are that the kernel has joined in this packet. `msg_controllen` bytes of control messages are
/// at `msg_control`.
fn joined_segment(header: &libc::msghdr) -> Option<usize> {
    // SAFETY: looks at the header only. Null when there is no room for a message.
    let mut message = unsafe { libc::CMSG_FIRSTHDR(header) };
    while !message.is_null() {
        // SAFETY: the kernel wrote whole messages, this one among them, to room that is aligned for them.
        let libc::cmsghdr { cmsg_level, cmsg_type, .. } = unsafe { message.read() };
        if (cmsg_level, cmsg_type) == (libc::SOL_UDP, libc::UDP_GRO) {
            // SAFETY: a computation. It is the pointer to the whole room that goes on, not one to the message's head.
            let data = unsafe { libc::CMSG_DATA(message) };
            // SAFETY: `UDP_GRO` brings a `c_int`.
            let segment = unsafe { data.cast::<c_int>().read_unaligned() };
            return usize::try_from(segment).ok().filter(|segment| *segment > 0);
        }
        // SAFETY: the message is one of this header's.
        message = unsafe { libc::CMSG_NXTHDR(header, message) };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;
    use std::time::Duration;

    fn bind() -> (UdpSocket, SocketAddr) {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
        socket.set_read_timeout(Some(Duration::from_secs(10))).expect("an option");
        let addr = socket.local_addr().expect("an address");
        (socket, addr)
    }

    fn equal(datagrams: usize, len: usize, to: SocketAddr) -> SendBatch {
        let mut batch = SendBatch::new();
        (0..datagrams).for_each(|i| batch.push(&vec![i as u8; len], to));
        batch
    }

    /// Has the kernel compute no checksums, without which it refuses to take datagrams apart.
    fn without_checksums(socket: &UdpSocket) {
        let on: c_int = 1;
        let (value, len) = (ptr::from_ref(&on).cast(), size_of::<c_int>() as libc::socklen_t);
        // SAFETY: the value is a `c_int` that lives through the call, and `len` is its length.
        let set =
            unsafe { libc::setsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, libc::SO_NO_CHECK, value, len) };
        assert_eq!(set, 0);
    }

    #[test]
    fn equal_datagrams_to_one_peer_are_one_call() {
        let ((ours, _), (theirs, to)) = (bind(), bind());
        let offload = Offload::new(false);
        let mut batch = equal(100, 100, to);
        assert_eq!(send(&ours, &offload, &mut batch).expect("sent"), 100);
        let mut batch = RecvBatch::new(64, 1_500);
        receive(&theirs, &offload, &mut batch).expect("received");
        assert_eq!(batch.len(), 64);
        assert!(batch.iter().enumerate().all(|(i, (data, _))| data == [i as u8; 100]));
    }

    #[test]
    fn joined_datagrams_come_in_one_packet_each_run_and_are_taken_apart() {
        let ((ours, from), (theirs, to)) = (bind(), bind());
        let mut offload = Offload::new(false);
        offload.join(&theirs).expect("a kernel with UDP_GRO");
        assert!(offload.joins() && Offload::is_joining(&theirs) && !Offload::is_joining(&ours));
        let mut batch = equal(50, 1_000, to);
        batch.push(b"the last is shorter", to);
        assert_eq!(send(&ours, &offload, &mut batch).expect("sent"), 51);
        let mut batch = RecvBatch::new(1, 800);
        receive(&theirs, &offload, &mut batch).expect("received");
        assert_eq!((batch.packets.len(), batch.len()), (1, 51));
        for (i, (data, sender)) in batch.iter().take(50).enumerate() {
            assert_eq!((data, sender), (&[i as u8; 800][..], from));
        }
        assert_eq!(batch.iter().last(), Some((&b"the last is shorter"[..], from)));
    }

    #[test]
    fn a_refusal_to_take_apart_is_remembered_and_costs_no_datagram() {
        let ((ours, _), (theirs, to)) = (bind(), bind());
        without_checksums(&ours);
        let offload = Offload::new(false);
        let mut batch = equal(3, 1_000, to);
        assert_eq!(send(&ours, &offload, &mut batch).expect("sent"), 1);
        assert_eq!(offload.segment_max(&ours), 0);
        assert_eq!(send(&ours, &offload, &mut batch).expect("sent"), 2);
        for i in 0..3 {
            let mut buf = [0; 1_500];
            let len = theirs.recv(&mut buf).expect("a datagram");
            assert_eq!(buf[..len], [i; 1_000]);
        }
    }

    #[test]
    fn a_refusal_of_long_segments_leaves_the_shorter_ones() {
        let ((ours, _), (_theirs, to)) = (bind(), bind());
        without_checksums(&ours);
        let offload = Offload::new(false);
        let mut batch = equal(2, 9_000, to);
        assert_eq!(send(&ours, &offload, &mut batch).expect("sent"), 1);
        assert_eq!(offload.segment_max(&ours), 8_999);
    }

    #[test]
    fn a_bad_receiver_is_no_refusal_to_take_apart() {
        let (ours, _) = bind();
        let offload = Offload::new(false);
        let mut batch = equal(3, 100, ([127, 0, 0, 1], 0).into());
        let error = send(&ours, &offload, &mut batch).expect_err("no port is 0");
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert_eq!((batch.len(), offload.segment_max(&ours)), (3, SEGMENT_MAX));
    }

    #[test]
    fn other_control_messages_do_not_hide_the_segments() {
        let ((ours, _), (theirs, to)) = (bind(), bind());
        let mut offload = Offload::new(false);
        offload.join(&theirs).expect("a kernel with UDP_GRO");
        let socket = socket2::SockRef::from(&theirs);
        socket.set_recv_tos_v4(true).expect("an option");
        let on: c_int = 1;
        let (value, len) = (ptr::from_ref(&on).cast(), size_of::<c_int>() as libc::socklen_t);
        // SAFETY: the value is a `c_int` that lives through the call, and `len` is its length.
        let set = unsafe {
            libc::setsockopt(theirs.as_raw_fd(), libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, value, len)
        };
        assert_eq!(set, 0);
        send(&ours, &offload, &mut equal(7, 10, to)).expect("sent");
        let mut batch = RecvBatch::new(1, 100);
        receive(&theirs, &offload, &mut batch).expect("received");
        assert_eq!(batch.len(), 7);
    }
}
