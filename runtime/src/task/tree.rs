//! The tree of tasks: each below the task that awaits it, else below the one that spawned it.

use super::current::TaskInfo;
use super::id::Id;
use std::collections::HashMap;
use std::fmt;

/// Deeper nodes are not indented further: a line stays a line.
const INDENTS: usize = 32;

/// Completes what tasks listed together wait for: since when, and whose end.
pub(crate) fn resolve(tasks: &mut [TaskInfo], now: u64) {
    // Only the low bits of an id are in a note. Tasks alive side by side seldom have the same ones; then the note may
    // speak of either.
    let ids: HashMap<u32, Id> = tasks.iter().map(|task| (task.id().low_bits(), task.id())).collect();
    for wait in tasks.iter_mut().filter_map(TaskInfo::wait_mut) {
        wait.resolve(now, |low| ids.get(&low).copied());
    }
}

/// Why a task stands below another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// That one awaits its end.
    Awaited,
    /// That one spawned it, and nobody awaits it.
    Spawned,
    /// It stands below nobody: it was spawned outside the tasks, or its spawner has ended.
    Root,
    /// The tasks below it wait for each other and for this one, in a circle, which is cut open here: none will end.
    Circle,
}

/// All tasks of a runtime, as a tree; from [`Handle::task_tree`](crate::runtime::Handle::task_tree).
///
/// Its text has a line for each task: name, place of the spawn, and what it waits for.
#[derive(Debug, Clone)]
pub struct TaskTree {
    /// Each before those below it, which follow at once.
    nodes: Vec<Node>,
}

#[derive(Debug, Clone)]
struct Node {
    task: TaskInfo,
    link: Link,
    depth: usize,
    /// Where those below it end.
    end: usize,
}

/// A task in a [`TaskTree`].
#[derive(Debug, Clone, Copy)]
pub struct TaskNode<'a> {
    tree: &'a TaskTree,
    at: usize,
}

/// What is found out about one task on the way to its place.
struct Draft {
    task: Option<TaskInfo>,
    above: Option<usize>,
    link: Link,
    below: Vec<usize>,
    /// The walk that came by here.
    walk: usize,
}

impl TaskTree {
    pub(crate) fn of(mut tasks: Vec<TaskInfo>) -> Self {
        tasks.sort_unstable_by_key(TaskInfo::id);
        let mut drafts = linked(tasks);
        cut_circles(&mut drafts);
        for at in 0..drafts.len() {
            if let Some(above) = drafts[at].above {
                drafts[above].below.push(at);
            }
        }
        Self { nodes: in_order(drafts) }
    }

    /// The tasks that stand below none.
    pub fn roots(&self) -> impl Iterator<Item = TaskNode<'_>> {
        self.siblings(0, self.nodes.len())
    }

    /// All tasks, each before those below it.
    pub fn iter(&self) -> impl Iterator<Item = TaskNode<'_>> {
        (0..self.nodes.len()).map(|at| TaskNode { tree: self, at })
    }

    fn siblings(&self, first: usize, end: usize) -> impl Iterator<Item = TaskNode<'_>> {
        let below = move |at: usize| (at < end).then_some(at);
        std::iter::successors(below(first), move |&at| below(self.nodes[at].end))
            .map(|at| TaskNode { tree: self, at })
    }
}

impl<'a> TaskNode<'a> {
    fn node(&self) -> &'a Node {
        &self.tree.nodes[self.at]
    }

    /// The task.
    pub fn task(&self) -> &'a TaskInfo {
        &self.node().task
    }

    /// Why it stands where it does.
    pub fn link(&self) -> Link {
        self.node().link
    }

    /// How many tasks it stands below.
    pub fn depth(&self) -> usize {
        self.node().depth
    }

    /// The tasks right below it.
    pub fn children(&self) -> impl Iterator<Item = TaskNode<'a>> + use<'a> {
        self.tree.siblings(self.at + 1, self.node().end)
    }
}

/// Each task with the one above it: who awaits it, else who spawned it.
fn linked(tasks: Vec<TaskInfo>) -> Vec<Draft> {
    let places: HashMap<Id, usize> = tasks.iter().enumerate().map(|(at, task)| (task.id(), at)).collect();
    let joined = |task: &TaskInfo| task.waits_for().and_then(|wait| wait.on());
    let awaiting: HashMap<Id, usize> =
        tasks.iter().enumerate().filter_map(|(at, task)| Some((joined(task)?, at))).collect();
    let draft = |task: TaskInfo| {
        let spawner = task.parent().and_then(|parent| places.get(&parent).copied());
        let (above, link) = match (awaiting.get(&task.id()), spawner) {
            (Some(above), _) => (Some(*above), Link::Awaited),
            (None, Some(above)) => (Some(above), Link::Spawned),
            (None, None) => (None, Link::Root),
        };
        Draft { task: Some(task), above, link, below: Vec::new(), walk: usize::MAX }
    };
    tasks.into_iter().map(draft).collect()
}

/// Walks up from each task until it comes to the top or to where another walk has been. One that comes to its own
/// steps has found a circle. It is cut at a task that is not awaited, such as the child that awaits its parent.
fn cut_circles(drafts: &mut [Draft]) {
    for walk in 0..drafts.len() {
        let mut at = walk;
        while drafts[at].walk == usize::MAX {
            drafts[at].walk = walk;
            match drafts[at].above {
                Some(above) => at = above,
                None => break,
            }
        }
        if drafts[at].walk == walk && drafts[at].above.is_some() {
            cut_circle(drafts, at);
        }
    }
}

/// Cuts the circle that `start` is part of.
fn cut_circle(drafts: &mut [Draft], start: usize) {
    let circle: Vec<usize> =
        std::iter::successors(Some(start), |&at| drafts[at].above.filter(|&above| above != start)).collect();
    let spawned = circle.iter().find(|&&at| drafts[at].link == Link::Spawned);
    let (at, link) = spawned.map_or((start, Link::Circle), |&at| (at, Link::Root));
    drafts[at].above = None;
    drafts[at].link = link;
}

/// The nodes in their order. No recursion: tasks may await each other deeper than the stack.
fn in_order(mut drafts: Vec<Draft>) -> Vec<Node> {
    let mut nodes: Vec<Node> = Vec::with_capacity(drafts.len());
    let tops = (0..drafts.len()).filter(|&at| drafts[at].above.is_none());
    // What is still to be placed, with its depth; the first is on top.
    let mut todo: Vec<(usize, usize)> = tops.rev().map(|at| (at, 0)).collect();
    while let Some((at, depth)) = todo.pop() {
        let draft = &mut drafts[at];
        if let Some(task) = draft.task.take() {
            nodes.push(Node { task, link: draft.link, depth, end: 0 });
        }
        todo.extend(draft.below.iter().rev().map(|&below| (below, depth + 1)));
    }
    // Where each ends: at the next that is not deeper.
    let mut open: Vec<usize> = Vec::new();
    for at in 0..=nodes.len() {
        let depth = nodes.get(at).map_or(0, |node| node.depth);
        while let Some(&last) = open.last().filter(|&&last| nodes[last].depth >= depth) {
            nodes[last].end = at;
            open.pop();
        }
        open.push(at);
    }
    nodes
}

impl fmt::Display for TaskTree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // For each level, where its siblings end.
        let mut ends: Vec<usize> = Vec::new();
        for (at, node) in self.nodes.iter().enumerate() {
            ends.truncate(node.depth);
            let end = |depth: usize| depth.checked_sub(1).map_or(self.nodes.len(), |above| ends[above]);
            let skipped = node.depth.saturating_sub(INDENTS);
            if skipped > 0 {
                write!(f, "({skipped} deeper) ")?;
            }
            for depth in 1 + skipped..=node.depth {
                // The line of a level goes on while siblings follow.
                f.write_str(if ends[depth - 1] < end(depth - 1) { "│   " } else { "    " })?;
            }
            let is_last = node.end >= end(node.depth);
            writeln!(f, "{}{}", if is_last { "└── " } else { "├── " }, Line(node))?;
            ends.push(self.nodes[at].end);
        }
        Ok(())
    }
}

/// One task in words.
struct Line<'a>(&'a Node);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Node { task, link, .. } = self.0;
        match task.name() {
            Some(name) => write!(f, "'{name}' (id {})", task.id())?,
            None => write!(f, "task {}", task.id())?,
        }
        write!(f, " at {}: ", task.spawned_at())?;
        match task.waits_for() {
            Some(wait) => wait.fmt(f)?,
            None if task.is_running() => f.write_str("runs")?,
            None => f.write_str("ready to run")?,
        }
        match link {
            Link::Circle => f.write_str(" (awaited by a task below: they wait for each other)"),
            _ => Ok(()),
        }
    }
}
