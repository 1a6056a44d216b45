"""Ctrl-C on a terminal: `terminal PROGRAM…` presses it once, `count` counts what arrives."""

import os
import pty
import signal
import sys
import time


def count():
    interrupts = 0

    def interrupted(*_):
        nonlocal interrupts
        interrupts += 1

    signal.signal(signal.SIGINT, interrupted)
    print("ready", flush=True)
    end = time.monotonic() + 30
    while interrupts == 0 and time.monotonic() < end:
        time.sleep(0.05)
    # A second one, that podpass passed on, would be here soon.
    time.sleep(0.5)
    print(f"interrupts: {interrupts}", flush=True)


def terminal(words):
    child, screen = pty.fork()
    if child == 0:
        os.execvp(words[0], words)
    shown, pressed = b"", False
    while True:
        try:
            read = os.read(screen, 4096)
        except OSError:
            break
        if not read:
            break
        shown += read
        if b"ready" in shown and not pressed:
            pressed = True
            os.write(screen, b"\x03")
    _, status = os.waitpid(child, 0)
    sys.stdout.buffer.write(shown)
    sys.stdout.flush()
    sys.exit(os.waitstatus_to_exitcode(status))


if sys.argv[1] == "count":
    count()
else:
    terminal(sys.argv[2:])
