"""A program that makes a new session for each call, and reads the token file all the while.

Prints how many calls it made, which tokens it presented to STS (by their `jti`), and how often it read the file.
A failed call or a partial file ends it with an error; four tokens and a thousand reads are enough.
"""

import base64
import json
import os
import sys
import threading
import time

import boto3
import botocore.session


def jti(token):
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["jti"]


limit = time.monotonic() + float(sys.argv[1])
presented, problems, calls, reads = set(), [], 0, 0


def goes_on():
    enough = len(presented) >= 4 and reads >= 1000
    return not enough and not problems and time.monotonic() < limit


def read():
    global reads
    while goes_on():
        try:
            with open(os.environ["AWS_WEB_IDENTITY_TOKEN_FILE"]) as file:
                jti(file.read())
            reads += 1
        except Exception as problem:
            problems.append(repr(problem))
            return
        time.sleep(0.001)


reader = threading.Thread(target=read)
reader.start()
while goes_on():
    core = botocore.session.Session()
    core.register(
        "before-parameter-build.sts.AssumeRoleWithWebIdentity",
        lambda params, **_: presented.add(jti(params["WebIdentityToken"])),
    )
    boto3.session.Session(botocore_session=core).client("sts").get_caller_identity()
    calls += 1
reader.join()
if problems:
    sys.exit(problems[0])
print(json.dumps({"calls": calls, "presented": sorted(presented), "reads": reads}))
