//! Which signal.

use signal_hook::consts::signal;
use std::ffi::c_int;
use std::fmt;

/// The kind of signal to listen for.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SignalKind(c_int);

impl SignalKind {
    /// A signal by its number, for those not named here.
    pub const fn from_raw(number: c_int) -> Self {
        Self(number)
    }

    /// Its number.
    pub const fn as_raw_value(self) -> c_int {
        self.0
    }

    /// SIGALRM: a timer of the system ran out. Ends the process by default.
    pub const fn alarm() -> Self {
        Self(signal::SIGALRM)
    }

    /// SIGCHLD: a child ended or stopped. Ignored by default.
    pub const fn child() -> Self {
        Self(signal::SIGCHLD)
    }

    /// SIGHUP: the terminal is gone; daemons read their configuration again. Ends the process by default.
    pub const fn hangup() -> Self {
        Self(signal::SIGHUP)
    }

    /// SIGINT: Ctrl-C. Ends the process by default.
    pub const fn interrupt() -> Self {
        Self(signal::SIGINT)
    }

    /// SIGPIPE: a write to a pipe that nobody reads. Rust programs ignore it from the start.
    pub const fn pipe() -> Self {
        Self(signal::SIGPIPE)
    }

    /// SIGQUIT: Ctrl-\. Ends the process by default, with a core dump.
    pub const fn quit() -> Self {
        Self(signal::SIGQUIT)
    }

    /// SIGTERM: a polite request to end, as `kill` and service managers send it. Ends the process by default.
    pub const fn terminate() -> Self {
        Self(signal::SIGTERM)
    }

    /// SIGUSR1: means what the program says. Ends the process by default.
    pub const fn user_defined1() -> Self {
        Self(signal::SIGUSR1)
    }

    /// SIGUSR2: means what the program says. Ends the process by default.
    pub const fn user_defined2() -> Self {
        Self(signal::SIGUSR2)
    }

    /// SIGWINCH: the terminal's size has changed. Ignored by default.
    pub const fn window_change() -> Self {
        Self(signal::SIGWINCH)
    }
}

impl fmt::Debug for SignalKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match signal_hook::low_level::signal_name(self.0) {
            Some(name) => f.write_str(name),
            None => write!(f, "signal {}", self.0),
        }
    }
}

impl From<c_int> for SignalKind {
    fn from(number: c_int) -> Self {
        Self::from_raw(number)
    }
}

impl From<SignalKind> for c_int {
    fn from(kind: SignalKind) -> Self {
        kind.as_raw_value()
    }
}
