"""The echo servers that Raddle's are measured beside: asyncio's streams or a Protocol, on CPython's loop or on uvloop.

    python3 echo_server.py {streams,streams-lines,protocol,protocol-lines} [--uvloop]

Prints its port on 127.0.0.1 and serves until its standard input ends. The servers are as asyncio's and uvloop's own
examples and benchmarks have them.
"""

import argparse
import asyncio
import socket
import sys

# As the Rust server asks for.
READ_MAX = 128 * 1024


async def serve(reader, writer):
    """Sends everything back."""
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while data := await reader.read(READ_MAX):
        writer.write(data)
        await writer.drain()
    writer.close()


async def serve_lines(reader, writer):
    """Sends each line back."""
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while line := await reader.readline():
        writer.write(line)
        await writer.drain()
    writer.close()


class Echo(asyncio.Protocol):
    """Sends everything back."""

    def connection_made(self, transport):
        self.transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data):
        self.transport.write(data)


class EchoLines(Echo):
    """Sends each line back."""

    rest = b""

    def data_received(self, data):
        lines = (self.rest + data).splitlines(keepends=True)
        self.rest = b"" if lines[-1].endswith(b"\n") else lines.pop()
        for line in lines:
            self.transport.write(line)


SERVERS = {"streams": serve, "streams-lines": serve_lines, "protocol": Echo, "protocol-lines": EchoLines}


async def main(kind):
    """Serves until the parent is gone or wants no more."""
    loop = asyncio.get_running_loop()
    if kind.startswith("streams"):
        server = await asyncio.start_server(SERVERS[kind], "127.0.0.1", 0)
    else:
        server = await loop.create_server(SERVERS[kind], "127.0.0.1", 0)
    over = loop.create_future()
    loop.add_reader(sys.stdin.fileno(), over.set_result, None)
    print(server.sockets[0].getsockname()[1], flush=True)
    await over
    loop.remove_reader(sys.stdin.fileno())
    server.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Serves echo on a port of 127.0.0.1, which it prints.")
    parser.add_argument("kind", choices=list(SERVERS))
    parser.add_argument("--uvloop", action="store_true", help="on uvloop's event loop, which has to be installed")
    options = parser.parse_args()
    if options.uvloop:
        import uvloop

        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    asyncio.run(main(options.kind), debug=False)
