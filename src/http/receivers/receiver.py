"""Receives batches of rapidfire: RAPIDFIRE_RECEIVER_SECRET=whsec_... python3 receiver.py 3000

Python 3.9 or later, and nothing but what comes with it. Your bot is `answer`.
"""
import base64
import hashlib
import hmac
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = base64.b64decode(os.environ["RAPIDFIRE_RECEIVER_SECRET"].removeprefix("whsec_"))
TOLERANCE = 300  # s between the clocks of both machines, and of what somebody has recorded
MOST_BYTES = 8_388_608

done = {}  # what was answered to a batch, for when it comes again: in earnest in your database


def answer(batch):
    """What becomes of a batch; what it returns is the answer to the request."""
    return {"reply": f"You said: {batch['text']}"}


def is_signed(headers, body):
    """Whether somebody who knows the secret has posted this, and not long ago: https://www.standardwebhooks.com"""
    batch_id, at, given = (headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    if not (at.isascii() and at.isdigit()) or abs(time.time() - int(at)) > TOLERANCE:
        return False
    mac = hmac.new(SECRET, f"{batch_id}.{at}.".encode() + body, hashlib.sha256).digest()
    wanted = b"v1," + base64.b64encode(mac)
    return any(hmac.compare_digest(each.encode(), wanted) for each in given.split())


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # so that a connection serves many batches
    timeout = 60  # s

    def do_POST(self):
        length = int(self.headers.get("content-length", "0"))
        if length > MOST_BYTES:
            self.close_connection = True
            return self.say(413)
        body = self.rfile.read(length)
        if not is_signed(self.headers, body):
            return self.say(401)
        batch = json.loads(body)
        name = (batch["queue"], batch["id"])
        if name not in done:
            done[name] = answer(batch)
        self.say(200, done[name])

    def say(self, status, result=None):
        body = b"" if result is None else json.dumps(result).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver)
    print(f"listening on {server.server_port}", flush=True)
    server.serve_forever()
