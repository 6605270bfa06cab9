from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest
import uvicorn

from tests.unit.app.example import imported

REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


async def app(scope: object, receive: object, send: Any) -> None:
    await send({"type": "http.response.start", "status": 204})
    await send({"type": "http.response.body"})


async def _answer_to_who_was_accepted(kind: type[uvicorn.Server]) -> bytes:
    """What it gets whose request arrives when the server has begun to end."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = kind(uvicorn.Config(app, lifespan="off", log_level="error"))
        serving = asyncio.create_task(server.serve([listening]))
        reader, writer = await asyncio.open_connection(*listening.getsockname())
        while not server.server_state.connections:
            await asyncio.sleep(0.01)
        ending = asyncio.create_task(server.shutdown([]))
        await asyncio.sleep(0)
        writer.write(REQUEST)
        answer = await reader.read()
        writer.close()
        await ending
        server.should_exit = True
        await serving
        return answer


def test_who_was_accepted_is_answered() -> None:
    with imported("serve") as serve:
        answer = asyncio.run(_answer_to_who_was_accepted(serve.Server))
    assert answer.startswith(b"HTTP/1.1 204 ")


def test_uvicorn_itself_hangs_up() -> None:
    """Where this fails, serve.py has become needless."""
    with pytest.raises(ConnectionResetError):
        asyncio.run(_answer_to_who_was_accepted(uvicorn.Server))
