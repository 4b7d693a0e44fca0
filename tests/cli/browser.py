# SPDX-License-Identifier: GPL-3.0-or-later
"""A headless Chromium that a test steers over a pipe, with the DevTools protocol."""

import json
import os
import pathlib
import signal
import shutil
import subprocess
import tempfile
import time

from harness import Failure, need

LIMIT_S = 60
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
         "--disable-dev-shm-usage", "--remote-debugging-pipe"]


class Browser:
    """One page: what it asks for and says is kept from the first moment on."""

    def __init__(self):
        program = need("chromium")
        self.profile = tempfile.TemporaryDirectory(prefix="kvroof-chromium-")
        to_read, self.to_browser = os.pipe()
        self.from_browser, to_write = os.pipe()
        # The browser reads commands from file 3 and answers on file 4.
        # What it and its helpers leave in the folder for temporary files is removed with the rest.
        self.process = subprocess.Popen(
            ["sh", "-c", f'exec "$@" 3<&{to_read} 4>&{to_write}', "sh", program, *FLAGS,
             "--user-data-dir=" + self.profile.name, "about:blank"],
            pass_fds=(to_read, to_write), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, env=dict(os.environ, TMPDIR=self.profile.name),
            start_new_session=True)
        os.close(to_read)
        os.close(to_write)
        self.buffer, self.number, self.events, self.session = b"", 0, [], None

    def __enter__(self):
        pages = [target for target in self.call("Target.getTargets")["targetInfos"]
                 if target["type"] == "page"]
        target = pages[0]["targetId"] if pages else self.call(
            "Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target,
                                 flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(domain + ".enable")
        return self

    def __exit__(self, *_):
        os.close(self.to_browser)
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self.from_browser)
        for _ in range(50):  # its children may still write there, for as long as they end
            shutil.rmtree(self.profile.name, ignore_errors=True)
            if not os.path.exists(self.profile.name):
                break
            time.sleep(.1)
        self.profile.cleanup()

    def receive(self):
        """The next message; a browser that says nothing for too long has failed."""
        def too_late(*_):
            raise Failure(f"the browser says nothing within {LIMIT_S} s")
        previous = signal.signal(signal.SIGALRM, too_late)
        signal.alarm(LIMIT_S)
        try:
            while b"\0" not in self.buffer:
                got = os.read(self.from_browser, 1 << 16)
                if not got:
                    raise Failure("the browser ended")
                self.buffer += got
        finally:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, previous)
        message, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(message)

    def call(self, method, **parameters):
        """One command and its answer."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to_browser, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise Failure(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def open(self, path):
        """Loads a file and waits for it."""
        before = len(self.events)
        self.call("Page.navigate", url=pathlib.Path(path).resolve().as_uri())
        waited_for = ["Page.frameNavigated", "Page.loadEventFired"]
        while waited_for:
            if before == len(self.events):
                self.events.append(self.receive())
            if self.events[before].get("method") == waited_for[0]:
                waited_for.pop(0)
            before += 1

    def evaluate(self, expression):
        """The value of a JavaScript expression in the page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in answer:
            raise Failure(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def look(self, width, scheme="light", media=""):
        """The size of the window, light or dark, screen or print."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900,
                  deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", media=media,
                  features=[{"name": "prefers-color-scheme", "value": scheme}])

    def requests(self):
        """The addresses that were asked for."""
        return [event["params"]["request"]["url"] for event in self.events
                if event.get("method") == "Network.requestWillBeSent"]

    def complaints(self):
        """What stands in the console."""
        return [event["params"] for event in self.events if event.get("method") in
                ("Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled")]
