// A program on the AWS SDK for JavaScript.

import { DynamoDBClient, ListTablesCommand } from "@aws-sdk/client-dynamodb";
import { GetObjectCommand, ListBucketsCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { setTimeout } from "node:timers/promises";

const s3 = new S3Client({});

async function read(Bucket, Key) {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
  return Body.transformToString();
}

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
    console.log(await read(Bucket, Key));
  },
  async loop(Bucket, Key, seconds) {
    const end = Date.now() + seconds * 1000;
    while (Date.now() < end) {
      const text = new Date().toISOString();
      await tasks.put(Bucket, Key, text);
      const got = await read(Bucket, Key);
      if (got !== text) throw new Error(`put ${text}, got ${got}`);
      await setTimeout(1000);
    }
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
