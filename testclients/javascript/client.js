// A program on the AWS SDK for JavaScript.

import { DynamoDBClient, ListTablesCommand } from "@aws-sdk/client-dynamodb";
import { GetObjectCommand, ListBucketsCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";

const s3 = new S3Client({});

const tasks = {
  async identity() {
    const { Arn } = await new STSClient({}).send(new GetCallerIdentityCommand({}));
    console.log(Arn);
  },
  async buckets() {
    const { Buckets } = await s3.send(new ListBucketsCommand({}));
    for (const { Name } of Buckets) console.log(Name);
  },
  async put(Bucket, Key, Body) {
    await s3.send(new PutObjectCommand({ Bucket, Key, Body }));
  },
  async get(Bucket, Key) {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
    console.log(await Body.transformToString());
  },
  async tables() {
    const { TableNames } = await new DynamoDBClient({}).send(new ListTablesCommand({}));
    for (const name of TableNames) console.log(name);
  },
};

const [task, ...words] = process.argv.slice(2);
try {
  await tasks[task](...words);
} catch (error) {
  console.error(`${error.name}: ${error.message}`);
  process.exitCode = 1;
}
