"""python -m tests.chaos.relay LISTEN=TARGET …: carries TCP connections to host:port or to the path of a socket.

It stands for a server that listens on that address, with the keepalive a server should have: a peer that has gone
silent loses its connection within about ten seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys

TCP_OPTIONS = {socket.TCP_KEEPIDLE: 4, socket.TCP_KEEPINTVL: 2, socket.TCP_KEEPCNT: 3, socket.TCP_USER_TIMEOUT: 10_000}


async def carry(source: asyncio.StreamReader, into: asyncio.StreamWriter) -> None:
    """Everything that `source` says, until either end is closed."""
    with contextlib.suppress(OSError):
        while piece := await source.read(65_536):
            into.write(piece)
            await into.drain()
    into.close()


async def serve(listen: str, target: str) -> None:
    """Carry every connection to `listen` to `target`."""

    async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        end = writer.get_extra_info("socket")
        end.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in TCP_OPTIONS.items():
            end.setsockopt(socket.IPPROTO_TCP, option, value)
        try:
            if target.startswith("/"):
                behind = await asyncio.open_unix_connection(target)
            else:
                host, _, port = target.rpartition(":")
                behind = await asyncio.open_connection(host, int(port))
        except OSError:
            writer.close()
            return
        await asyncio.gather(carry(reader, behind[1]), carry(behind[0], writer))

    host, _, port = listen.rpartition(":")
    server = await asyncio.start_server(accepted, host, int(port))
    await server.serve_forever()


async def main() -> None:
    """Serve every pair that the command line names."""
    await asyncio.gather(*(serve(*pair.split("=", 1)) for pair in sys.argv[1:]))


if __name__ == "__main__":
    asyncio.run(main())
