//! The three orders in which a queue hands out what it holds.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// What a queue keeps its items in; it says which of them is next. Not to be implemented outside this crate.
pub trait Store {
    /// What it holds.
    type Item;

    /// One that holds nothing.
    const EMPTY: Self;

    /// Adds an item.
    fn push(&mut self, item: Self::Item);

    /// Takes the next item out.
    fn pop(&mut self) -> Option<Self::Item>;

    /// How many it holds.
    fn len(&self) -> usize;
}

impl<T> Store for VecDeque<T> {
    type Item = T;

    const EMPTY: Self = Self::new();

    #[inline]
    fn push(&mut self, item: T) {
        self.push_back(item);
    }

    #[inline]
    fn pop(&mut self) -> Option<T> {
        self.pop_front()
    }

    #[inline]
    fn len(&self) -> usize {
        self.len()
    }
}

impl<T> Store for Vec<T> {
    type Item = T;

    const EMPTY: Self = Self::new();

    #[inline]
    fn push(&mut self, item: T) {
        self.push(item);
    }

    #[inline]
    fn pop(&mut self) -> Option<T> {
        self.pop()
    }

    #[inline]
    fn len(&self) -> usize {
        self.len()
    }
}

impl<T: Ord> Store for BinaryHeap<Reverse<T>> {
    type Item = T;

    const EMPTY: Self = Self::new();

    #[inline]
    fn push(&mut self, item: T) {
        self.push(Reverse(item));
    }

    #[inline]
    fn pop(&mut self) -> Option<T> {
        self.pop().map(|Reverse(item)| item)
    }

    #[inline]
    fn len(&self) -> usize {
        self.len()
    }
}
