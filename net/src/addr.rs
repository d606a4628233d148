//! What can be given for an address, and how it becomes addresses: literals at once, names through `lookup`.

use crate::lookup;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

/// What `bind`, `connect` and [`lookup_host`](crate::lookup_host) take: a [`SocketAddr`], `"host:port"`,
/// `("host", port)`, an IP address with a port, or a slice of [`SocketAddr`], by value or by reference.
///
/// A literal address costs no look-up and no thread. The trait is sealed.
pub trait ToSocketAddrs: sealed::Resolve {}

impl<T: sealed::Resolve + ?Sized> ToSocketAddrs for T {}

/// What a caller meant.
#[derive(Debug)]
pub enum Target {
    /// These, in this order.
    Addrs(Vec<SocketAddr>),
    /// What the resolver knows of this name.
    Name(String, u16),
    /// The same, but nobody gave a port.
    NameOnly(String),
    /// Nothing that could be an address.
    Invalid(String),
}

impl Target {
    /// What would be looked up; nothing for literals.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Name(name, _) | Self::NameOnly(name) => name,
            Self::Addrs(_) | Self::Invalid(_) => "",
        }
    }
}

mod sealed {
    use super::Target;
    use std::net::SocketAddr;

    /// The hidden half of [`ToSocketAddrs`](super::ToSocketAddrs).
    pub trait Resolve {
        /// What the caller meant.
        fn target(&self) -> Target;

        /// The address, where it is a single one already: [`Resolve::target`] allocates, and a datagram is sent often.
        fn literal(&self) -> Option<SocketAddr> {
            None
        }
    }
}

use sealed::Resolve;

impl<T: Resolve + ?Sized> Resolve for &T {
    fn target(&self) -> Target {
        (**self).target()
    }

    fn literal(&self) -> Option<SocketAddr> {
        (**self).literal()
    }
}

impl Resolve for SocketAddr {
    fn target(&self) -> Target {
        Target::Addrs(vec![*self])
    }

    fn literal(&self) -> Option<SocketAddr> {
        Some(*self)
    }
}

impl Resolve for SocketAddrV4 {
    fn target(&self) -> Target {
        Target::Addrs(vec![(*self).into()])
    }

    fn literal(&self) -> Option<SocketAddr> {
        Some((*self).into())
    }
}

impl Resolve for SocketAddrV6 {
    fn target(&self) -> Target {
        Target::Addrs(vec![(*self).into()])
    }

    fn literal(&self) -> Option<SocketAddr> {
        Some((*self).into())
    }
}

impl Resolve for (IpAddr, u16) {
    fn target(&self) -> Target {
        Target::Addrs(vec![(*self).into()])
    }

    fn literal(&self) -> Option<SocketAddr> {
        Some((*self).into())
    }
}

impl Resolve for (Ipv4Addr, u16) {
    fn target(&self) -> Target {
        Target::Addrs(vec![(*self).into()])
    }

    fn literal(&self) -> Option<SocketAddr> {
        Some((*self).into())
    }
}

impl Resolve for (Ipv6Addr, u16) {
    fn target(&self) -> Target {
        Target::Addrs(vec![(*self).into()])
    }

    fn literal(&self) -> Option<SocketAddr> {
        Some((*self).into())
    }
}

impl Resolve for [SocketAddr] {
    fn target(&self) -> Target {
        Target::Addrs(self.to_vec())
    }
}

impl<const N: usize> Resolve for [SocketAddr; N] {
    fn target(&self) -> Target {
        Target::Addrs(self.to_vec())
    }
}

impl Resolve for Vec<SocketAddr> {
    fn target(&self) -> Target {
        Target::Addrs(self.clone())
    }
}

impl Resolve for (&str, u16) {
    fn target(&self) -> Target {
        let (host, port) = *self;
        let literal = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            Some(v6) => v6.parse().map(IpAddr::V6),
            None => host.parse(),
        };
        match literal {
            Ok(ip) => Target::Addrs(vec![(ip, port).into()]),
            Err(_) if host.is_empty() => Target::Invalid(format!("the host beside port {port} is empty")),
            Err(_) => Target::Name(host.to_owned(), port),
        }
    }
}

impl Resolve for (String, u16) {
    fn target(&self) -> Target {
        (self.0.as_str(), self.1).target()
    }
}

impl Resolve for str {
    fn target(&self) -> Target {
        if let Ok(addr) = self.parse::<SocketAddr>() {
            return Target::Addrs(vec![addr]);
        }
        if self.is_empty() {
            return Target::Invalid("the address is empty".to_owned());
        }
        let Some((host, port)) = self.rsplit_once(':').filter(|(host, _)| !host.contains(':')) else {
            return Target::NameOnly(self.to_owned());
        };
        match port.parse() {
            Ok(_) if host.is_empty() => Target::Invalid(format!("{self:?} has no host before the colon")),
            Ok(port) => Target::Name(host.to_owned(), port),
            Err(_) => Target::Invalid(format!("{port:?} in {self:?} is not a port (0 to 65535)")),
        }
    }
}

impl Resolve for String {
    fn target(&self) -> Target {
        self.as_str().target()
    }
}

fn invalid(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("invalid address: {text}"))
}

/// The addresses of a target that something will be bound or connected to.
pub(crate) async fn resolve(target: Target) -> io::Result<Vec<SocketAddr>> {
    match target {
        Target::Addrs(addrs) => Ok(addrs),
        Target::Name(host, port) => lookup::lookup(host, port).await,
        Target::NameOnly(text) => Err(invalid(&format!("{text:?} has no port; write \"host:port\""))),
        Target::Invalid(text) => Err(invalid(&text)),
    }
}

/// The addresses of a target that someone wants to see: without a port they have port 0.
pub(crate) async fn resolve_any_port(target: Target) -> io::Result<Vec<SocketAddr>> {
    match target {
        Target::NameOnly(text) => resolve((text.as_str(), 0).target()).await,
        target => resolve(target).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addrs(target: &impl Resolve) -> Vec<String> {
        match target.target() {
            Target::Addrs(addrs) => addrs.iter().map(ToString::to_string).collect(),
            other => panic!("{other:?} is not a literal"),
        }
    }

    #[test]
    fn literals_need_no_lookup() {
        assert_eq!(addrs(&"127.0.0.1:80"), ["127.0.0.1:80"]);
        assert_eq!(addrs(&"[::1]:80".to_owned()), ["[::1]:80"]);
        assert_eq!(addrs(&("::1", 80)), ["[::1]:80"]);
        assert_eq!(addrs(&("[::1]", 80)), ["[::1]:80"]);
        assert_eq!(addrs(&(Ipv4Addr::LOCALHOST, 80)), ["127.0.0.1:80"]);
        let two = [SocketAddr::from(([1, 2, 3, 4], 5)), SocketAddr::from(([6, 7, 8, 9], 10))];
        assert_eq!(addrs(&two.as_slice()), ["1.2.3.4:5", "6.7.8.9:10"]);
    }

    #[test]
    fn what_is_no_address_is_told_apart() {
        assert!(matches!("host:80".target(), Target::Name(host, 80) if host == "host"));
        assert!(matches!(("host", 80).target(), Target::Name(..)));
        assert!(matches!("host".target(), Target::NameOnly(_)));
        assert!(matches!("::1".target(), Target::NameOnly(_)));
        assert!(matches!(("", 80).target(), Target::Invalid(_)));
        for host in ["[127.0.0.1]", "[::1", "::1]", "[[::1]]"] {
            assert!(matches!((host, 80).target(), Target::Name(..)), "{host:?}");
        }
        for text in ["", ":80", "host:", "host:65536", "host:http"] {
            assert!(matches!(text.target(), Target::Invalid(_)), "{text:?}");
        }
    }
}
