"""Serves the app: `python serve.py --fd 3`, or --port 8000; told to end, it answers whom it has accepted."""

from __future__ import annotations

import argparse
import asyncio
import socket

import uvicorn

# Who is accepted has sent a request, or is about to: both are under way at the same time.
READS_ON = 0.2  # seconds


class Server(uvicorn.Server):
    """uvicorn's own closes connections that it has accepted and not read yet (Kludex/uvicorn#2757)."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept nobody more, read on for a moment, then end as uvicorn does."""
        for server in self.servers:
            server.close()
        await asyncio.sleep(READS_ON)
        await super().shutdown(sockets)


def main() -> None:
    """Serve until told to end."""
    parser = argparse.ArgumentParser(description=__doc__)
    listening = parser.add_mutually_exclusive_group(required=True)
    listening.add_argument("--fd", type=int, help="descriptor of a socket that listens already")
    listening.add_argument("--port", type=int, help="port to listen on, on this machine alone")
    asked = parser.parse_args()
    Server(uvicorn.Config("service:app", fd=asked.fd, port=asked.port or 0)).run()


if __name__ == "__main__":
    main()
