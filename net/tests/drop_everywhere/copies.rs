//! Copies between connections. What one that is dropped had read and could not write is lost, as its page says; here
//! the writer always has room, so nothing is.

use crate::common::{pair, pattern};
use crate::{Driver, plays};
use futures_lite::io::BufReader;
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use raddle_net::{TcpStream, copy, copy_bidirectional, copy_buf, sendfile, splice, splice_bidirectional};
use std::fs::File;
use std::net::Shutdown;

/// From whom it comes, what it is copied from, what to, and where it goes.
type Four = (TcpStream, TcpStream, TcpStream, TcpStream);

pub(crate) async fn play(driver: &Driver) {
    let make = async || {
        let ((first, from), (to, last)) = (pair().await, pair().await);
        (first, from, to, last)
    };
    let send = async |(first, ..): &Four| {
        (&mut &*first).write_all(&pattern(3_000)).await.expect("a write");
        first.shutdown(Shutdown::Write).expect("the end");
    };
    let left = async |(_, _, to, last): &Four| {
        let _ = to.shutdown(Shutdown::Write);
        let mut all = Vec::new();
        (&mut &*last).read_to_end(&mut all).await.expect("up to the end");
        format!("{}", all == pattern(3_000))
    };
    // How many bytes the last of several calls has copied says nothing.
    let copied = async |(_, from, to, _): &Four| copy(from, to).await.is_ok().to_string();
    plays(driver, "copy", make, (copied, send), left).await;
    let copied = async |(_, from, to, _): &Four| copy_buf(BufReader::new(from), to).await.is_ok().to_string();
    plays(driver, "copy_buf", make, (copied, send), left).await;
    let copied = async |(_, from, to, _): &Four| splice(from, to).await.is_ok().to_string();
    plays(driver, "splice", make, (copied, send), left).await;
    let send_both = async |four: &Four| {
        send(four).await;
        four.3.shutdown(Shutdown::Write).expect("the end");
    };
    let copied = async |(_, from, to, _): &Four| copy_bidirectional(from, to).await.is_ok().to_string();
    plays(driver, "copy_bidirectional", make, (copied, send_both), left).await;
    let copied = async |(_, from, to, _): &Four| splice_bidirectional(from, to).await.is_ok().to_string();
    plays(driver, "splice_bidirectional", make, (copied, send_both), left).await;

    let nothing = async |_: &Four| {};
    let sent = async |(_, _, to, _): &Four| {
        let file = File::open("/proc/self/exe").expect("our own program");
        sendfile(&file, 1, 3, to).await.expect("sent").to_string()
    };
    let left = async |(_, _, to, last): &Four| {
        to.shutdown(Shutdown::Write).expect("the end");
        let mut all = String::new();
        (&mut &*last).read_to_string(&mut all).await.expect("up to the end");
        all
    };
    plays(driver, "sendfile", make, (sent, nothing), left).await;
}
