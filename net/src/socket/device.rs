//! The network interface that a socket is bound to (`SO_BINDTODEVICE`).

use crate::error::at;
use socket2::SockRef;
use std::io;

pub(crate) fn device(socket: SockRef<'_>) -> io::Result<Option<String>> {
    let name = socket.device()?;
    Ok(name.map(|name| String::from_utf8_lossy(&name).trim_end_matches('\0').to_owned()))
}

pub(crate) fn bind_device(socket: SockRef<'_>, interface: Option<&str>) -> io::Result<()> {
    let named = |error| at("bind to the interface", interface.unwrap_or("none"), &error);
    socket.bind_device(interface.map(str::as_bytes)).map_err(named)
}
