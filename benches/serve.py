#!/usr/bin/env python3
"""What the server does under load: `benches/serve.py PROGRAM [DAYS SECONDS]`, with wrk (Debian: wrk) on loopback.

Fills a database with 100 series (a year, a sample each quarter of an hour, unless said otherwise), starts `serve`, and asks
for the dashboard's JSON and for the page while a `check` runs each second. Prints requests a second, the time that 99 of 100
took at most, the server's peak memory, and whether any answer or check failed. Then asks another server once each for the
history, the chart and the page of a single series of 400 days at 15 s: how long that takes, and the peak memory."""

import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

SERIES = 100
CONNECTIONS = 32
LASTS = 15

CONFIG = """
[monitor]
interval = "1s"

[[rule]]
alert = "MISSED_CYCLES"
enabled = false
"""


def fill(path, days, seconds):
    """A past for SERIES series; how many samples it has."""
    database = sqlite3.connect(path)
    (last,) = database.execute("SELECT max(tick) FROM cycle").fetchone()
    for n in range(SERIES):
        row = (1000 + n, f"bench_{n}", 1000 * seconds)
        database.execute("INSERT INTO series (id, source, metric, labels, every_ms) VALUES (?, 'bench', ?, '{}', ?)", row)
    ticks = days * 86400 // seconds
    rows = (
        (last - at * seconds * 1000, 1000 + n, 0.5 + (at * (n + 1) % 97) / 100, 0)
        for at in range(ticks)
        for n in range(SERIES)
    )
    database.executemany("INSERT INTO sample (tick, series, value, mark) VALUES (?, ?, ?, ?)", rows)
    database.execute("INSERT INTO latest SELECT series, tick, value, mark, NULL FROM sample WHERE tick = ? AND series >= 1000", (last,))
    database.commit()
    database.close()
    return ticks * SERIES


class Checks(threading.Thread):
    """A check each second."""

    def __init__(self, command):
        super().__init__(daemon=True)
        self.command, self.ends, self.slowest, self.go = command, [], 0.0, True

    def run(self):
        while self.go:
            begun = time.monotonic()
            self.ends.append(subprocess.run(self.command, capture_output=True).returncode)
            took = time.monotonic() - begun
            self.slowest = max(self.slowest, took)
            time.sleep(max(0.0, 1.0 - took))


def load(address, path):
    """One run of wrk, in a line."""
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{LASTS}s", "--latency", f"http://{address}{path}"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rate = re.search(r"Requests/sec:\s*([\d.]+)", said).group(1)
    worst = re.search(r"99%\s*(\S+)", said).group(1)
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    sockets = re.search(r"Socket errors: (.*)", said)
    wrong = [f"{failed.group(1)} answers failed"] if failed else []
    wrong += [f"sockets: {sockets.group(1)}"] if sockets else []
    print(f"  {path}: {float(rate):.0f} requests/s, 99 of 100 within {worst}, {', '.join(wrong) or 'none failed'}")


class Server:
    """A server that runs, and where."""

    def __init__(self, program, flags, folder):
        env = {"HOME": folder, "PATH": os.environ["PATH"]}
        command = [program, *flags, "serve", "-v", "--listen", "127.0.0.1:0"]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=env)
        self.address = None
        while self.address is None:
            found = re.search(r"http://([^/]+)/", self.process.stderr.readline())
            self.address = found and found.group(1)
        threading.Thread(target=self.process.stderr.read, daemon=True).start()

    def end(self):
        """Ends it; its peak memory in MiB."""
        with open(f"/proc/{self.process.pid}/status") as status:
            peak = re.search(r"VmHWM:\s*(\d+)", status.read()).group(1)
        self.process.terminate()
        self.process.wait()
        return int(peak) / 1024


def once(address, path):
    """One request, in a line."""
    begun = time.monotonic()
    with urllib.request.urlopen(f"http://{address}{path}", timeout=30) as answer:
        size = len(answer.read())
    print(f"  {path}: {size / 1000:.0f} kB in {(time.monotonic() - begun) * 1000:.0f} ms")


def long(program, days=400, seconds=15):
    """All of a long series at once."""
    with tempfile.TemporaryDirectory() as folder:
        table, config, database = (os.path.join(folder, name) for name in ("past.csv", "c.toml", "state.db"))
        with open(config, "w") as file:
            file.write(CONFIG)
        count, last = days * 86400 // seconds, int(time.time()) // seconds * seconds
        with open(table, "w") as file:
            file.write("time,value\n")
            file.writelines(f"{last - at * seconds},{0.5 + at * 37 % 97 / 100}\n" for at in range(count, 0, -1))
        subprocess.run([program, "db", "import", table, "--metric", "bench", "--db", database], check=True, capture_output=True)
        flags = ["--config", config, "--db", database]
        look = sqlite3.connect(database)
        while look.execute("SELECT count(*) FROM sample").fetchone()[0] > 2 * 3600 // seconds + 5000:
            subprocess.run([program, *flags, "check"], capture_output=True)
        look.close()
        print(f"1 series, {days} days at {seconds} s: {count} samples, sealed; each asked for once")
        server = Server(program, flags, folder)
        for path in (f"/monitoring/history?metric=bench&from={days}d", "/metric?metric=bench&range=all", "/?range=all"):
            once(server.address, path)
        print(f"  the server's peak: {server.end():.1f} MiB")


def main():
    program = os.path.abspath(sys.argv[1])
    days, seconds = (int(sys.argv[2]), int(sys.argv[3])) if len(sys.argv) > 3 else (365, 900)
    with tempfile.TemporaryDirectory() as folder:
        config, database = os.path.join(folder, "c.toml"), os.path.join(folder, "state.db")
        with open(config, "w") as file:
            file.write(CONFIG)
        flags = ["--config", config, "--db", database]
        check = [program, *flags, "check"]
        subprocess.run(check, capture_output=True)
        samples = fill(database, days, seconds)
        print(f"{SERIES} series, {days} days at {seconds} s: {samples} samples; wrk with {CONNECTIONS} connections, {LASTS} s each")
        server = Server(program, flags, folder)
        checks = Checks(check)
        checks.start()
        time.sleep(3)
        try:
            load(server.address, "/monitoring/dashboard")
            load(server.address, "/")
        finally:
            checks.go = False
            checks.join()
            peak = server.end()
        failed = sum(1 for end in checks.ends if end > 3)
        print(f"  the server's peak: {peak:.1f} MiB")
        print(f"  {len(checks.ends)} checks beside it, {failed} failed, the slowest {checks.slowest * 1000:.0f} ms")
    long(program)


if __name__ == "__main__":
    main()
