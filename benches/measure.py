"""Runs commands and tells how long they took, for the benchmarks of this folder."""
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BENCHES = Path(__file__).resolve().parent
ROOT = BENCHES.parent
WASMILL = os.environ.get("WASMILL", str(ROOT / "target/release/wasmill"))
DATA = Path(os.environ.get("WASMILL_BENCH_DATA", Path.home() / ".cache/wasmill/bench"))


def run(command, **options):
    """Runs a command to its end: (wall seconds, CPU seconds). Ends the program where the command fails."""
    with tempfile.TemporaryFile() as complaints:
        start = time.monotonic()
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=complaints, **options)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        wall = time.monotonic() - start
        if child.returncode:
            complaints.seek(0)
            sys.exit(f"{' '.join(map(str, command))}\nended with {child.returncode}: {complaints.read().decode()}")
    return wall, usage.ru_utime + usage.ru_stime


def wasmill(sql, settings=(), pin=False, cwd=None):
    """Runs a script by `wasmill run`, on the first processor alone where `pin` is set: (wall seconds, CPU seconds)."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(sql)
        script.flush()
        command = [WASMILL, "run", "-q", script.name]
        for setting in settings:
            command += ["--set", setting]
        return run(["taskset", "-c", "0", *command] if pin else command, cwd=cwd)


def median(values):
    return statistics.median(values)


def made(name, sql, **places):
    """An input file of the benchmarks, made by a script of the folder sql where it is not there yet."""
    DATA.mkdir(parents=True, exist_ok=True)
    path = DATA / name
    if not path.exists():
        print(f"making {path}", file=sys.stderr)
        text = (BENCHES / "sql" / sql).read_text()
        for key, value in {**places, "path": path}.items():
            text = text.replace("{" + key + "}", str(value))
        wasmill(text)
    return path


def machine():
    """A line about what the figures were taken on."""
    model = platform.processor() or "unknown processor"
    try:
        model = next(l.split(":", 1)[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name"))
    except (OSError, StopIteration):
        pass
    version = subprocess.run([WASMILL, "--version"], capture_output=True, text=True).stdout.strip()
    return f"{version}; {os.cpu_count()} x {model}; {platform.system()} {platform.release()}"


def save(name, result):
    """Writes the figures of a run beside the data, as JSON."""
    path = DATA / f"{name}.result.json"
    path.write_text(json.dumps({"machine": machine(), "taken": time.strftime("%Y-%m-%d"), **result}, indent=1) + "\n")
    print(f"figures: {path}", file=sys.stderr)


def table(heads, rows):
    """Prints a table in Markdown."""
    rows = [[str(c) for c in row] for row in rows]
    widths = [max(len(r[i]) for r in [heads, *rows]) for i in range(len(heads))]
    line = lambda row: "| " + " | ".join(c.ljust(w) for c, w in zip(row, widths)) + " |"
    print(line(heads), "|" + "|".join("-" * (w + 2) for w in widths) + "|", *map(line, rows), sep="\n", flush=True)
