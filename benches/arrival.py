#!/usr/bin/env python3
"""How long it takes from a condition that becomes true to the CRITICAL message in every channel, under a real cron.

usage: arrival.py PROGRAM [TRIALS] [CRON]

Starts Debian's cron in the foreground (as root; `apt-get install cron`) with the line that is shipped,
`check --repeat` each minute at ticks of 15 s, and servers on this machine that take what two webhooks of Slack, a mailbox,
a number of Twilio's and a JSON webhook are sent. Each trial makes the condition true at a random moment, waits until every
channel has the message, makes it false, and waits until every channel has heard that it is over. Prints each trial, then
median and worst.
"""

import http.server
import json
import os
import pathlib
import random
import shutil
import socketserver
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

PATIENCE = 90
CHANNELS = ["slack", "ops", "mail", "sms", "hook"]
RULE = "QUEUE_LONG"

arrived = []
news = threading.Condition()


def note(channel, text):
    if RULE in text:
        with news:
            arrived.append((time.time(), channel, "resolved" in text.lower()))
            news.notify_all()


class Web(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        channel = self.path.split("/")[1]
        if channel == "2010-04-01":
            note("sms", urllib.parse.unquote_plus(body))
            self.answer(201, json.dumps({"sid": "SM" + "0" * 32, "status": "queued", "num_segments": "1"}))
        else:
            note(channel, body)
            self.answer(200, "ok")

    def do_GET(self):
        self.answer(200, json.dumps({"sid": "SM" + "0" * 32, "status": "delivered", "error_code": None}))

    def answer(self, status, text):
        self.send_response(status)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


class Mail(socketserver.StreamRequestHandler):
    def handle(self):
        say = lambda line: self.wfile.write(line.encode() + b"\r\n")
        say("220 localhost")
        while line := self.rfile.readline():
            word = line[:4].upper()
            if word == b"DATA":
                say("354 go on")
                text = []
                while (line := self.rfile.readline()).rstrip(b"\r\n") != b".":
                    text.append(line.decode(errors="replace"))
                note("mail", "".join(text))
                say("250 taken")
            elif word == b"QUIT":
                say("221 bye")
                return
            else:
                say("250 localhost")


class Threads(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


def serve(handler):
    server = Threads(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def wait_for_all(since, over):
    """The moment at which the last channel had it."""
    with news:
        while True:
            first = {}
            for at, channel, is_over in arrived:
                if at >= since and is_over == over:
                    first.setdefault(channel, at)
            if len(first) == len(CHANNELS):
                return max(first.values())
            if not news.wait(max(0, since + PATIENCE - time.time())):
                raise SystemExit(f"after {PATIENCE} s only {sorted(first)} have heard of it")


def main():
    program = str(pathlib.Path(sys.argv[1]).resolve())
    trials = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    cron = sys.argv[3] if len(sys.argv) > 3 else "cron"
    if not shutil.which(cron):
        raise SystemExit("there is no cron: apt-get install cron, or name one")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="arrival-"))
    web, mail = serve(Web), serve(Mail)
    queue = folder / "queue.prom"

    def depth(value):
        fresh = folder / "fresh"
        fresh.write_text(f"queue_depth {value}\n")
        fresh.rename(queue)
        return time.time()

    depth(0)
    base = f"http://127.0.0.1:{web}"
    config = folder / "config.toml"
    config.write_text(f"""
[monitor]
interval = "15s"
[sources.system]
enabled = false
[probes.queue.exec]
command = ["/bin/cat", "{queue}"]
[channels.slack.slack]
webhook_url = "{base}/slack/T0/B0/x"
[channels.ops.slack]
webhook_url = "{base}/ops/T0/B0/x"
[channels.mail.email]
host = "127.0.0.1"
port = {mail}
tls = "none"
from = "mon@localhost"
to = ["ops@localhost"]
[channels.sms.sms]
account_sid = "AC{'0' * 32}"
auth_token = "secret"
from = "+41790000001"
to = ["+41790000002"]
base_url = "{base}"
[channels.hook.webhook]
url = "{base}/hook/x"
[[rule]]
alert = "{RULE}"
expr = "queue_depth"
above = {{ CRITICAL = 10 }}
summary = "{{{{ value }}}} are waiting"
""")
    config.chmod(0o600)
    line = f"* * * * * root {program} check --repeat --config {config} --db {folder}/state.db >> {folder}/cron.log 2>&1\n"
    crontab = pathlib.Path("/etc/cron.d/sippar-mon-arrival")
    crontab.write_text(f"PATH=/usr/bin:/bin\n{line}")
    daemon = subprocess.Popen([cron, "-f"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    took = []
    try:
        while not (folder / "state.db").exists():
            time.sleep(1)
            if daemon.poll() is not None:
                raise SystemExit(f"cron has ended with {daemon.returncode}: is it installed, and are you root?")
        time.sleep(16)
        for trial in range(1, trials + 1):
            time.sleep(random.uniform(0, 15))
            since = depth(50)
            took.append(wait_for_all(since, False) - since)
            print(f"{trial:3}  {took[-1]:5.1f} s", flush=True)
            wait_for_all(depth(0), True)
    finally:
        crontab.unlink()
        daemon.terminate()
        daemon.wait()
        log = folder / "cron.log"
        if log.exists() and log.stat().st_size:
            print(f"cron would have mailed:\n{log.read_text()}")
    print(f"{len(took)} trials: median {statistics.median(took):.1f} s, worst {max(took):.1f} s, "
          f"to {len(CHANNELS)} channels; ticks of 15 s")
    shutil.rmtree(folder)


os.umask(0o077)
main()
