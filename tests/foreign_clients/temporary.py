"""Temporary credentials by boto3: prints what it saw as one JSON object."""

import json

import boto3
from botocore.exceptions import ClientError


def client(service, credentials=None):
    if credentials is None:
        return boto3.client(service)
    return boto3.client(
        service,
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
    )


def refusal(call, **parameters):
    try:
        call(**parameters)
    except ClientError as error:
        return error.response["Error"]
    return None


sts = client("sts")
session = sts.get_session_token(DurationSeconds=900)["Credentials"]
policy = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}],
}
federated = sts.get_federation_token(
    Name="bob", Policy=json.dumps(policy), Tags=[{"Key": "team", "Value": "a"}]
)
bob = federated["Credentials"]
invalid = sts.exceptions.InvalidAuthorizationMessageException
try:
    sts.decode_authorization_message(EncodedMessage="x")
except invalid as error:
    decoded = error.response["Error"]["Code"]

print(
    json.dumps(
        {
            "session": client("sts", session).get_caller_identity()["Arn"],
            "session_at_iam": refusal(client("iam", session).get_user),
            "session_again": refusal(client("sts", session).get_session_token),
            "federated": federated["FederatedUser"],
            "packed": federated["PackedPolicySize"],
            "identity": client("sts", bob).get_caller_identity()["UserId"],
            "buckets": client("s3", bob).list_buckets()["Buckets"],
            "forbidden": refusal(client("s3", bob).create_bucket, Bucket="new"),
            "account": sts.get_access_key_info(AccessKeyId=bob["AccessKeyId"])["Account"],
            "decoded": decoded,
        }
    )
)
