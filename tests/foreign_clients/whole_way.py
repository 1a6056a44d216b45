"""What a pod's program does: no credentials in sight, only a role and a token file in the environment."""

import json
import os

import boto3
from botocore.exceptions import ClientError


def refused(call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        return {
            "code": error.response["Error"]["Code"],
            "message": error.response["Error"]["Message"],
            "status": error.response["ResponseMetadata"]["HTTPStatusCode"],
        }
    raise SystemExit(f"{arguments} was not refused")


sts, s3 = boto3.client("sts"), boto3.client("s3")
discovery = s3.get_object(Bucket="irsa-mint-oidc", Key=".well-known/openid-configuration")
token = open(os.environ["AWS_WEB_IDENTITY_TOKEN_FILE"]).read()
print(
    json.dumps(
        {
            "arn": sts.get_caller_identity()["Arn"],
            "buckets": [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]],
            "issuer": json.load(discovery["Body"])["issuer"],
            "denied": refused(s3.put_object, Bucket="irsa-mint-oidc", Key="keys.json", Body=b"{}"),
            "missing_role": refused(
                sts.assume_role_with_web_identity,
                RoleArn="arn:aws:iam::123456789012:role/does-not-exist",
                RoleSessionName="test",
                WebIdentityToken=token,
            ),
        }
    )
)
