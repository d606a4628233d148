//! The environment: the only place that reads it, and where a bad value becomes an error that can be acted on.
#![allow(clippy::disallowed_methods, reason = "this is the reader of the environment")]

use std::ffi::OsString;
use std::io;
use std::ops::RangeInclusive;
use std::time::Duration;

/// Workers at most: beyond any machine, so that a typo is not a million threads.
pub(crate) const WORKERS_MAX: usize = 4096;
/// Threads of the blocking pool at most.
pub(crate) const BLOCKING_MAX: usize = 65_536;

/// What the environment asks for; `None` where it is silent.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Env {
    pub(crate) worker_threads: Option<usize>,
    pub(crate) max_blocking_threads: Option<usize>,
    pub(crate) thread_keep_alive: Option<Duration>,
    pub(crate) blocked_after: Option<Duration>,
    pub(crate) debug: Option<bool>,
    pub(crate) seed: Option<u64>,
}

impl Env {
    /// Reads all `RADDLE_*` variables.
    ///
    /// # Errors
    /// For the first one with a bad value: its name, its value, and what is allowed.
    pub(crate) fn read() -> io::Result<Self> {
        Self::from_lookup(|name| std::env::var_os(name))
    }

    fn from_lookup(lookup: impl Fn(&str) -> Option<OsString>) -> io::Result<Self> {
        let number = |name, range| number(name, lookup(name), range);
        let millis = |name, range| Ok::<_, io::Error>(number(name, range)?.map(Duration::from_millis));
        let size = |name, max: usize| Ok::<_, io::Error>(number(name, 1..=max as u64)?.map(|n| n as usize));
        Ok(Self {
            worker_threads: size("RADDLE_WORKER_THREADS", WORKERS_MAX)?,
            max_blocking_threads: size("RADDLE_MAX_BLOCKING_THREADS", BLOCKING_MAX)?,
            thread_keep_alive: millis("RADDLE_THREAD_KEEP_ALIVE_MS", 0..=86_400_000)?,
            blocked_after: millis("RADDLE_BLOCKED_AFTER_MS", 10..=86_400_000)?,
            debug: switch("RADDLE_DEBUG", lookup("RADDLE_DEBUG"))?,
            seed: number("RADDLE_SEED", 0..=u64::MAX)?,
        })
    }
}

fn bad(name: &str, value: &OsString, allowed: &str) -> io::Error {
    let text = format!("{name}={value:?} is not allowed: it must be {allowed}; unset it for the default");
    io::Error::new(io::ErrorKind::InvalidInput, text)
}

fn number(name: &str, value: Option<OsString>, range: RangeInclusive<u64>) -> io::Result<Option<u64>> {
    let Some(value) = value else { return Ok(None) };
    let parsed = value.to_str().and_then(|text| text.trim().parse::<u64>().ok());
    match parsed.filter(|n| range.contains(n)) {
        Some(n) => Ok(Some(n)),
        None => Err(bad(name, &value, &format!("a whole number from {} to {}", range.start(), range.end()))),
    }
}

fn switch(name: &str, value: Option<OsString>) -> io::Result<Option<bool>> {
    let Some(value) = value else { return Ok(None) };
    match value.to_str().map(str::trim) {
        Some("1" | "true" | "on" | "yes") => Ok(Some(true)),
        Some("0" | "false" | "off" | "no") => Ok(Some(false)),
        _ => Err(bad(name, &value, "1 or 0 (or true/false, on/off, yes/no)")),
    }
}

/// As many workers as this process can run at once: the least of affinity, cgroup quota and cores.
pub(crate) fn default_workers() -> usize {
    let by_affinity = std::thread::available_parallelism().map_or(usize::MAX, std::num::NonZero::get);
    num_cpus::get().min(by_affinity).clamp(1, WORKERS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &'static str, value: &str) -> io::Result<Env> {
        let value = OsString::from(value);
        Env::from_lookup(|asked| (asked == name).then(|| value.clone()))
    }

    #[test]
    fn f40_zero_garbage_huge_and_empty_are_errors_that_say_what_is_allowed() {
        for value in ["0", "abc", "99999999", "", "-1", "1.5", "0x10"] {
            let error = read("RADDLE_WORKER_THREADS", value).expect_err(value).to_string();
            assert!(error.contains("RADDLE_WORKER_THREADS"), "{error}");
            assert!(error.contains(&format!("{value:?}")), "{error}");
            assert!(error.contains("from 1 to 4096"), "{error}");
        }
        assert!(read("RADDLE_BLOCKED_AFTER_MS", "0").is_err());
        assert!(read("RADDLE_DEBUG", "maybe").is_err());
    }

    #[test]
    fn good_values_are_taken() {
        assert_eq!(read("RADDLE_WORKER_THREADS", " 3 ").unwrap().worker_threads, Some(3));
        assert_eq!(read("RADDLE_DEBUG", "on").unwrap().debug, Some(true));
        assert_eq!(read("RADDLE_SEED", "18446744073709551615").unwrap().seed, Some(u64::MAX));
        assert_eq!(read("OTHER", "x").unwrap(), Env::default());
    }
}
