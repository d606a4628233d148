//! Connecting to one of several addresses: happy eyeballs (RFC 8305).

use crate::addr::{Target, resolve};
use crate::error::{Failures, no_answer};
use crate::tcp::{TcpSocket, TcpStream};
use raddle_runtime::time::{Sleep, sleep, timeout};
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

/// How long an attempt has before the next one starts beside it (RFC 8305, section 8).
const HEAD_START: Duration = Duration::from_millis(250);

pub(crate) async fn connect(target: Target) -> io::Result<TcpStream> {
    let addrs = addresses(target).await?;
    match *addrs {
        [addr] => connect_one(addr).await,
        _ => Attempts::new(addrs).first().await,
    }
}

pub(crate) async fn connect_within(target: Target, limit: Duration) -> io::Result<TcpStream> {
    let name = target.name().to_owned();
    let mut attempts = None;
    let connected = timeout(limit, async {
        let addrs = addresses(target).await?;
        attempts.insert(Attempts::new(addrs)).first().await
    });
    match (connected.await, attempts) {
        (Ok(connected), _) => connected,
        (Err(_), Some(attempts)) => Err(attempts.into_no_answer(limit)),
        (Err(_), None) => Err(no_answer("look up", name, limit)),
    }
}

async fn connect_one(addr: SocketAddr) -> io::Result<TcpStream> {
    TcpSocket::for_addr(addr)?.connect(addr).await
}

/// The addresses to try, in this order.
async fn addresses(target: Target) -> io::Result<Vec<SocketAddr>> {
    let is_name = matches!(target, Target::Name(..));
    let addrs = resolve(target).await?;
    Ok(if is_name { interleave(addrs) } else { addrs })
}

/// Has the families take turns: one that leads nowhere must not hold up the other. The resolver's first stays first.
fn interleave(addrs: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let mut order = Vec::with_capacity(addrs.len());
    let first_is_v6 = addrs.first().is_some_and(SocketAddr::is_ipv6);
    let of_first = |addr: &SocketAddr| addr.is_ipv6() == first_is_v6;
    let (mut turn, mut other): (VecDeque<_>, VecDeque<_>) = addrs.into_iter().partition(of_first);
    while let Some(addr) = turn.pop_front() {
        order.push(addr);
        if !other.is_empty() {
            std::mem::swap(&mut turn, &mut other);
        }
    }
    order
}

/// An attempt under way. Dropping it closes its socket.
struct Attempt {
    addr: SocketAddr,
    connecting: Pin<Box<dyn Future<Output = io::Result<TcpStream>> + Send>>,
}

/// The attempts of one `connect`.
struct Attempts {
    to_come: VecDeque<SocketAddr>,
    under_way: Vec<Attempt>,
    failures: Failures,
}

impl Attempts {
    fn new(addrs: Vec<SocketAddr>) -> Self {
        Self { to_come: addrs.into(), under_way: Vec::new(), failures: Failures::new() }
    }

    /// The first connection that stands. The attempts that are still under way are closed with `self`.
    async fn first(&mut self) -> io::Result<TcpStream> {
        let mut head_start = pin!(sleep(HEAD_START));
        poll_fn(|cx| self.poll_first(cx, head_start.as_mut())).await
    }

    fn poll_first(
        &mut self,
        cx: &mut Context<'_>,
        mut head_start: Pin<&mut Sleep>,
    ) -> Poll<io::Result<TcpStream>> {
        loop {
            let before = self.under_way.len();
            if let Some(stream) = self.poll_under_way(cx) {
                return Poll::Ready(Ok(stream));
            }
            let (left, has_failed) = (self.under_way.len(), self.under_way.len() < before);
            if self.to_come.is_empty() && left == 0 {
                let failures = std::mem::replace(&mut self.failures, Failures::new());
                return Poll::Ready(Err(failures.into_error("cannot connect")));
            }
            let may_start = left == 0 || has_failed || head_start.as_mut().poll(cx).is_ready();
            let Some(addr) = self.to_come.pop_front_if(|_| may_start) else { return Poll::Pending };
            self.under_way.push(Attempt { addr, connecting: Box::pin(connect_one(addr)) });
            head_start.set(sleep(HEAD_START));
        }
    }

    /// Looks at each attempt; those that failed are taken out.
    fn poll_under_way(&mut self, cx: &mut Context<'_>) -> Option<TcpStream> {
        let mut connected = None;
        self.under_way.retain_mut(|attempt| {
            if connected.is_some() {
                return true;
            }
            match attempt.connecting.as_mut().poll(cx) {
                Poll::Pending => return true,
                Poll::Ready(Ok(stream)) => connected = Some(stream),
                Poll::Ready(Err(error)) => self.failures.push(error),
            }
            false
        });
        connected
    }

    /// What there is to say when the time is over: of each address what it said, or that it did not.
    fn into_no_answer(mut self, limit: Duration) -> io::Error {
        let silent = self.under_way.iter().map(|attempt| attempt.addr).chain(self.to_come);
        silent.for_each(|addr| self.failures.push(no_answer("connect to", addr, limit)));
        self.failures.into_error("cannot connect")
    }
}

#[cfg(test)]
mod tests {
    use super::interleave;

    #[test]
    fn the_families_take_turns_from_the_resolvers_first_on() {
        let of =
            |texts: &[&str]| texts.iter().map(|text| text.parse().expect("an address")).collect::<Vec<_>>();
        let six = ["[::1]:1", "[::2]:1", "[::3]:1"];
        let four = ["1.0.0.1:1", "1.0.0.2:1"];
        let sorted = of(&[six[0], six[1], six[2], four[0], four[1]]);
        assert_eq!(interleave(sorted), of(&[six[0], four[0], six[1], four[1], six[2]]));
        let sorted = of(&[four[0], six[0], six[1], six[2]]);
        assert_eq!(interleave(sorted), of(&[four[0], six[0], six[1], six[2]]));
        assert_eq!(interleave(of(&four)), of(&four));
        assert!(interleave(Vec::new()).is_empty());
    }
}
