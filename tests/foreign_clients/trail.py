"""Looks the sandbox's event history up, as an auditor does."""

import datetime
import json

import boto3
import botocore.exceptions

trail = boto3.client("cloudtrail", region_name="us-east-1")
pages = trail.get_paginator("lookup_events").paginate(
    LookupAttributes=[
        {"AttributeKey": "EventName", "AttributeValue": "AssumeRoleWithWebIdentity"}
    ],
    StartTime=datetime.datetime.now(datetime.timezone.utc)
    - datetime.timedelta(hours=1),
    PaginationConfig={"PageSize": 1},
)
events = [event for page in pages for event in page["Events"]]
try:
    trail.lookup_events(EndTime=1, StartTime=2)
    refused = None
except botocore.exceptions.ClientError as error:
    refused = error.response["Error"]["Code"]
print(
    json.dumps(
        {
            "times": [str(type(event["EventTime"]).__name__) for event in events],
            "resources": [
                resource["ResourceName"]
                for event in events
                for resource in event["Resources"]
            ],
            "users": [
                json.loads(event["CloudTrailEvent"])["userIdentity"]["userName"]
                for event in events
            ],
            "refused": refused,
        }
    )
)
