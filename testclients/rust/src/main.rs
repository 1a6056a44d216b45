//! A program on the AWS SDK for Rust.

use std::error::Error;
use std::process::ExitCode;

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
            let body = text.as_bytes().to_vec().into();
            let put = s3.put_object().bucket(*bucket).key(*key).body(body);
            put.send().await?;
        }
        ["get", bucket, key] => {
            let answer = s3.get_object().bucket(*bucket).key(*key).send().await?;
            let body = answer.body.collect().await?.to_vec();
            println!("{}", String::from_utf8(body)?);
        }
        _ => return Err(format!("unknown words: {words:?}").into()),
    }
    Ok(())
}
