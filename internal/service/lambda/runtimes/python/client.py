# The Runtime API, over one kept connection: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
import sys
import time
from _socket import IPPROTO_TCP, TCP_NODELAY, socket


class FaultException(Exception):
    """An error that the runtime itself reports of a function."""

    def __init__(self, exception_type, msg, trace=None):
        super().__init__(msg)
        self.exception_type, self.msg, self.trace = exception_type, msg, trace


class LambdaMarshaller:
    def unmarshal_request(self, request, content_type="application/json"):
        if content_type != "application/json":
            return request
        try:
            return loads(request)
        except Exception as e:
            raise FaultException("Runtime.UnmarshalError", "Unable to unmarshal input: %s" % e)

    def marshal_response(self, response):
        if isinstance(response, bytes):
            return response, "application/unknown"
        try:
            return encoded(to_json(response)), "application/json"
        except Exception as e:
            raise FaultException("Runtime.MarshalError", "Unable to marshal response: %s" % e)


class LambdaRuntimeClient:
    """Requests over one kept connection."""

    marshaller = LambdaMarshaller()

    def __init__(self, address):
        host, _, port = address.rpartition(":")
        self.peer = (host, int(port)) if host else (port, 80)
        self.tail = (" HTTP/1.1\r\nHost: %s\r\n" % address).encode()
        self.socket, self.rest = None, b""

    def post_init_error(self, error, error_type=None):
        self.post("init/error", encoded(to_json(error)), error_type or error["errorType"])

    def wait_next_invocation(self):
        status, headers, body = self.call(b"GET /2018-06-01/runtime/invocation/next" + self.tail + b"\r\n")
        if status != 200:
            sys.exit("LAMBDA_RUNTIME Failed to get next invocation: %d %s" % (status, str(body, "utf-8", "replace")))
        return headers, body

    def post_invocation_result(self, invoke_id, result, content_type="application/json", invocation_id=None):
        body = result if isinstance(result, bytes) else encoded(result)
        self.post("invocation/%s/response" % invoke_id, body, content_type=content_type)

    def post_invocation_error(self, invoke_id, error, xray_fault=None, invocation_id=None, error_type=""):
        self.post("invocation/%s/error" % invoke_id, encoded(error), error_type)

    def post(self, path, body, error_type="", content_type="application/json"):
        head = "Content-Type: %s\r\nContent-Length: %d\r\n" % (content_type, len(body))
        if error_type:
            kind = "".join(c for c in error_type if " " <= c <= "~")
            head += "Lambda-Runtime-Function-Error-Type: %s\r\n" % kind
        head = b"POST /2018-06-01/runtime/" + path.encode() + self.tail + head.encode() + b"\r\n"
        status, _, answer = self.call(head, body)
        if status != 202:
            record("[ERROR] [%d] LAMBDA_RUNTIME Failed to post handler success response. Http response code: %s. %s"
                   % (time.time() * 1000, status or "none", str(answer, "utf-8", "replace")))

    def call(self, head, body=b""):
        if self.socket is None:
            self.socket, self.rest = socket(), b""
            self.socket.connect(self.peer)
            self.socket.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        try:
            if len(body) < 65536:
                self.socket.sendall(head + body)
            else:
                self.socket.sendall(head)
                self.socket.sendall(body)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the server has refused a body that is too large: its answer may still be there
        try:
            return self.answer()
        except ConnectionResetError:
            self.close()
            return 0, {}, b""

    def answer(self):
        data = self.rest
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self.receive()
        status, *lines = str(data[:end], "latin-1").split("\r\n")
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        body, size = data[end + 4 :], int(headers.get("content-length", 0))
        if len(body) < size:
            body = self.more(body, size)
        self.rest = body[size:]
        if headers.get("connection", "").lower() == "close":
            self.close()
        return int(status.split(" ", 2)[1]), headers, bytes(body[:size])

    def more(self, start, size):
        body = bytearray(size)
        view, have = memoryview(body), len(start)
        body[:have] = start
        while have < size:
            n = self.socket.recv_into(view[have:])
            if not n:
                sys.exit(0)
            have += n
        return body

    def receive(self):
        data = self.socket.recv(65536)
        if not data:
            sys.exit(0)  # the environment is being shut down
        return data

    def close(self):
        self.socket.close()
        self.socket = None
