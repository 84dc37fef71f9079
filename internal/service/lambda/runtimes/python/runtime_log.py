"""The logging of Python functions, as Lambda sets it up: https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html

The runtime imports it when a function imports logging.
"""
import json
import time


def set_up(logging, sink, structured, level, current):
    """Give the root logger a handler. current tells the ids of the request and of the tenant."""

    class LambdaLoggerHandler(logging.Handler):
        log_sink = sink

        def emit(self, record):
            sink.log(self.format(record))

    class LambdaLoggerFilter(logging.Filter):
        def filter(self, record):
            request, record.tenant_id = current()
            record.aws_request_id = request or ""
            return True

    class JsonFormatter(logging.Formatter):
        def format(self, record):
            return structure(logging, record)

    logging.Formatter.converter = time.gmtime
    handler = LambdaLoggerHandler()
    if structured:
        handler.setFormatter(JsonFormatter())
    else:
        layout = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n"
        handler.setFormatter(logging.Formatter(layout, "%Y-%m-%dT%H:%M:%S"))
    handler.addFilter(LambdaLoggerFilter())
    root = logging.getLogger()
    level = {"TRACE": "DEBUG"}.get(level.upper(), level.upper())
    if level in logging._nameToLevel:
        root.setLevel(level)
    root.addHandler(handler)


# What every record has. All else was given by the function, and is logged.
RESERVED = frozenset(
    "name msg args levelname levelno pathname filename module exc_info exc_text stack_info lineno funcName created msecs "
    "relativeCreated thread threadName processName process aws_request_id tenant_id _frame_type".split()
)


def structure(logging, record):
    """The record as a line of JSON."""
    record.levelno = min(50, max(0, record.levelno)) // 10 * 10
    record.levelname = logging.getLevelName(record.levelno)
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + ".%03dZ" % (record.created % 1 * 1000)
    result = {"timestamp": stamp, "level": record.levelname, "message": record.getMessage(), "logger": record.name}
    if record.exc_info and record.exc_info[0]:
        import traceback

        kind, error, trace = record.exc_info
        result["stackTrace"] = traceback.format_tb(trace)
        result["errorType"] = kind.__name__
        result["errorMessage"] = str(error)
    result["requestId"] = record.aws_request_id
    if record.exc_info:
        result["location"] = "%s:%s:%s" % (record.pathname, record.funcName, record.lineno)
    if record.tenant_id is not None:
        result["tenantId"] = record.tenant_id
    for name, value in record.__dict__.items():
        if name not in RESERVED and name not in result and value is not None:
            result[name] = value
    return json.dumps(result, ensure_ascii=False)
