//! Rooms and who is in them.

use crate::outbox::Outbox;
use raddle::sync::Event;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

/// One connected client, as the rooms see it.
#[derive(Debug)]
pub(crate) struct Member {
    /// Its address, as others see it.
    pub(crate) name: String,
    pub(crate) outbox: Outbox,
    /// Set when its connection is to end although it goes on talking.
    pub(crate) dismissed: Event,
}

impl Member {
    pub(crate) fn new(addr: SocketAddr, backlog: usize) -> Self {
        Self { name: addr.to_string(), outbox: Outbox::new(backlog), dismissed: Event::new() }
    }

    /// Sends it whole lines; if it has too many unread already, it is dismissed.
    pub(crate) fn send(&self, lines: &[u8]) {
        if !self.outbox.push(lines) {
            self.dismissed.set();
        }
    }

    /// Sends it last words and dismisses it.
    pub(crate) fn dismiss(&self, last_words: &str) {
        self.send(last_words.as_bytes());
        self.dismissed.set();
    }
}

/// A list that is copied when it changes while someone goes through it: nobody holds its lock for longer than a moment.
type Members = Arc<Vec<Arc<Member>>>;

/// Everyone in it hears everyone in it.
#[derive(Debug)]
pub(crate) struct Room {
    pub(crate) name: String,
    members: Mutex<Members>,
}

impl Room {
    fn change<R>(&self, f: impl FnOnce(&mut Vec<Arc<Member>>) -> R) -> R {
        f(Arc::make_mut(&mut self.members.lock().expect("no panic while a room is locked")))
    }

    /// Who is in it now.
    pub(crate) fn members(&self) -> Members {
        self.members.lock().expect("no panic while a room is locked").clone()
    }

    /// Sends whole lines to everyone in it.
    pub(crate) fn send(&self, lines: &[u8]) {
        for member in self.members().iter() {
            member.send(lines);
        }
    }
}

/// All rooms that have someone in them.
#[derive(Debug, Default)]
pub(crate) struct Rooms {
    by_name: Mutex<HashMap<String, Arc<Room>>>,
}

impl Rooms {
    /// Puts `member` into the room of that name, and tells everyone there, `member` too.
    pub(crate) fn join(&self, name: &str, member: &Arc<Member>) -> Arc<Room> {
        let room = {
            let mut by_name = self.by_name.lock().expect("no panic while the rooms are locked");
            let new = || Arc::new(Room { name: name.to_owned(), members: Mutex::default() });
            let room = by_name.entry(name.to_owned()).or_insert_with(new).clone();
            room.change(|members| members.push(member.clone()));
            room
        };
        room.send(format!("* {} joined {name}\n", member.name).as_bytes());
        room
    }

    /// Takes `member` out of `room` and tells those who stay how it went, if that is to be told.
    pub(crate) fn leave(&self, room: &Room, member: &Arc<Member>, how: Option<&str>) {
        {
            let mut by_name = self.by_name.lock().expect("no panic while the rooms are locked");
            let is_empty = room.change(|members| {
                members.retain(|other| !Arc::ptr_eq(other, member));
                members.is_empty()
            });
            if is_empty {
                by_name.remove(&room.name);
            }
        }
        if let Some(how) = how {
            room.send(format!("* {} {how}\n", member.name).as_bytes());
        }
    }
}
