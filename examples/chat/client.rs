//! A client of the self-check: joins its room, sends its lines one by one, each when the one before it has come back,
//! and checks all that comes.

use crate::audit::{Ledger, Sent};
use crate::check::Plan;
use crate::latencies::Latencies;
use crate::lines::{Line, Lines};
use futures_lite::{AsyncReadExt, AsyncWriteExt, future};
use raddle::net::TcpStream;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

/// What a client has to tell at the end.
#[derive(Debug)]
pub(crate) struct Findings {
    pub(crate) ledger: Ledger,
    pub(crate) latencies: Latencies,
    /// When its last line came.
    pub(crate) finished: Instant,
    /// Why it could not go on.
    pub(crate) error: Option<String>,
}

/// Plays client `id`, whose address is `name`.
pub(crate) async fn play(id: u32, name: String, stream: TcpStream, plan: Arc<Plan>) -> Findings {
    let mut client = Client {
        id,
        next: 0,
        stream,
        lines: Lines::new(usize::MAX - 1),
        chunk: vec![0; 16 * 1024],
        findings: Findings {
            ledger: Ledger::new(plan.members(id), plan.size.lines),
            latencies: Latencies::new(),
            finished: Instant::now(),
            error: None,
        },
    };
    let played = async {
        client.join(&name, &plan).await?;
        client.talk(&plan).await?;
        client.quit(&plan).await
    };
    let aborted = async {
        plan.abort.wait().await;
        Ok(())
    };
    if let Err(error) = future::or(played, aborted).await {
        let ledger = &client.findings.ledger;
        let text = format!("client {id} after {} of {} lines: {error}", ledger.came(), ledger.expected());
        client.findings.error = Some(text);
        plan.abort.set();
    }
    client.findings
}

struct Client {
    id: u32,
    /// The number of the next line to send.
    next: u32,
    stream: TcpStream,
    lines: Lines,
    chunk: Vec<u8>,
    findings: Findings,
}

impl Client {
    /// Enters its room and waits until everyone has.
    async fn join(&mut self, name: &str, plan: &Plan) -> io::Result<()> {
        let room = plan.room(self.id);
        self.stream.write_all(format!("/join r{room}\n").as_bytes()).await?;
        let joined = format!("* {name} joined r{room}");
        'joining: loop {
            self.read().await?;
            while let Some(line) = self.lines.next() {
                if line == Line::Text(&joined) {
                    break 'joining;
                }
            }
        }
        if plan.joined.fetch_add(1, Relaxed) + 1 == plan.size.clients {
            plan.all_joined.set();
        }
        plan.go.wait().await;
        Ok(())
    }

    /// Sends its lines and hears everyone's.
    async fn talk(&mut self, plan: &Plan) -> io::Result<()> {
        self.send(plan).await?;
        while !self.findings.ledger.is_complete() {
            self.read().await?;
            if self.hear(plan)? && self.next < plan.size.lines {
                self.send(plan).await?;
            }
        }
        self.findings.finished = Instant::now();
        Ok(())
    }

    /// Leaves, and hears what still comes: there should be no more lines.
    async fn quit(&mut self, plan: &Plan) -> io::Result<()> {
        self.stream.write_all(b"/quit\n").await?;
        loop {
            match self.read().await {
                Ok(()) => self.hear(plan)?,
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
                Err(error) => return Err(error),
            };
        }
    }

    async fn send(&mut self, plan: &Plan) -> io::Result<()> {
        let at_ns = plan.clock.elapsed().as_nanos() as u64;
        let line = Sent { client: self.id, number: self.next, at_ns }.text();
        self.next += 1;
        self.stream.write_all(line.as_bytes()).await
    }

    async fn read(&mut self) -> io::Result<()> {
        let n = self.stream.read(&mut self.chunk).await?;
        if n == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed the connection"));
        }
        self.lines.feed(&self.chunk[..n]);
        Ok(())
    }

    /// Checks the lines that were read; true when its own latest was among them. What the server complains about is an
    /// error.
    fn hear(&mut self, plan: &Plan) -> io::Result<bool> {
        let now_ns = plan.clock.elapsed().as_nanos() as u64;
        let mut heard = 0;
        let mut heard_self = false;
        while let Some(line) = self.lines.next() {
            let findings = &mut self.findings;
            match line {
                Line::Text(text) if text.starts_with("* ") => {}
                Line::Text(text) if text.starts_with("! ") => return Err(io::Error::other(text)),
                Line::Text(text) => match Sent::parse(text) {
                    Some((addr, sent)) if plan.is_from(addr, sent.client, self.id) => {
                        findings.ledger.note(plan.place(sent.client), sent.number);
                        findings.latencies.note(now_ns.saturating_sub(sent.at_ns));
                        heard_self |= sent.client == self.id && sent.number + 1 == self.next;
                        heard += 1;
                    }
                    _ => findings.ledger.note_stray(),
                },
                Line::TooLong | Line::NotUtf8 => findings.ledger.note_stray(),
            }
        }
        plan.delivered.fetch_add(heard, Relaxed);
        Ok(heard_self)
    }
}
