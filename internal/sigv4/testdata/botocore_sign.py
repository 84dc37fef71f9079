"""Signs the requests that stand as JSON on standard input with botocore's own signers and prints them as JSON."""
import base64
import io
import json
import sys

from botocore import auth, httpchecksum
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

SIGNERS = {
    "SigV4Auth": auth.SigV4Auth,
    "S3SigV4Auth": auth.S3SigV4Auth,
    "SigV4QueryAuth": auth.SigV4QueryAuth,
    "S3SigV4QueryAuth": auth.S3SigV4QueryAuth,
}


def sign(case):
    body = base64.b64decode(case["body"])
    request = AWSRequest(method=case["method"], url=case["url"], data=body)
    for name, value in case["headers"]:
        request.headers[name] = value
    if case["trailer"]:
        trailing_checksum(request, body, case["chunk"])
    credentials = Credentials(case["id"], case["secret"], case["token"] or None)
    args = {"expires": 900} if case["signer"].endswith("QueryAuth") else {}
    signer = SIGNERS[case["signer"]](credentials, case["service"], case["region"], **args)
    signer.add_auth(request)
    data = request.data.read() if case["trailer"] else request.data
    return {
        "url": request.url,
        "host": auth._host_from_url(request.url),
        "headers": list(request.headers.items()),
        "body": base64.b64encode(data).decode(),
    }


def trailing_checksum(request, body, chunk):
    """Does what botocore.httpchecksum does for a streaming upload over TLS."""
    name = "x-amz-checksum-crc32"
    request.context["checksum"] = {"request_algorithm": {"in": "trailer", "algorithm": "crc32", "name": name}}
    request.headers["X-Amz-Trailer"] = name
    request.headers["X-Amz-Decoded-Content-Length"] = str(len(body))
    request.headers["Content-Encoding"] = "aws-chunked"
    request.data = httpchecksum.AwsChunkedWrapper(
        io.BytesIO(body), checksum_cls=httpchecksum.Crc32Checksum, checksum_name=name, chunk_size=chunk
    )


json.dump([sign(case) for case in json.load(sys.stdin)], sys.stdout)
