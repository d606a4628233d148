//! What the user asked for.

use crate::load::Size;
use crate::message::{DATAGRAM_MAX, LEN_MIN};
use clap::Parser;
use clap::error::ErrorKind;
use std::path::PathBuf;
use std::process::ExitCode;

/// Echo over TCP, UDP, Unix sockets and TLS: a server, a load for it, and a check that every byte comes back.
///
/// Without --listen and --connect, server and clients run in this process, over all that is asked for in turn.
#[derive(Parser, Debug)]
#[command(
    name = "echo",
    after_help = "Exit code: 0 when all went well, 1 when something failed, 2 for bad arguments, 130 after Ctrl-C \
before the end of a load."
)]
pub(crate) struct Args {
    /// Echo over TCP; what --listen and --connect do unless told otherwise
    #[arg(long)]
    tcp: bool,

    /// Echo over UDP
    #[arg(long)]
    udp: bool,

    /// Echo over a Unix socket; an address is a path then
    #[arg(long)]
    unix: bool,

    /// Echo over TLS, with a certificate for development unless --cert gives another
    #[arg(long)]
    tls: bool,

    /// Serve others at this address, e.g. 127.0.0.1:7000, until Ctrl-C
    #[arg(long, value_name = "ADDR", conflicts_with = "connect")]
    listen: Option<String>,

    /// Load the server at this address
    #[arg(long, value_name = "ADDR")]
    connect: Option<String>,

    /// How many clients
    #[arg(long, default_value_t = 100, value_name = "N", conflicts_with = "listen",
          value_parser = clap::value_parser!(u32).range(1..=20_000))]
    clients: u32,

    /// How many messages each client sends, one at a time
    #[arg(long, default_value_t = 1000, value_name = "N", conflicts_with = "listen",
          value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    messages: u64,

    /// How long a message is
    #[arg(long, default_value_t = 64, value_name = "BYTES", conflicts_with = "listen",
          value_parser = clap::value_parser!(u32).range(LEN_MIN as i64..=64 * 1024 * 1024))]
    size: u32,

    /// TLS server: its certificates, a PEM file
    #[arg(long, value_name = "FILE", requires = "key", requires = "listen")]
    cert: Option<PathBuf>,

    /// TLS server: the key of its certificate, a PEM file
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,

    /// TLS server: write the certificate for development here, for `openssl s_client -CAfile` or --trust
    #[arg(long, value_name = "FILE", conflicts_with_all = ["cert", "connect"])]
    cert_out: Option<PathBuf>,

    /// TLS client: trust the certificates in this PEM file instead of the system's authorities
    #[arg(long, value_name = "FILE", requires = "connect")]
    trust: Option<PathBuf>,
}

/// Over what messages go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    Tcp,
    Udp,
    Unix,
    #[cfg(feature = "tls")]
    Tls,
}

impl Over {
    pub(crate) const ALL: &[Self] = &[
        Self::Tcp,
        Self::Udp,
        Self::Unix,
        #[cfg(feature = "tls")]
        Self::Tls,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Unix => "unix",
            #[cfg(feature = "tls")]
            Self::Tls => "tls",
        }
    }
}

/// The certificate of a TLS server.
#[derive(Debug)]
pub(crate) enum Certificate {
    Files { cert: PathBuf, key: PathBuf },
    Development { write_to: Option<PathBuf> },
}

/// What the program is to do.
#[derive(Debug)]
pub(crate) enum Mode {
    Listen { over: Over, addr: String, certificate: Certificate },
    Connect { over: Over, addr: String, trust: Option<PathBuf>, size: Size },
    Check { over: Vec<Over>, certificate: Certificate, size: Size },
}

impl Args {
    /// What the command line says. What cannot be done has been said, in one line, and comes back as the exit code.
    pub(crate) fn mode() -> Result<Mode, ExitCode> {
        let parsed = Self::try_parse().map_err(|error| match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                // Nobody is left to hear that stdout is closed.
                let _ = error.print();
                ExitCode::SUCCESS
            }
            _ => refuse(&in_one_line(&error.to_string())),
        })?;
        parsed.checked().map_err(|text| refuse(&text))
    }

    fn checked(self) -> Result<Mode, String> {
        let over = self.over()?;
        let uses_tls = self.tls || over.iter().any(|over| over.name() == "tls");
        for (flag, is_given) in [
            ("--cert", self.cert.is_some()),
            ("--cert-out", self.cert_out.is_some()),
            ("--trust", self.trust.is_some()),
        ] {
            if is_given && !uses_tls {
                return Err(format!("{flag} is for --tls"));
            }
        }
        let size = Size { clients: self.clients, messages: self.messages, bytes: self.size as usize };
        if over.contains(&Over::Udp) && size.bytes > DATAGRAM_MAX {
            return Err(format!(
                "--size {}: a datagram of --udp holds {DATAGRAM_MAX} bytes at most",
                size.bytes
            ));
        }
        let certificate = match (self.cert, self.key) {
            (Some(cert), Some(key)) => Certificate::Files { cert, key },
            _ => Certificate::Development { write_to: self.cert_out },
        };
        match (self.listen, self.connect) {
            (Some(addr), _) => Ok(Mode::Listen { over: single("--listen", &over)?, addr, certificate }),
            (_, Some(addr)) => {
                Ok(Mode::Connect { over: single("--connect", &over)?, addr, trust: self.trust, size })
            }
            _ => Ok(Mode::Check { over, certificate, size }),
        }
    }

    /// What is asked for, else what is usual.
    fn over(&self) -> Result<Vec<Over>, String> {
        if self.tls && !cfg!(feature = "tls") {
            let how = "cargo run --features tls --example echo";
            return Err(format!("--tls: this program was built without TLS; build it by `{how}`"));
        }
        let is_asked = |over: &Over| match over {
            Over::Tcp => self.tcp,
            Over::Udp => self.udp,
            Over::Unix => self.unix,
            #[cfg(feature = "tls")]
            Over::Tls => self.tls,
        };
        let asked: Vec<_> = Over::ALL.iter().copied().filter(is_asked).collect();
        Ok(match (asked.is_empty(), self.listen.is_some() || self.connect.is_some()) {
            (false, _) => asked,
            (true, true) => vec![Over::Tcp],
            (true, false) => Over::ALL.to_vec(),
        })
    }
}

fn single(flag: &str, over: &[Over]) -> Result<Over, String> {
    match over {
        [only] => Ok(*only),
        _ => Err(format!("{flag} takes one of --tcp, --udp, --unix and --tls at a time")),
    }
}

fn refuse(text: &str) -> ExitCode {
    eprintln!("echo: {text} (--help lists the flags)");
    ExitCode::from(2)
}

/// Of what clap says at length, what is wrong.
fn in_one_line(text: &str) -> String {
    let text = text.split("\n\n").next().unwrap_or(text);
    let words: Vec<_> = text.trim_start_matches("error: ").split_whitespace().collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(args: &[&str]) -> Result<Mode, String> {
        let args = std::iter::once("echo").chain(args.iter().copied());
        Args::try_parse_from(args).map_err(|error| in_one_line(&error.to_string()))?.checked()
    }

    #[test]
    fn without_arguments_all_is_checked() {
        let Ok(Mode::Check { over, size, .. }) = mode(&[]) else { panic!("no check") };
        assert_eq!(over, Over::ALL);
        assert_eq!(size.total(), 100_000);
    }

    #[test]
    fn tcp_is_usual() {
        assert!(matches!(mode(&["--listen", "x"]), Ok(Mode::Listen { over: Over::Tcp, .. })));
        assert!(matches!(mode(&["--connect", "x", "--udp"]), Ok(Mode::Connect { over: Over::Udp, .. })));
        assert!(matches!(mode(&["--unix"]), Ok(Mode::Check { over, .. }) if over == [Over::Unix]));
    }

    #[test]
    fn what_is_wrong_is_said_in_a_line() {
        for (args, says) in [
            (&["--dance"][..], "--dance"),
            (&["--size", "3"], "--size"),
            (&["--clients", "many"], "many"),
            (&["--listen", "x", "--connect", "y"], "--connect"),
            (&["--listen", "x", "--clients", "3"], "--clients"),
            (&["--listen", "x", "--udp", "--unix"], "--listen takes one of"),
            (&["--udp", "--size", "70000"], "--size 70000"),
            (&["--listen", "x", "--tls", "--cert", "c"], "--key"),
            (&["--listen", "x", "--cert-out", "c"], "--cert-out"),
            (&["--connect", "x", "--trust", "c"], "--trust"),
        ] {
            let text = mode(args).expect_err("it is wrong");
            assert!(text.contains(says) && text.lines().count() == 1, "{args:?}: {text}");
        }
    }
}
