//! What the program does: it serves, it loads, or both.

use crate::args::{Certificate, Over};
use crate::interrupt::Interrupt;
use crate::load::{self, Outcome, Size};
use crate::report;
use crate::server::{Echo, Place};
use crate::usage::Usage;
use crate::wire::Target;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// For a thousand clients.
const SERVED: u64 = 1000;

/// How it ended, if it did not fail.
#[derive(Debug)]
pub(crate) enum End {
    Done,
    Interrupted,
}

/// Serves others until Ctrl-C.
///
/// # Errors
/// When it cannot listen there.
///
/// # Cancel safety
/// Dropping the future ends the server.
pub(crate) async fn listen(over: Over, addr: String, certificate: Certificate) -> Result<End, String> {
    let interrupt = Interrupt::listen()?;
    if let Err(text) = load::allow_open_files(SERVED) {
        eprintln!("echo: {text}");
    }
    let mut cert = None;
    let server = start(place(over, &addr, &certificate, &mut cert)?).await?;
    let bound = server.addr.map_or_else(|| addr.clone(), |addr| addr.to_string());
    println!(
        "listening on {bound} over {} (try: {}); Ctrl-C ends it",
        over.name(),
        hint(over, &bound, server.addr)
    );
    let (start, before) = (Instant::now(), Usage::now());
    interrupt.wait().await;
    let (elapsed, usage) = (start.elapsed(), Usage::now().since(&before));
    let counts = server.end().await;
    println!("{}", report::of_server(&counts, elapsed, &usage, over == Over::Udp));
    Ok(End::Done)
}

/// Loads a server that runs elsewhere.
///
/// # Errors
/// Says which client failed, and how.
///
/// # Cancel safety
/// Dropping the future ends the load.
pub(crate) async fn connect(
    over: Over,
    addr: String,
    trust: Option<PathBuf>,
    size: Size,
) -> Result<End, String> {
    let interrupt = Interrupt::listen()?;
    load::allow_open_files(size.clients.into())?;
    let root = match trust {
        Some(path) => Some(read(&path)?),
        None => None,
    };
    let target = target(over, addr, root.as_deref())?;
    let outcome = load::run(over.name(), size, target, &interrupt).await;
    conclude(vec![outcome], &interrupt)
}

/// Runs server and clients in this process, over one after the other.
///
/// # Errors
/// Says which client failed, and how.
///
/// # Cancel safety
/// Dropping the future ends the check.
pub(crate) async fn check(over: Vec<Over>, certificate: Certificate, size: Size) -> Result<End, String> {
    let interrupt = Interrupt::listen()?;
    load::allow_open_files(u64::from(size.clients) * 2)?;
    let mut outcomes: Vec<Outcome> = Vec::new();
    for over in over {
        let outcome = check_one(over, &certificate, size, &interrupt).await?;
        let is_over = outcome.fault.is_some() || interrupt.came();
        outcomes.push(outcome);
        if is_over {
            break;
        }
    }
    if !cfg!(feature = "tls") {
        println!("tls is left out: cargo run --features tls --example echo");
    }
    conclude(outcomes, &interrupt)
}

async fn check_one(
    over: Over,
    certificate: &Certificate,
    size: Size,
    interrupt: &Interrupt,
) -> Result<Outcome, String> {
    let path = std::env::temp_dir().join(format!("raddle-echo-{}", std::process::id()));
    let addr = if over == Over::Unix { path.display().to_string() } else { "127.0.0.1:0".to_owned() };
    let mut cert = None;
    let server = start(place(over, &addr, certificate, &mut cert)?).await?;
    let bound = server.addr.map_or(addr, |addr| addr.to_string());
    let target = target(over, bound, cert.as_deref().map(str::as_bytes))?;
    let outcome = load::run(over.name(), size, target, interrupt).await;
    server.end().await;
    Ok(outcome)
}

async fn start(place: Place) -> Result<Echo, String> {
    Echo::start(place).await.map_err(|error| format!("cannot listen: {error}"))
}

/// Prints the table; what failed is the error.
fn conclude(mut outcomes: Vec<Outcome>, interrupt: &Interrupt) -> Result<End, String> {
    if outcomes.iter().any(|outcome| outcome.echoed > 0) {
        println!("{}", report::of_loads(&outcomes));
    }
    match outcomes.iter_mut().find_map(|outcome| outcome.fault.take()) {
        Some(fault) => Err(fault),
        None if interrupt.came() => Ok(End::Interrupted),
        None => Ok(End::Done),
    }
}

/// Where the server is to listen. A certificate for development that was made for it goes to `cert`.
fn place(
    over: Over,
    addr: &str,
    certificate: &Certificate,
    cert: &mut Option<String>,
) -> Result<Place, String> {
    let addr = addr.to_owned();
    match over {
        Over::Tcp => Ok(Place::Tcp(addr)),
        Over::Udp => Ok(Place::Udp(addr)),
        Over::Unix => Ok(Place::Unix(addr)),
        #[cfg(feature = "tls")]
        Over::Tls => {
            let acceptor = match certificate {
                Certificate::Files { cert, key } => {
                    crate::tls::from_files(cert, key).map_err(|error| error.to_string())?
                }
                Certificate::Development { write_to } => {
                    let (pem, acceptor) =
                        crate::tls::development(&addr).map_err(|error| error.to_string())?;
                    if let Some(path) = write_to {
                        write(path, &pem)?;
                    }
                    *cert = Some(pem);
                    acceptor
                }
            };
            Ok(Place::Tls(addr, acceptor))
        }
    }
}

fn target(over: Over, addr: String, root: Option<&[u8]>) -> Result<Target, String> {
    match over {
        Over::Tcp => Ok(Target::Tcp(addr)),
        Over::Udp => Ok(Target::Udp(addr)),
        Over::Unix => Ok(Target::Unix(addr)),
        #[cfg(feature = "tls")]
        Over::Tls => crate::tls::Target::new(addr, root).map(Target::Tls).map_err(|error| error.to_string()),
    }
}

/// How someone else connects.
fn hint(over: Over, bound: &str, addr: Option<SocketAddr>) -> String {
    let nc =
        |flags: &str| addr.map_or(String::new(), |addr| format!("nc {flags}{} {}", addr.ip(), addr.port()));
    match over {
        Over::Tcp => nc(""),
        Over::Udp => nc("-u "),
        Over::Unix => format!("socat - UNIX-CONNECT:{bound}"),
        #[cfg(feature = "tls")]
        Over::Tls => format!("openssl s_client -quiet -connect {bound}"),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

#[cfg(feature = "tls")]
fn write(path: &Path, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))
}
