"""Rotates a secret in the four steps of Secrets Manager, with nothing but Python's own library."""
import datetime
import hashlib
import hmac
import json
import os
import urllib.error
import urllib.request


def handler(event, context):
    print(json.dumps({"step": event["Step"], "rotationToken": bool(event["RotationToken"])}))
    globals()[event["Step"]](event["SecretId"], event["ClientRequestToken"])


def createSecret(secret, token):
    call("GetSecretValue", SecretId=secret)
    try:
        call("GetSecretValue", SecretId=secret, VersionId=token, VersionStage="AWSPENDING")
    except urllib.error.HTTPError as err:
        if b"ResourceNotFoundException" not in err.read():
            raise
        password = call("GetRandomPassword", PasswordLength=40)["RandomPassword"]
        call("PutSecretValue", SecretId=secret, ClientRequestToken=token, SecretString=password, VersionStages=["AWSPENDING"])


def setSecret(secret, token):
    if os.environ.get("FAILS"):
        raise Exception("the database is away")


def testSecret(secret, token):
    call("GetSecretValue", SecretId=secret, VersionId=token, VersionStage="AWSPENDING")
    if os.environ.get("FAILS"):
        raise Exception("the database is away")


def finishSecret(secret, token):
    stages = call("DescribeSecret", SecretId=secret)["VersionIdsToStages"]
    current = [v for v in stages if "AWSCURRENT" in stages[v]][0]
    if current != token:
        call("UpdateSecretVersionStage", SecretId=secret, VersionStage="AWSCURRENT", MoveToVersionId=token, RemoveFromVersionId=current)


def sign(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def call(operation, **parameters):
    """Calls Secrets Manager, signed with the credentials of the function's role."""
    body, region = json.dumps(parameters), os.environ["AWS_REGION"]
    endpoint = os.environ["AWS_ENDPOINT_URL"]
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    headers = {
        "content-type": "application/x-amz-json-1.1", "host": endpoint.split("//")[1], "x-amz-date": now,
        "x-amz-security-token": os.environ["AWS_SESSION_TOKEN"], "x-amz-target": "secretsmanager." + operation,
    }
    names = ";".join(sorted(headers))
    canonical = "\n".join(["POST", "/", ""] + [k + ":" + headers[k] for k in sorted(headers)] + ["", names, hashlib.sha256(body.encode()).hexdigest()])
    scope = "/".join([now[:8], region, "secretsmanager", "aws4_request"])
    text = "\n".join(["AWS4-HMAC-SHA256", now, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = ("AWS4" + os.environ["AWS_SECRET_ACCESS_KEY"]).encode()
    for part in scope.split("/"):
        key = sign(key, part)
    signature = sign(key, text).hex()
    headers["authorization"] = "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s" % (
        os.environ["AWS_ACCESS_KEY_ID"], scope, names, signature)
    request = urllib.request.Request(endpoint, body.encode(), headers)
    with urllib.request.urlopen(request) as answer:
        return json.loads(answer.read() or b"{}")
