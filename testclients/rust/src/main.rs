//! A program on the AWS SDK for Rust.

use std::error::Error;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use aws_config::BehaviorVersion;
use aws_sdk_s3::error::DisplayErrorContext;
use aws_smithy_http_client::Builder;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match run(&words.iter().map(String::as_str).collect::<Vec<_>>()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", DisplayErrorContext(&*error));
            ExitCode::FAILURE
        }
    }
}

async fn run(words: &[&str]) -> Result<(), Box<dyn Error>> {
    let shared = aws_config::defaults(BehaviorVersion::latest())
        .http_client(Builder::new().build_http())
        .load()
        .await;
    let s3 = aws_sdk_s3::Client::new(&shared);
    match words {
        ["identity"] => {
            let sts = aws_sdk_sts::Client::new(&shared);
            let answer = sts.get_caller_identity().send().await?;
            println!("{}", answer.arn().unwrap_or_default());
        }
        ["buckets"] => {
            for bucket in s3.list_buckets().send().await?.buckets() {
                println!("{}", bucket.name().unwrap_or_default());
            }
        }
        ["put", bucket, key, text] => {
            put(&s3, bucket, key, text).await?;
        }
        ["get", bucket, key] => println!("{}", get(&s3, bucket, key).await?),
        ["loop", bucket, key, seconds] => {
            let life = Duration::from_secs(seconds.parse()?);
            let start = Instant::now();
            while start.elapsed() < life {
                let text = format!("{:?}", start.elapsed());
                put(&s3, bucket, key, &text).await?;
                let got = get(&s3, bucket, key).await?;
                if got != text {
                    return Err(format!("put {text}, got {got}").into());
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
        _ => return Err(format!("unknown words: {words:?}").into()),
    }
    Ok(())
}

async fn put(
    s3: &aws_sdk_s3::Client,
    bucket: &str,
    key: &str,
    text: &str,
) -> Result<(), Box<dyn Error>> {
    let body = text.as_bytes().to_vec().into();
    let put = s3.put_object().bucket(bucket).key(key).body(body);
    put.send().await?;
    Ok(())
}

async fn get(s3: &aws_sdk_s3::Client, bucket: &str, key: &str) -> Result<String, Box<dyn Error>> {
    let answer = s3.get_object().bucket(bucket).key(key).send().await?;
    let body = answer.body.collect().await?.to_vec();
    Ok(String::from_utf8(body)?)
}
