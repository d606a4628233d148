//! The self-check: the server and all its clients in this process, over loopback.

use crate::audit::Faults;
use crate::client::{self, Findings};
use crate::latencies::Latencies;
use crate::limits;
use crate::report::Report;
use crate::server::{self, Chat, Limits};
use crate::usage::Usage;
use futures_lite::future;
use indicatif::{ProgressBar, ProgressStyle};
use raddle::net::TcpStream;
use raddle::sync::Event;
use raddle::time::sleep;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// How long nothing may move before what has not come counts as lost.
const PATIENCE: Duration = Duration::from_secs(10);

/// How large the check is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) clients: u32,
    pub(crate) rooms: u32,
    /// Lines from each client.
    pub(crate) lines: u32,
}

/// What all clients of the check share. Client `id` is in room `id % rooms`, at place `id / rooms`.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) size: Size,
    /// The clients' addresses, as the server must write them. Set before `go`.
    names: OnceLock<Vec<String>>,
    /// Time stamps count from here.
    pub(crate) clock: Instant,
    pub(crate) joined: AtomicU32,
    pub(crate) all_joined: Event,
    pub(crate) go: Event,
    /// Something failed: everyone stops.
    pub(crate) abort: Event,
    pub(crate) delivered: AtomicU64,
}

impl Plan {
    fn new(size: Size) -> Arc<Self> {
        Arc::new(Self {
            size,
            names: OnceLock::new(),
            clock: Instant::now(),
            joined: AtomicU32::new(0),
            all_joined: Event::new(),
            go: Event::new(),
            abort: Event::new(),
            delivered: AtomicU64::new(0),
        })
    }

    pub(crate) fn room(&self, id: u32) -> u32 {
        id % self.size.rooms
    }

    /// Where in its room a client stands.
    pub(crate) fn place(&self, id: u32) -> usize {
        (id / self.size.rooms) as usize
    }

    /// How many clients are in the room of `id`.
    pub(crate) fn members(&self, id: u32) -> usize {
        let Size { clients, rooms, .. } = self.size;
        ((clients - self.room(id)).div_ceil(rooms)) as usize
    }

    /// True when `addr` is that of client `id`, and `hearer` is in the same room.
    pub(crate) fn is_from(&self, addr: &str, id: u32, hearer: u32) -> bool {
        let name = self.names.get().and_then(|names| names.get(id as usize));
        self.room(id) == self.room(hearer) && name.is_some_and(|name| name == addr)
    }

    /// How many lines are to be delivered in all.
    fn deliveries(&self) -> u64 {
        let each = (0..self.size.clients).map(|id| self.members(id) as u64);
        each.sum::<u64>() * u64::from(self.size.lines)
    }
}

/// Runs the check and prints its report.
pub(crate) async fn run(size: Size, limits: Limits) -> Result<(), String> {
    allow_open_files(size)?;
    let (listener, addr) = server::listen("127.0.0.1:0").await?;
    let chat = Chat::new(limits);
    raddle::spawn(chat.clone().accept(listener)).detach();
    let plan = Plan::new(size);
    let played = future::or(play(&plan, addr), watch(&plan)).await?;
    chat.goodbye().await;
    judge(&plan, &played.findings)?;

    let mut latencies = Latencies::new();
    played.findings.iter().for_each(|found| latencies.add(&found.latencies));
    let end = played.findings.iter().map(|found| found.finished).max().unwrap_or(played.start);
    let elapsed = end - played.start;
    let report = Report { size, delivered: plan.deliveries(), elapsed, latencies, usage: played.usage };
    println!("{report}");
    Ok(())
}

/// What is left of a check that has run.
struct Played {
    start: Instant,
    usage: Usage,
    findings: Vec<Findings>,
}

/// Starts the clients, one after the other; when all are in their rooms lets them talk, until all have left.
async fn play(plan: &Arc<Plan>, addr: SocketAddr) -> Result<Played, String> {
    let mut clients = Vec::new();
    let mut names = Vec::new();
    for id in 0..plan.size.clients {
        let (stream, name) =
            connect(addr).await.map_err(|error| format!("client {id} cannot connect to {addr}: {error}"))?;
        names.push(name.clone());
        clients.push(raddle::spawn(client::play(id, name, stream, plan.clone())));
    }
    plan.names.set(names).expect("nobody else sets the names");
    future::or(plan.all_joined.wait(), plan.abort.wait()).await;
    let (start, before) = (Instant::now(), Usage::now());
    plan.go.set();
    let mut findings = Vec::new();
    for client in clients {
        findings.push(client.await.map_err(|error| format!("a client of the check failed: {error}"))?);
    }
    Ok(Played { start, usage: Usage::now().since(&before), findings })
}

/// A connection, and our address on it.
async fn connect(addr: SocketAddr) -> io::Result<(TcpStream, String)> {
    let stream = TcpStream::connect(addr).await?;
    stream.set_nodelay(true)?;
    let name = stream.local_addr()?.to_string();
    Ok((stream, name))
}

/// Sees to it that both ends of every connection can be open at once.
fn allow_open_files(size: Size) -> Result<(), String> {
    // Some for the runtime and the standard streams.
    let need = u64::from(size.clients) * 2 + 64;
    let allowed = limits::raise_open_files(need)
        .map_err(|error| format!("the limit on open files cannot be raised: {error}"))?;
    if allowed < need {
        return Err(format!(
            "the check needs {need} open files and the system allows {allowed}: \
             raise the limit (ulimit -n, as root) or ask for fewer --clients"
        ));
    }
    Ok(())
}

/// Shows how far the check is, and ends it when nothing moves any more. Never returns.
async fn watch<T>(plan: &Plan) -> T {
    let style = ProgressStyle::with_template("{bar:40} {human_pos} of {human_len} lines delivered");
    let bar = ProgressBar::new(plan.deliveries())
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let mut last = (0, Instant::now());
    loop {
        sleep(Duration::from_millis(100)).await;
        let seen = u64::from(plan.joined.load(Relaxed)) + plan.delivered.load(Relaxed);
        bar.set_position(plan.delivered.load(Relaxed));
        if seen != last.0 {
            last = (seen, Instant::now());
        } else if last.1.elapsed() > PATIENCE {
            plan.abort.set();
        }
    }
}

/// An error that says what went wrong, if anything did.
fn judge(plan: &Plan, findings: &[Findings]) -> Result<(), String> {
    let mut errors = findings.iter().filter_map(|found| found.error.as_deref());
    if let Some(error) = errors.next() {
        return Err(match errors.count() {
            0 => format!("the check failed: {error}"),
            more => format!("the check failed: {error} (and {more} more clients)"),
        });
    }
    let mut sum = Faults::default();
    findings.iter().for_each(|found| sum.add(found.ledger.faults()));
    if sum.total() == 0 {
        return Ok(());
    }
    let Faults { lost, duplicated, misordered, strayed } = sum;
    let mut text = format!(
        "the check failed: of {} deliveries {lost} lost, {duplicated} duplicated, {misordered} out of order, \
         {strayed} strayed or garbled",
        plan.deliveries()
    );
    let is_faulty = |found: &Findings| found.ledger.faults().total() > 0;
    for (id, found) in findings.iter().enumerate().filter(|(_, found)| is_faulty(found)).take(10) {
        text += &format!("\n  client {id}: {:?}", found.ledger.faults());
        if let Some((place, line)) = found.ledger.first_lost() {
            let sender = place as u32 * plan.size.rooms + plan.room(id as u32);
            text += &format!(", first lost: line {line} of client {sender}");
        }
    }
    Err(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Ledger;

    fn plan() -> Arc<Plan> {
        Plan::new(Size { clients: 5, rooms: 2, lines: 3 })
    }

    /// What the clients find when all goes well.
    fn all_well(plan: &Plan) -> Vec<Findings> {
        let finding = |id| {
            let members = plan.members(id);
            let mut ledger = Ledger::new(members, 3);
            (0..members * 3).for_each(|n| ledger.note(n / 3, (n % 3) as u32));
            Findings { ledger, latencies: Latencies::new(), finished: Instant::now(), error: None }
        };
        (0..5).map(finding).collect()
    }

    #[test]
    fn rooms_are_as_large_as_the_clients_in_them() {
        let plan = plan();
        assert_eq!([0, 1, 2, 3, 4].map(|id| plan.members(id)), [3, 2, 3, 2, 3]);
        assert_eq!([0, 1, 2, 3, 4].map(|id| plan.place(id)), [0, 0, 1, 1, 2]);
        assert_eq!(plan.deliveries(), (9 + 4) * 3);
    }

    #[test]
    fn a_check_without_faults_passes() {
        let plan = plan();
        assert_eq!(judge(&plan, &all_well(&plan)), Ok(()));
    }

    #[test]
    fn a_lost_line_is_named() {
        let plan = plan();
        let mut findings = all_well(&plan);
        findings[2].ledger = Ledger::new(3, 3);
        (0..9).filter(|&n| n != 7).for_each(|n| findings[2].ledger.note(n / 3, (n % 3) as u32));
        let text = judge(&plan, &findings).unwrap_err();
        assert!(
            text.starts_with("the check failed: of 39 deliveries 1 lost, 0 duplicated, 0 out of order"),
            "{text}"
        );
        assert!(text.contains("client 2: ") && text.contains("line 1 of client 4"), "{text}");
    }

    #[test]
    fn a_duplicated_line_is_counted() {
        let plan = plan();
        let mut findings = all_well(&plan);
        findings[0].ledger.note(1, 1);
        let text = judge(&plan, &findings).unwrap_err();
        assert!(text.contains("0 lost, 1 duplicated"), "{text}");
    }

    #[test]
    fn what_stopped_a_client_comes_before_what_did_not_come_because_of_it() {
        let plan = plan();
        let mut findings = all_well(&plan);
        findings[1].error = Some("client 1 fell over".to_owned());
        findings[4].error = Some("client 4 fell over".to_owned());
        let text = judge(&plan, &findings).unwrap_err();
        assert_eq!(text, "the check failed: client 1 fell over (and 1 more clients)");
    }
}
