//! The options of a [`UdpSocket`].

use super::socket::UdpSocket;
use crate::error::at;
#[cfg(any(target_os = "linux", target_os = "android"))]
use crate::socket::device;
use socket2::SockRef;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Broadcast, buffers, and what every packet carries.
impl UdpSocket {
    /// Whether datagrams may be sent to a broadcast address (`SO_BROADCAST`).
    ///
    /// # Errors
    /// When the system refuses.
    pub fn broadcast(&self) -> io::Result<bool> {
        self.io.broadcast()
    }

    /// Sets whether datagrams may be sent to a broadcast address (`SO_BROADCAST`).
    ///
    /// # Errors
    /// When the system refuses.
    pub fn set_broadcast(&self, on: bool) -> io::Result<()> {
        self.io.set_broadcast(on)
    }

    /// The time to live (hops) of IPv4 packets to one receiver.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn ttl(&self) -> io::Result<u32> {
        self.io.ttl()
    }

    /// Sets the time to live (hops) of IPv4 packets to one receiver.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.io.set_ttl(ttl)
    }

    /// The type of service of IPv4 packets (`IP_TOS`): six bits of DSCP, two of ECN.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn tos_v4(&self) -> io::Result<u32> {
        SockRef::from(&self.io).tos_v4()
    }

    /// Sets the type of service of IPv4 packets (`IP_TOS`): six bits of DSCP, two of ECN.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn set_tos_v4(&self, tos: u32) -> io::Result<()> {
        SockRef::from(&self.io).set_tos_v4(tos)
    }

    /// The traffic class of IPv6 packets (`IPV6_TCLASS`).
    ///
    /// # Errors
    /// When the system refuses.
    pub fn tclass_v6(&self) -> io::Result<u32> {
        SockRef::from(&self.io).tclass_v6()
    }

    /// Sets the traffic class of IPv6 packets (`IPV6_TCLASS`).
    ///
    /// # Errors
    /// When the system refuses.
    pub fn set_tclass_v6(&self, tclass: u32) -> io::Result<()> {
        SockRef::from(&self.io).set_tclass_v6(tclass)
    }

    /// The size of the send buffer in bytes, as the system counts it.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn send_buffer_size(&self) -> io::Result<usize> {
        SockRef::from(&self.io).send_buffer_size()
    }

    /// Asks for a send buffer of that many bytes.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn set_send_buffer_size(&self, bytes: usize) -> io::Result<()> {
        SockRef::from(&self.io).set_send_buffer_size(bytes)
    }

    /// The size of the receive buffer in bytes, as the system counts it. Datagrams that do not fit are lost.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn recv_buffer_size(&self) -> io::Result<usize> {
        SockRef::from(&self.io).recv_buffer_size()
    }

    /// Asks for a receive buffer of that many bytes.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn set_recv_buffer_size(&self, bytes: usize) -> io::Result<()> {
        SockRef::from(&self.io).set_recv_buffer_size(bytes)
    }

    /// The network interface the socket is bound to, such as `"eth0"` (`SO_BINDTODEVICE`).
    ///
    /// # Errors
    /// When the system refuses.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub fn device(&self) -> io::Result<Option<String>> {
        device::device((&self.io).into())
    }

    /// Has the socket send and receive through one network interface only, such as `"eth0"` (`SO_BINDTODEVICE`);
    /// `None` ends that.
    ///
    /// # Errors
    /// Names the interface, when there is none of that name or the process may not.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub fn bind_device(&self, interface: Option<&str>) -> io::Result<()> {
        device::bind_device((&self.io).into(), interface)
    }

    /// The error that the socket keeps, if any, and forgets it.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.io.take_error()
    }
}

/// Multicast.
impl UdpSocket {
    /// Joins an IPv4 group at the interface with this address; `0.0.0.0` leaves the choice to the system.
    ///
    /// # Errors
    /// Names the group and the interface, when the system refuses.
    pub fn join_multicast_v4(&self, multiaddr: Ipv4Addr, interface: Ipv4Addr) -> io::Result<()> {
        let named =
            |error| at("join", format_args!("the group {multiaddr} at the interface {interface}"), &error);
        self.io.join_multicast_v4(&multiaddr, &interface).map_err(named)
    }

    /// Leaves an IPv4 group.
    ///
    /// # Errors
    /// Names the group and the interface, when the system refuses.
    pub fn leave_multicast_v4(&self, multiaddr: Ipv4Addr, interface: Ipv4Addr) -> io::Result<()> {
        let named =
            |error| at("leave", format_args!("the group {multiaddr} at the interface {interface}"), &error);
        self.io.leave_multicast_v4(&multiaddr, &interface).map_err(named)
    }

    /// Joins an IPv6 group at the interface of this index; 0 leaves the choice to the system.
    ///
    /// # Errors
    /// Names the group and the interface, when the system refuses.
    pub fn join_multicast_v6(&self, multiaddr: &Ipv6Addr, interface: u32) -> io::Result<()> {
        let named =
            |error| at("join", format_args!("the group {multiaddr} at the interface {interface}"), &error);
        self.io.join_multicast_v6(multiaddr, interface).map_err(named)
    }

    /// Leaves an IPv6 group.
    ///
    /// # Errors
    /// Names the group and the interface, when the system refuses.
    pub fn leave_multicast_v6(&self, multiaddr: &Ipv6Addr, interface: u32) -> io::Result<()> {
        let named =
            |error| at("leave", format_args!("the group {multiaddr} at the interface {interface}"), &error);
        self.io.leave_multicast_v6(multiaddr, interface).map_err(named)
    }

    /// Whether this machine receives what the socket sends to IPv4 groups.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn multicast_loop_v4(&self) -> io::Result<bool> {
        self.io.multicast_loop_v4()
    }

    /// Sets whether this machine receives what the socket sends to IPv4 groups.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn set_multicast_loop_v4(&self, on: bool) -> io::Result<()> {
        self.io.set_multicast_loop_v4(on)
    }

    /// Whether this machine receives what the socket sends to IPv6 groups.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn multicast_loop_v6(&self) -> io::Result<bool> {
        self.io.multicast_loop_v6()
    }

    /// Sets whether this machine receives what the socket sends to IPv6 groups.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn set_multicast_loop_v6(&self, on: bool) -> io::Result<()> {
        self.io.set_multicast_loop_v6(on)
    }

    /// The time to live (hops) of packets to IPv4 groups; 1 unless set: this network only.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn multicast_ttl_v4(&self) -> io::Result<u32> {
        self.io.multicast_ttl_v4()
    }

    /// Sets the time to live (hops) of packets to IPv4 groups.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn set_multicast_ttl_v4(&self, ttl: u32) -> io::Result<()> {
        self.io.set_multicast_ttl_v4(ttl)
    }

    /// The hops of packets to IPv6 groups; 1 unless set: this network only.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn multicast_hops_v6(&self) -> io::Result<u32> {
        SockRef::from(&self.io).multicast_hops_v6()
    }

    /// Sets the hops of packets to IPv6 groups.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn set_multicast_hops_v6(&self, hops: u32) -> io::Result<()> {
        SockRef::from(&self.io).set_multicast_hops_v6(hops)
    }

    /// The address of the interface that packets to IPv4 groups leave by; `0.0.0.0` is the choice of the system.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn multicast_if_v4(&self) -> io::Result<Ipv4Addr> {
        SockRef::from(&self.io).multicast_if_v4()
    }

    /// Sets by its address the interface that packets to IPv4 groups leave by.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn set_multicast_if_v4(&self, interface: Ipv4Addr) -> io::Result<()> {
        SockRef::from(&self.io).set_multicast_if_v4(&interface)
    }

    /// The index of the interface that packets to IPv6 groups leave by; 0 is the choice of the system.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn multicast_if_v6(&self) -> io::Result<u32> {
        SockRef::from(&self.io).multicast_if_v6()
    }

    /// Sets by its index the interface that packets to IPv6 groups leave by.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn set_multicast_if_v6(&self, interface: u32) -> io::Result<()> {
        SockRef::from(&self.io).set_multicast_if_v6(interface)
    }
}
