"""A program on boto3."""

import sys
import time

import boto3
from botocore.exceptions import BotoCoreError, ClientError


def main(words):
    s3 = boto3.client("s3")
    match words:
        case ["identity"]:
            print(boto3.client("sts").get_caller_identity()["Arn"])
        case ["buckets"]:
            for bucket in s3.list_buckets()["Buckets"]:
                print(bucket["Name"])
        case ["put", bucket, key, text]:
            s3.put_object(Bucket=bucket, Key=key, Body=text.encode())
        case ["get", bucket, key]:
            print(s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode())
        case ["loop", bucket, key, seconds]:
            end = time.monotonic() + float(seconds)
            while time.monotonic() < end:
                put = str(time.monotonic()).encode()
                s3.put_object(Bucket=bucket, Key=key, Body=put)
                got = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
                if got != put:
                    sys.exit(f"put {put}, got {got}")
                time.sleep(1)
        case _:
            sys.exit(f"unknown words: {words}")


try:
    main(sys.argv[1:])
except (BotoCoreError, ClientError) as error:
    sys.exit(str(error))
