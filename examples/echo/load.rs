//! The load: clients that send messages, one at a time each, and check what comes back.

use crate::interrupt::Interrupt;
use crate::latencies::Latencies;
use crate::limits;
use crate::message::Message;
use crate::usage::Usage;
use crate::wire::{Target, Wire};
use futures_lite::future;
use indicatif::{ProgressBar, ProgressStyle};
use raddle::sync::Event;
use raddle::time::sleep;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// How long nothing may move before what has not come counts as lost.
const PATIENCE: Duration = Duration::from_secs(10);

/// How large the load is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) clients: u32,
    /// Messages of each client.
    pub(crate) messages: u64,
    /// Bytes of each message.
    pub(crate) bytes: usize,
}

impl Size {
    pub(crate) fn total(self) -> u64 {
        u64::from(self.clients) * self.messages
    }
}

/// What came of a load.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Over what it went.
    pub(crate) over: &'static str,
    pub(crate) size: Size,
    /// Messages that came back, whole and right.
    pub(crate) echoed: u64,
    /// Datagrams that were sent more than once.
    pub(crate) sent_again: u64,
    pub(crate) elapsed: Duration,
    pub(crate) latencies: Latencies,
    pub(crate) usage: Usage,
    /// Why it did not come to its end; an interrupt is no fault.
    pub(crate) fault: Option<String>,
}

/// What the clients share.
struct Plan {
    size: Size,
    target: Target,
    connected: AtomicU32,
    all_connected: Event,
    go: Event,
    /// Everyone stops: something failed, or the user wants it.
    stop: Event,
    is_stalled: AtomicBool,
    echoed: AtomicU64,
}

/// What one client has to tell.
struct Findings {
    latencies: Latencies,
    sent_again: u64,
    error: Option<String>,
}

/// Sees to it that `sockets` can be open at once, and what the process needs besides.
///
/// # Errors
/// When the system does not allow it.
pub(crate) fn allow_open_files(sockets: u64) -> Result<(), String> {
    let need = sockets + 64;
    let allowed = limits::raise_open_files(need)
        .map_err(|error| format!("the limit on open files cannot be raised: {error}"))?;
    if allowed >= need {
        return Ok(());
    }
    Err(format!(
        "{need} open files are needed and the system allows {allowed}: \
         raise the limit (ulimit -n, as root) or ask for fewer --clients"
    ))
}

/// Loads the server at `target` until all messages have come back, something fails, or the user interrupts.
pub(crate) async fn run(over: &'static str, size: Size, target: Target, interrupt: &Interrupt) -> Outcome {
    let plan = Arc::new(Plan {
        size,
        target,
        connected: AtomicU32::new(0),
        all_connected: Event::new(),
        go: Event::new(),
        stop: Event::new(),
        is_stalled: AtomicBool::new(false),
        echoed: AtomicU64::new(0),
    });
    let interrupted = async {
        interrupt.wait().await;
        plan.stop.set();
        future::pending().await
    };
    let watching = future::or(interrupted, watch(over, &plan));
    let (elapsed, usage, findings) = future::or(play(&plan), watching).await;

    let mut latencies = Latencies::new();
    findings.iter().for_each(|found| latencies.add(&found.latencies));
    let sent_again = findings.iter().map(|found| found.sent_again).sum();
    let echoed = plan.echoed.load(Relaxed);
    let fault = plan.fault(&findings).map(|fault| format!("{over}: {fault}"));
    Outcome { over, size, echoed, sent_again, elapsed, latencies, usage, fault }
}

/// Starts the clients; when all are connected lets them go, and waits until all are done.
async fn play(plan: &Arc<Plan>) -> (Duration, Usage, Vec<Findings>) {
    let clients: Vec<_> = (0..plan.size.clients).map(|id| raddle::spawn(client(id, plan.clone()))).collect();
    future::or(plan.all_connected.wait(), plan.stop.wait()).await;
    let (start, before) = (Instant::now(), Usage::now());
    plan.go.set();
    let mut findings = Vec::new();
    for (id, client) in clients.into_iter().enumerate() {
        findings.push(client.await.unwrap_or_else(|error| Findings {
            latencies: Latencies::new(),
            sent_again: 0,
            error: Some(format!("client {id}: {error}")),
        }));
    }
    (start.elapsed(), Usage::now().since(&before), findings)
}

/// Shows how far the load is, and ends it when nothing moves any more. Never returns.
async fn watch<T>(over: &'static str, plan: &Plan) -> T {
    let style =
        ProgressStyle::with_template("{prefix} {bar:40} {human_pos} of {human_len} messages came back");
    let bar = ProgressBar::new(plan.size.total())
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        .with_prefix(over);
    let mut last = (0, Instant::now());
    loop {
        sleep(Duration::from_millis(100)).await;
        let echoed = plan.echoed.load(Relaxed);
        bar.set_position(echoed);
        let seen = echoed + u64::from(plan.connected.load(Relaxed));
        if seen != last.0 {
            last = (seen, Instant::now());
        } else if last.1.elapsed() > PATIENCE {
            plan.is_stalled.store(true, Relaxed);
            plan.stop.set();
        }
    }
}

/// One client: connects, sends its messages and checks them, closes.
async fn client(id: u32, plan: Arc<Plan>) -> Findings {
    let mut findings = Findings { latencies: Latencies::new(), sent_again: 0, error: None };
    let mut message = Message::first(id, plan.size.bytes);
    let talk = async {
        let mut wire = Wire::connect(&plan.target).await?;
        if plan.connected.fetch_add(1, Relaxed) + 1 == plan.size.clients {
            plan.all_connected.set();
        }
        plan.go.wait().await;
        let mut buf = vec![0; message.bytes().len() + 1];
        while message.number() < plan.size.messages {
            let sent = Instant::now();
            let sends = wire.exchange(&message, &mut buf).await?;
            findings.latencies.note(sent.elapsed().as_nanos() as u64);
            findings.sent_again += u64::from(sends - 1);
            plan.echoed.fetch_add(1, Relaxed);
            message.advance();
        }
        wire.close().await
    };
    let stopped = async {
        plan.stop.wait().await;
        io::Result::Ok(())
    };
    let talked = future::or(talk, stopped).await;
    if let Err(error) = talked {
        findings.error =
            Some(format!("client {id} of {}, message {}: {error}", plan.target, message.number()));
        plan.stop.set();
    }
    findings
}

impl Plan {
    /// What went wrong, if anything did.
    fn fault(&self, findings: &[Findings]) -> Option<String> {
        let mut errors = findings.iter().filter_map(|found| found.error.as_deref());
        if let Some(first) = errors.next() {
            return Some(match errors.count() {
                0 => first.to_owned(),
                more => format!("{first} (and {more} more clients)"),
            });
        }
        self.is_stalled.load(Relaxed).then(|| {
            let (echoed, total) = (self.echoed.load(Relaxed), self.size.total());
            format!("nothing came from {} for {PATIENCE:?}, after {echoed} of {total} messages", self.target)
        })
    }
}
