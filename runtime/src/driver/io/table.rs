//! The sources by token: found without a lock, added and removed under one.
//!
//! Notation: a token is `g.i`, from the top the generation of the source and its index, half a word each (a narrower
//! generation where a word has 32 bits). The two highest tokens are the driver's own and are never given out.
//!
//! Beside each source is its home: the worker that whoever waits for it runs on. It is read by whoever fetches the
//! source's events, who need not touch the source then, and seldom written.
//!
//! Sources live in pages that double in size, never move, and live as long as the table or any [`Entry`] in them. An
//! event is looked up by index; it counts only if the generation is still that of its token.
//!
//! A look-up and the use that follows are not one step, so a removed source is not given out again at once: it goes to
//! the `retired` list, and only [`Table::recycle`], called by whoever has just handed on every event it fetched, makes
//! it free, once nobody is at events that were left to a worker. An event can then hit a source that has no owner,
//! which `insert` wipes, but never its next owner.

use super::source::{Source, Wakes, shut_down_error};
use crate::prim::atomic::{
    AtomicU32, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};
use crate::prim::lock::Mutex;
use crossbeam_utils::CachePadded;
use std::io;
use std::sync::{Arc, OnceLock};

/// `i`: half a word, or, where that would leave too few sources, 20 bits.
const INDEX_BITS: u32 = if usize::BITS == 64 { 32 } else { 20 };
const INDEX: usize = (1 << INDEX_BITS) - 1;
/// The first page has this many sources, each further one twice as many as the one before.
#[cfg(not(loom))]
const FIRST_PAGE: usize = 64;
/// Small, so that a model gets past it.
#[cfg(loom)]
const FIRST_PAGE: usize = 2;
/// Leaves a whole first page of indices unused at the top, and with them the driver's own tokens.
const PAGES: usize = (INDEX_BITS - FIRST_PAGE.ilog2()) as usize;
const CAPACITY: usize = INDEX + 1 - FIRST_PAGE;

/// Where a source is: its page, and its place there.
fn locate(index: usize) -> (usize, usize) {
    let shifted = index + FIRST_PAGE;
    let page = shifted.ilog2();
    ((page - FIRST_PAGE.ilog2()) as usize, shifted - (1 << page))
}

fn token_of(index: usize, generation: u32) -> usize {
    (generation as usize) << INDEX_BITS | index
}

/// A source and its token, in the hands of its owner.
#[derive(Debug)]
pub(crate) struct Entry {
    page: Arc<[CachePadded<Source>]>,
    offset: usize,
    token: usize,
}

impl Entry {
    /// The source.
    #[inline]
    pub(crate) fn source(&self) -> &Source {
        &self.page[self.offset]
    }

    /// The name its events come under.
    pub(crate) fn token(&self) -> usize {
        self.token
    }
}

/// No worker.
const NOWHERE: u32 = u32::MAX;

#[derive(Debug)]
struct Page {
    /// Two neighbours may be looked after by different workers: they share no cache line.
    sources: Arc<[CachePadded<Source>]>,
    homes: Box<[AtomicU32]>,
}

impl Page {
    fn new(len: usize) -> Self {
        Self {
            sources: (0..len).map(|_| CachePadded::new(Source::new())).collect(),
            homes: (0..len).map(|_| AtomicU32::new(NOWHERE)).collect(),
        }
    }
}

#[derive(Debug, Default)]
struct Free {
    /// Indices that may be given out.
    reusable: Vec<usize>,
    /// Indices without owner that a fetched event may still lead to.
    retired: Vec<usize>,
    /// The lowest index that was never given out.
    fresh: usize,
    closed: bool,
}

/// The sources by token; see the head of this file.
#[derive(Debug, Default)]
pub(crate) struct Table {
    pages: [OnceLock<Page>; PAGES],
    free: Mutex<Free>,
    /// Length of `free.retired`, so that a turn that has nothing to recycle takes no lock.
    retired: AtomicUsize,
    registered: AtomicUsize,
}

impl Table {
    /// How many sources have an owner.
    pub(crate) fn registered(&self) -> usize {
        self.registered.load(Relaxed)
    }

    /// Gives a source out.
    ///
    /// # Errors
    /// After [`Table::shut_down`], and when every index is in use.
    pub(crate) fn insert(&self) -> io::Result<Entry> {
        let mut free = self.free.lock();
        if free.closed {
            return Err(shut_down_error());
        }
        let index = match free.reusable.pop() {
            Some(index) => index,
            None if free.fresh < CAPACITY => {
                free.fresh += 1;
                free.fresh - 1
            }
            None => return Err(io::Error::other(format!("the driver already watches {CAPACITY} sources"))),
        };
        let (page, offset) = locate(index);
        let page = self.pages[page].get_or_init(|| Page::new(FIRST_PAGE << page));
        page.homes[offset].store(NOWHERE, Relaxed);
        let page = page.sources.clone();
        let source = &page[offset];
        // Nobody is looking: no event leads here, and `shut_down` waits for the lock or has not begun.
        source.reset();
        let token = token_of(index, source.generation());
        drop(free);
        self.registered.fetch_add(1, Relaxed);
        Ok(Entry { page, offset, token })
    }

    /// Takes a source back: events that come under its token from now on are ignored.
    pub(crate) fn remove(&self, entry: &Entry) {
        let wakers = entry.source().retire();
        {
            let mut free = self.free.lock();
            free.retired.push(entry.token & INDEX);
            self.retired.store(free.retired.len(), Release);
        }
        self.registered.fetch_sub(1, Relaxed);
        drop(wakers);
    }

    /// How many removed sources wait to be made free.
    #[inline]
    pub(crate) fn retired(&self) -> usize {
        self.retired.load(Acquire)
    }

    /// Makes the first `count` removed sources free. To be called by the one who fetches events, when none it fetched
    /// is left, and when everybody who was at events that had been left to him has been seen to be done since these
    /// were removed: what such a one comes to afterwards he looks up anew, under a generation that has passed.
    pub(crate) fn recycle(&self, count: usize) {
        let mut free = self.free.lock();
        let Free { reusable, retired, .. } = &mut *free;
        reusable.extend(retired.drain(..count));
        self.retired.store(retired.len(), Release);
    }

    /// The source that `token` names, if it still has the owner it was given to.
    #[inline]
    pub(crate) fn get(&self, token: usize) -> Option<&Source> {
        let index = token & INDEX;
        let (page, offset) = locate(index);
        let source = self.pages.get(page)?.get()?.sources.get(offset)?;
        (token_of(index, source.generation()) == token).then_some(&**source)
    }

    /// The worker that looks after the source that `token` names, if one does.
    #[inline]
    pub(crate) fn home(&self, token: usize) -> Option<usize> {
        let (page, offset) = locate(token & INDEX);
        let home = self.pages.get(page)?.get()?.homes.get(offset)?.load(Relaxed);
        (home != NOWHERE).then_some(home as usize)
    }

    /// Worker `index` looks after the source from now on.
    #[inline]
    pub(crate) fn set_home(&self, entry: &Entry, index: usize) {
        let (page, offset) = locate(entry.token & INDEX);
        let Some(page) = self.pages[page].get() else { return };
        let (home, index) = (&page.homes[offset], index as u32);
        if home.load(Relaxed) != index {
            home.store(index, Relaxed);
        }
    }

    /// Refuses further sources, then shuts each one down; `wake` is called for each with nothing locked.
    pub(crate) fn shut_down(&self, mut wake: impl FnMut(&Source, Wakes)) {
        self.free.lock().closed = true;
        let sources = self.pages.iter().filter_map(OnceLock::get).flat_map(|page| page.sources.iter());
        for source in sources {
            if let Some(wakes) = source.shut_down() {
                wake(source, wakes);
            }
        }
    }
}
