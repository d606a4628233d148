//! One client's connection: a task that reads its lines and one that writes what it is sent.

use crate::lines::{Line, Lines};
use crate::room::{Member, Room};
use crate::server::Chat;
use futures_lite::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, future};
use raddle::net::TcpStream;
use raddle::time::timeout;
use std::io;
use std::ops::ControlFlow::{self, Break, Continue};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

/// Lines that arrive together go to the room together, in pieces of about this size; between two pieces the writers
/// get a turn, so that a flood of short lines does not overflow those who do read.
pub(crate) const CHUNK: usize = 4096;
/// How long a client that is done has to read what it was sent, and close.
const LINGER: Duration = Duration::from_secs(1);
const LOBBY: &str = "lobby";
const ROOM_NAME_MAX: usize = 32;
/// How many names `/who` lists.
const WHO_MAX: usize = 50;
const HELP: &str = "every line you send goes to your room; commands: /join ROOM, /who, /quit";

/// Why a conversation ended.
#[derive(Debug)]
enum Parting {
    /// It closed its side, or said `/quit`.
    Left,
    /// The connection broke.
    Broke(io::Error),
    /// We ended it: it did not read, or the server ends.
    Dismissed,
}

/// Talks with one client until it goes, or is to go.
pub(crate) async fn converse(stream: TcpStream, member: &Arc<Member>, chat: &Chat) {
    let (mut reader, writer) = stream.into_split();
    let mut writing = raddle::spawn(write_all(writer, member.clone()));
    member.send(format!("* welcome, {}: {HELP}\n", member.name).as_bytes());
    let room = chat.rooms.join(LOBBY, member);
    let mut talk = Talk { chat, member, room, said: Vec::new() };
    let parting = talk.listen(&mut reader).await;
    chat.rooms.leave(&talk.room, member, talk.describe(&parting).as_deref());

    member.outbox.finish();
    let closing = async {
        // It has nothing to tell but that it is over.
        let _ = (&mut writing).await;
        if !member.outbox.is_cut() {
            drain(&mut reader).await;
        }
    };
    // A client that does not read or close in time is not waited for.
    if timeout(LINGER, closing).await.is_err() {
        writing.cancel();
    }
}

/// Reads and forgets what still comes: to close a socket with unread bytes would reset the connection, and with it
/// throw away what the client has not read yet.
async fn drain(reader: &mut (impl AsyncRead + Unpin)) {
    let mut chunk = [0; 512];
    while matches!(reader.read(&mut chunk).await, Ok(n) if n > 0) {}
}

/// Writes what the member's outbox gets, until it is finished or cut; then closes our side.
async fn write_all(mut writer: impl AsyncWrite + Unpin, member: Arc<Member>) {
    let mut lines = Vec::new();
    while member.outbox.swap(&mut lines).await {
        let written = async { writer.write_all(&lines).await };
        let cut = async {
            member.outbox.cut().await;
            Err(io::ErrorKind::TimedOut.into())
        };
        // The reader notices as well when the connection has broken, and tells.
        if future::or(written, cut).await.is_err() {
            return;
        }
    }
    if !member.outbox.is_cut() {
        let _ = writer.close().await;
    }
}

/// A conversation, as its reading side sees it.
struct Talk<'a> {
    chat: &'a Chat,
    member: &'a Arc<Member>,
    room: Arc<Room>,
    /// Lines for the room that have not been sent to it.
    said: Vec<u8>,
}

impl Talk<'_> {
    async fn listen(&mut self, reader: &mut (impl AsyncRead + Unpin)) -> Parting {
        let mut lines = Lines::new(self.chat.limits.max_line);
        let mut chunk = vec![0; 8 * 1024];
        let mut dismissed = pin!(self.member.dismissed.wait());
        loop {
            let read = async { Some(reader.read(&mut chunk).await) };
            let ended = async {
                dismissed.as_mut().await;
                None
            };
            // The end first: a client that never pauses must not talk on because there is always more to read.
            match future::or(ended, read).await {
                None => return Parting::Dismissed,
                Some(Err(error)) => return Parting::Broke(error),
                Some(Ok(0)) => {
                    if let Some(line) = lines.last() {
                        // It leaves either way.
                        let _ = self.take(line).await;
                    }
                    self.flush();
                    return Parting::Left;
                }
                Some(Ok(n)) => lines.feed(&chunk[..n]),
            }
            while let Some(line) = lines.next() {
                if let Break(parting) = self.take(line).await {
                    return parting;
                }
            }
            self.flush();
        }
    }

    async fn take(&mut self, line: Line<'_>) -> ControlFlow<Parting> {
        match line {
            Line::Text(text) => match text.strip_prefix('/') {
                Some(command) => return self.obey(command),
                None => self.say(text).await,
            },
            Line::TooLong => self.reply(&format!(
                "! that line is longer than {} bytes: it was skipped",
                self.chat.limits.max_line
            )),
            Line::NotUtf8 => self.reply("! that line is not UTF-8: it was skipped"),
        }
        Continue(())
    }

    async fn say(&mut self, text: &str) {
        let len = self.member.name.len() + 2 + text.len() + 1;
        if !self.said.is_empty() && self.said.len() + len > CHUNK {
            self.flush();
            raddle::yield_now().await;
        }
        for part in [&self.member.name, ": ", text, "\n"] {
            self.said.extend_from_slice(part.as_bytes());
        }
    }

    /// Sends the room what was said.
    fn flush(&mut self) {
        if !self.said.is_empty() {
            self.room.send(&self.said);
            self.said.clear();
        }
    }

    /// A line for this client alone.
    fn reply(&mut self, text: &str) {
        self.flush();
        self.member.send(format!("{text}\n").as_bytes());
    }

    fn obey(&mut self, command: &str) -> ControlFlow<Parting> {
        let (verb, rest) = command.split_once(' ').unwrap_or((command, ""));
        match (verb, rest.trim()) {
            ("join", name) if is_room_name(name) => self.join(name),
            ("join", _) => self.reply(&format!(
                "! /join ROOM: a room's name is 1 to {ROOM_NAME_MAX} letters, digits, '-' or '_'"
            )),
            ("who", "") => self.who(),
            ("quit", "") => {
                self.reply("* goodbye");
                return Break(Parting::Left);
            }
            _ => self.reply(&format!("! no such command; {HELP}")),
        }
        Continue(())
    }

    fn join(&mut self, name: &str) {
        if name == self.room.name {
            return self.reply(&format!("* you are in {name} already"));
        }
        self.flush();
        self.chat.rooms.leave(&self.room, self.member, Some(&format!("went to {name}")));
        self.room = self.chat.rooms.join(name, self.member);
    }

    fn who(&mut self) {
        let members = self.room.members();
        let mut names: Vec<_> = members.iter().take(WHO_MAX).map(|member| member.name.as_str()).collect();
        let more = members.len() - names.len();
        let more = format!("and {more} more");
        if members.len() > WHO_MAX {
            names.push(&more);
        }
        let text = format!("* {} in {}: {}", members.len(), self.room.name, names.join(", "));
        self.reply(&text);
    }

    /// What the room is told; nothing when the server ends and everyone goes.
    fn describe(&self, parting: &Parting) -> Option<String> {
        match parting {
            Parting::Left => Some("left".to_owned()),
            Parting::Broke(error) => Some(format!("left: {error}")),
            Parting::Dismissed => self.member.outbox.is_cut().then(|| {
                let limit = self.chat.limits.backlog;
                format!("was cut off: it had more than {limit} bytes to read and did not")
            }),
        }
    }
}

fn is_room_name(name: &str) -> bool {
    let fits = (1..=ROOM_NAME_MAX).contains(&name.chars().count());
    fits && name.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_')
}
