"""The runtime of Python functions: it speaks the Lambda Runtime API and calls the handler.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""
import importlib
import json
import os
import socket
import sys
import time

NBSP = "\u00a0"  # keeps the indentation of traces in log viewers
request_id = None


class Fault(Exception):
    """An error that the runtime itself reports of a function."""

    def __init__(self, kind, message, trace=None):
        super().__init__(message)
        self.kind, self.trace = kind, trace


class Client:
    """Requests to the Runtime API over one kept connection."""

    def __init__(self, address):
        host, _, port = address.partition(":")
        self.peer = (host, int(port or 80))
        self.host = ("\r\nHost: %s\r\n" % address).encode()
        self.socket, self.rest = None, b""

    def call(self, method, path, body=b"", headers=b""):
        head = b"%s /2018-06-01/runtime/%s HTTP/1.1%s%s" % (method, path, self.host, headers)
        if method == b"POST":
            head += b"Content-Type: application/json\r\nContent-Length: %d\r\n" % len(body)
        if self.socket is None:
            self.socket = socket.create_connection(self.peer)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.rest = b""
        try:
            self.socket.sendall(head + b"\r\n" + body)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the server has refused a body that is too large: its answer may still be there
        return self.answer()

    def answer(self):
        data = self.rest
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self.receive()
        lines = data[:end].decode("latin-1").split("\r\n")
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        size = end + 4 + int(headers.get("content-length", 0))
        if len(data) < size:
            parts, have = [data], len(data)
            while have < size:
                parts.append(self.receive())
                have += len(parts[-1])
            data = b"".join(parts)
        self.rest = data[size:]
        if headers.get("connection", "").lower() == "close":
            self.socket.close()
            self.socket = None
        return int(lines[0].split(" ", 2)[1]), headers, data[end + 4 : size]

    def receive(self):
        data = self.socket.recv(1 << 20)
        if not data:
            sys.exit(0)  # the environment is being shut down
        return data


class ClientContextClient:
    def __init__(self, given):
        for name in ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name"):
            setattr(self, name, given.get(name))


class ClientContext:
    def __init__(self, given):
        self.custom, self.env = given.get("custom"), given.get("env")
        client = given.get("client")
        self.client = ClientContextClient(client) if client else None


class CognitoIdentity:
    def __init__(self, given):
        self.cognito_identity_id = given.get("cognitoIdentityId")
        self.cognito_identity_pool_id = given.get("cognitoIdentityPoolId")


class LambdaContext:
    """https://docs.aws.amazon.com/lambda/latest/dg/python-context.html"""

    def __init__(self, headers):
        self.aws_request_id = headers["lambda-runtime-aws-request-id"]
        self.log_group_name = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.function_name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
        self.memory_limit_in_mb = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.invoked_function_arn = headers.get("lambda-runtime-invoked-function-arn")
        self.tenant_id = headers.get("lambda-runtime-aws-tenant-id")
        self.client_context = parsed(headers.get("lambda-runtime-client-context"), ClientContext, "Client Context")
        self.identity = parsed(headers.get("lambda-runtime-cognito-identity") or "{}", CognitoIdentity, "Cognito Identity")
        self._epoch_deadline_time_in_ms = int(headers.get("lambda-runtime-deadline-ms", 0))

    def get_remaining_time_in_millis(self):
        return max(int(self._epoch_deadline_time_in_ms - time.time() * 1000), 0)

    def log(self, message):
        sys.stdout.write(str(message))

    def __repr__(self):
        names = ("aws_request_id", "log_group_name", "log_stream_name", "function_name", "memory_limit_in_mb",
                 "function_version", "invoked_function_arn", "client_context", "identity", "tenant_id")
        return "LambdaContext([%s])" % ",".join("%s=%s" % (n, getattr(self, n)) for n in names)


def parsed(text, kind, name):
    if not text:
        return None
    try:
        return kind(json.loads(text))
    except Exception as e:
        raise Fault("Runtime.LambdaContextUnmarshalError", "Unable to parse %s JSON: %s" % (name, e))


def plain(value):
    """What json does not know, as AWS writes it."""
    decimal = sys.modules.get("decimal")
    if decimal and isinstance(value, decimal.Decimal):
        return float(value)
    raise TypeError("Object of type %s is not JSON serializable" % type(value).__name__)


def marshal(value, ascii=False):
    return json.dumps(value, default=plain, ensure_ascii=ascii).encode("utf-8", "surrogatepass")


def load(name):
    """Find the handler: module.function, with slashes or dots between packages."""
    module, dot, function = name.rpartition(".")
    if not dot:
        raise Fault("Runtime.MalformedHandlerName", "Bad handler '%s': not enough values to unpack (expected 2, got 1)" % name)
    if module.split(".")[0] in sys.builtin_module_names:
        raise Fault("Runtime.BuiltInModuleConflict", "Cannot use built-in module %s as a handler module" % module)
    try:
        loaded = importlib.import_module(module.replace("/", "."))
    except ImportError as e:
        raise Fault("Runtime.ImportModuleError", "Unable to import module '%s': %s" % (module, e))
    except SyntaxError as e:
        trace = ['  File "%s" Line %s\n    %s' % (e.filename, e.lineno, e.text)]
        raise Fault("Runtime.UserCodeSyntaxError", "Syntax error in module '%s': %s" % (module, e), trace)
    try:
        return getattr(loaded, function)
    except AttributeError:
        raise Fault("Runtime.HandlerNotFound", "Handler '%s' missing on module '%s'" % (function, module))


def describe(error, invocation=""):
    """The error as a function's answer."""
    if isinstance(error, Fault):
        kind, trace = error.kind, error.trace or []
    else:
        import traceback
        frames = [(f.filename, f.lineno, f.name, f.line) for f in traceback.extract_tb(error.__traceback__)]
        while frames and frames[0][0].endswith("/bootstrap.py") and len(frames) > 1:
            frames = frames[1:]
        kind, trace = type(error).__name__, traceback.format_list(frames)
    return {"errorMessage": str(error), "errorType": kind, "requestId": invocation, "stackTrace": trace}


def log_error(result):
    lines = ["[ERROR] %s%s" % (result["errorType"], ": " + result["errorMessage"] if result["errorMessage"] else "")]
    lines.append("Traceback (most recent call last):")
    for frame in result["stackTrace"]:
        for line in frame.splitlines() or [""]:
            text = line.lstrip(" ")
            lines.append(NBSP * (len(line) - len(text)) + text)
    sys.stdout.write("\r".join(line.replace("\n", "\r") for line in lines) + "\n")


class LoggingHook:
    """Gives the root logger Lambda's handler when a function imports logging, and costs nothing if none does."""

    def find_spec(self, name, path=None, target=None):
        if name != "logging":
            return None
        import importlib.util
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        load = spec.loader.exec_module

        def exec_module(module):
            load(module)
            set_up(module)

        spec.loader.exec_module = exec_module
        return spec


def set_up(logging):
    class Handler(logging.Handler):
        def emit(self, record):
            sys.stdout.write(self.format(record).replace("\n", "\r") + "\n")

    class Filter(logging.Filter):
        def filter(self, record):
            record.aws_request_id = request_id or ""
            return True

    form = logging.Formatter("[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s", "%Y-%m-%dT%H:%M:%S")
    form.converter = time.gmtime
    handler = Handler()
    handler.setFormatter(form)
    handler.addFilter(Filter())
    logging.getLogger().addHandler(handler)


def handle(client, handler):
    """Take one event and answer it."""
    global request_id
    status, headers, body = client.call(b"GET", b"invocation/next")
    if status != 200:
        sys.exit("the Runtime API answered %d: %s" % (status, body.decode("utf-8", "replace")))
    request_id = headers["lambda-runtime-aws-request-id"]
    os.environ["_X_AMZN_TRACE_ID"] = headers.get("lambda-runtime-trace-id", "")
    failed = None
    try:
        context = LambdaContext(headers)
        try:
            event = json.loads(body)
        except Exception as e:
            raise Fault("Runtime.UnmarshalError", "Unable to unmarshal input: %s" % e)
        result = handler(event, context)
        try:
            answer = marshal(result, ASCII)
        except Exception as e:
            raise Fault("Runtime.MarshalError", "Unable to marshal response: %s" % e)
    except Exception as e:
        failed = describe(e, request_id)
        log_error(failed)
    finish_output(request_id)
    where = b"invocation/%s/" % request_id.encode()
    if failed is None:
        client.call(b"POST", where + b"response", answer)
    else:
        client.call(b"POST", where + b"error", marshal(failed), error_type(failed))


def finish_output(invocation):
    """Mark in the output where the invocation ends."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.write(1, b"\0%s\n" % invocation.encode())


def error_type(result):
    kind = "".join(c for c in result["errorType"] if c.isascii() and c.isprintable())
    return b"Lambda-Runtime-Function-Error-Type: %s\r\n" % kind.encode()


def main():
    client = Client(os.environ["AWS_LAMBDA_RUNTIME_API"])
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
    sys.path[0:0] = [os.getcwd()]
    if "logging" in sys.modules:
        set_up(sys.modules["logging"])
    else:
        sys.meta_path.insert(0, LoggingHook())
    try:
        handler = load(os.environ.get("_HANDLER", ""))
    except Exception as e:
        failed = describe(e)
        log_error(failed)
        client.call(b"POST", b"init/error", marshal(failed), error_type(failed))
        sys.exit(1)
    while True:
        handle(client, handler)


# Before Python 3.12 AWS escapes what is not ASCII.
ASCII = sys.version_info < (3, 12)

if __name__ == "__main__":
    main()
