# What the runtime itself writes, and logging. A record of several lines stays one event of the log.
import os
import sys
import time

NBSP = "\u00a0"  # keeps the indentation of traces in log viewers
JSON_LOGS = os.environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON"

request_id = tenant_id = None  # of the invocation


def record(text):
    """Write what belongs together as one event of the log: line breaks are written as carriage returns."""
    write(text.rstrip("\n").replace("\n", "\r") + "\n")


def write(text):
    data = text.encode("utf-8", "backslashreplace")
    try:
        while data:
            data = data[os.write(1, data) :]
    except OSError:  # the function has closed it
        pass


class LogSink:
    def log(self, msg, frame_type=None):
        record(msg)

    def log_error(self, lines):
        record("\n".join(lines))


def log_error(error, log_sink):
    if JSON_LOGS:
        now = time.time()
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + ".%03dZ" % (now % 1 * 1000)
        return log_sink.log_error([to_json({"timestamp": stamp, "level": "ERROR", **error})])
    head = " ".join(x for x in ("[ERROR]", error["errorType"] and error["errorType"] + ":" * bool(error["errorMessage"]), error["errorMessage"]) if x)
    lines = [head, "Traceback (most recent call last):"]
    for frame in error["stackTrace"]:
        for line in frame.splitlines() or [""]:
            text = line.lstrip(" ")
            lines.append(NBSP * (len(line) - len(text)) + text)
    log_sink.log_error(lines)


class LoggingHook:
    """Sets logging up when a function imports it, and costs nothing if none does."""

    def find_spec(self, name, path=None, target=None):
        if name != "logging":
            return None
        import importlib.util

        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        load = spec.loader.exec_module

        def exec_module(module):
            load(module)
            set_up_logging(module)

        spec.loader.exec_module = exec_module
        return spec


def set_up_logging(logging):
    import runtime_log

    runtime_log.set_up(logging, LogSink(), JSON_LOGS, os.environ.get("AWS_LAMBDA_LOG_LEVEL", ""), lambda: (request_id, tenant_id))
