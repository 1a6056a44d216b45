"""Calls for three short lives of a session, with a new token before each: one client refreshes, one does not."""

import json
import os
import shutil
import sys
import time

import boto3
import botocore.exceptions

life, tokens = float(sys.argv[1]), sys.argv[2:]
token_file = os.environ["AWS_WEB_IDENTITY_TOKEN_FILE"]
shutil.copy(tokens[0], token_file)
session = boto3.Session()
frozen = session.get_credentials().get_frozen_credentials()
stubborn = boto3.Session(
    aws_access_key_id=frozen.access_key,
    aws_secret_access_key=frozen.secret_key,
    aws_session_token=frozen.token,
).client("sts")
refreshing = session.client("sts")
keys, calls = set(), 0
for token in tokens:
    shutil.copy(token, token_file + ".new")
    os.replace(token_file + ".new", token_file)
    refreshing.get_caller_identity()
    calls += 1
    keys.add(session.get_credentials().get_frozen_credentials().access_key)
    time.sleep(life + 0.5)
try:
    stubborn.get_caller_identity()
    refused = None
except botocore.exceptions.ClientError as error:
    refused = error.response["Error"]["Code"]
print(json.dumps({"calls": calls, "keys": len(keys), "refused": refused}))
