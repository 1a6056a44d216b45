// A program on the AWS SDK for Go.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

func main() {
	printed, err := run(context.Background(), os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for _, line := range printed {
		fmt.Println(line)
	}
}

func run(ctx context.Context, words []string) (printed []string, err error) {
	shared, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, err
	}
	client := s3.NewFromConfig(shared)
	switch {
	case len(words) == 1 && words[0] == "identity":
		answer, err := sts.NewFromConfig(shared).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
		if err != nil {
			return nil, err
		}
		printed = append(printed, *answer.Arn)
	case len(words) == 1 && words[0] == "buckets":
		answer, err := client.ListBuckets(ctx, &s3.ListBucketsInput{})
		if err != nil {
			return nil, err
		}
		for _, bucket := range answer.Buckets {
			printed = append(printed, *bucket.Name)
		}
	case len(words) == 4 && words[0] == "put":
		err = put(ctx, client, words[1], words[2], words[3])
	case len(words) == 3 && words[0] == "get":
		text, err := get(ctx, client, words[1], words[2])
		return append(printed, text), err
	case len(words) == 4 && words[0] == "loop":
		life, err := time.ParseDuration(words[3] + "s")
		for end := time.Now().Add(life); err == nil && time.Now().Before(end); time.Sleep(time.Second) {
			text := time.Now().String()
			if err = put(ctx, client, words[1], words[2], text); err != nil {
				return nil, err
			}
			var got string
			if got, err = get(ctx, client, words[1], words[2]); err == nil && got != text {
				err = fmt.Errorf("put %q, got %q", text, got)
			}
		}
		return nil, err
	default:
		err = fmt.Errorf("unknown words: %v", words)
	}
	return printed, err
}

func put(ctx context.Context, client *s3.Client, bucket, key, text string) error {
	body := strings.NewReader(text)
	_, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: body})
	return err
}

func get(ctx context.Context, client *s3.Client, bucket, key string) (string, error) {
	answer, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return string(text), err
}
