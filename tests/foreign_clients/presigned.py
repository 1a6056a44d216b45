"""Presigned requests of boto3, sent by plain HTTP: upload, look, read, list and delete."""

import sys
import urllib.error
import urllib.request

import boto3
from botocore.config import Config

bucket, key = sys.argv[1], "key ü+"
s3 = boto3.client("s3", config=Config(signature_version="s3v4"))


def send(operation, method, body=None, headers={}, **parameters):
    url = s3.generate_presigned_url(
        operation, Params={"Bucket": bucket, **parameters}, ExpiresIn=60, HttpMethod=method
    )
    request = urllib.request.Request(url, data=body, method=method, headers=headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request) as answer:
            return answer.status, answer.read().decode(), answer.headers
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(), error.headers


def check(seen, expected):
    if seen != expected:
        sys.exit(f"{seen} is not {expected}")


plain = {"Content-Type": "text/plain"}
check(send("put_object", "PUT", b"uploaded", plain, Key=key, ContentType="text/plain")[0], 200)
check(send("put_object", "PUT", b"uploaded", {}, Key=key, ContentType="text/plain")[0], 403)
check(send("get_object", "GET", Key=key)[:2], (200, "uploaded"))
named = send("get_object", "GET", Key=key, ResponseContentDisposition="attachment")
check(named[2]["Content-Disposition"], "attachment")
check(send("head_object", "HEAD", Key=key)[2]["Content-Length"], "8")
check("<KeyCount>1</KeyCount>" in send("list_objects_v2", "GET", Prefix="key")[1], True)
check(send("delete_object", "DELETE", Key=key)[0], 204)
check(send("get_object", "GET", Key=key)[0], 404)
check(send("put_object", "PUT", b"uploaded", Key=key)[0], 200)
print("ok")
