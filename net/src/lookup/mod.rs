//! Names to addresses, by the system's resolver.

mod pool;
#[cfg(test)]
mod tests;

use crate::addr::{ToSocketAddrs, resolve_any_port};
use crate::error::no_answer;
use raddle_runtime::time::timeout;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

pub(crate) use pool::lookup;

/// Asks the system's resolver for the addresses of a name, such as `"example.org:443"`, `("example.org", 443)`, or
/// `"example.org"` (the addresses then have port 0). Literal addresses come back as they are.
///
/// The resolver blocks, sometimes for half a minute, and cannot be interrupted. It runs on a few threads of its own,
/// which nobody joins: neither the blocking pool nor the end of the runtime waits for a name server. What several tasks
/// ask at a time is one question to the resolver, and each gets all of the answer. No answer is kept: that is the
/// resolver's business.
///
/// # Errors
/// When the name has no address, or the resolver fails: the error names the host.
///
/// # Cancel safety
/// Dropping the future gives the answer up. A question that everybody has given up before a thread took it up is not
/// asked; a thread that is already asking goes on until the resolver answers.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// # raddle_runtime::runtime::Builder::new().worker_threads(1).build()?.block_on(async {
/// let mut addrs = raddle_net::lookup_host("localhost:80").await?;
/// assert!(addrs.all(|addr| addr.ip().is_loopback() && addr.port() == 80));
/// # Ok(())
/// # })
/// # }
/// ```
pub async fn lookup_host(host: impl ToSocketAddrs) -> io::Result<impl Iterator<Item = SocketAddr>> {
    Ok(resolve_any_port(host.target()).await?.into_iter())
}

/// As [`lookup_host`], for at most `limit`. `time::timeout` around `lookup_host` does the same, but its error does not
/// say whose look-up it was.
///
/// # Errors
/// As for [`lookup_host`], and `TimedOut` when the time is over: it names the host and the time.
///
/// # Cancel safety
/// As for [`lookup_host`]; the end of the time, too, gives the answer up, for this asker alone.
pub async fn lookup_host_timeout(
    host: impl ToSocketAddrs,
    limit: Duration,
) -> io::Result<impl Iterator<Item = SocketAddr>> {
    let target = host.target();
    let name = target.name().to_owned();
    match timeout(limit, resolve_any_port(target)).await {
        Ok(resolved) => Ok(resolved?.into_iter()),
        Err(_) => Err(no_answer("look up", name, limit)),
    }
}
