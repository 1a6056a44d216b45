"""Makes what an exchange needs, and with `--more` what a large account holds beside it."""

import json
import sys
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.config import Config

ISSUER = "bench.example.org"
POOL = 8


def client(endpoint, key):
    return boto3.client(
        "iam",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=key["accessKeyId"],
        aws_secret_access_key=key["secretAccessKey"],
        config=Config(max_pool_connections=POOL, parameter_validation=False),
    )


def trust(account):
    return json.dumps({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": {"Federated": f"arn:aws:iam::{account}:oidc-provider/{ISSUER}"},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {
                "StringEquals": {f"{ISSUER}:aud": "sts.amazonaws.com"},
                "StringLike": {f"{ISSUER}:sub": "system:serviceaccount:bench:*"},
            },
        }],
    })


def main():
    started = json.loads(sys.argv[1])
    more = int(sys.argv[2]), int(sys.argv[3])
    for account in started["accounts"]:
        iam = client(started["endpoint"], account)
        document = trust(account["id"])

        def provider(host):
            iam.create_open_id_connect_provider(Url=f"https://{host}", ClientIDList=["sts.amazonaws.com"])

        def role(name):
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)

        provider(ISSUER)
        role("bench")
        with ThreadPoolExecutor(POOL) as pool:
            list(pool.map(role, (f"role-{number}" for number in range(more[0] - 1))))
            list(pool.map(provider, (f"other-{number}.example.org" for number in range(more[1] - 1))))


main()
