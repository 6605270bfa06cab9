"""Answers how many items there are, under the status in the file `status` beside it."""

from __future__ import annotations

import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from sqlalchemy import create_engine, text

status = int(Path("status").read_text())
if status == 0:
    raise SystemExit("the price list cannot be read")
engine = create_engine(os.environ["DATABASE_URL"])


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        with engine.connect() as connection:
            items = connection.execute(text("select count(*) from item")).scalar_one()
        self.send_response(status)
        self.end_headers()
        self.wfile.write(f"{items} items".encode())


HTTPServer((sys.argv[1], int(sys.argv[2])), Answer).serve_forever()
