// A program on the AWS SDK for Go.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

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
		body := strings.NewReader(words[3])
		_, err = client.PutObject(ctx, &s3.PutObjectInput{Bucket: &words[1], Key: &words[2], Body: body})
	case len(words) == 3 && words[0] == "get":
		answer, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: &words[1], Key: &words[2]})
		if err != nil {
			return nil, err
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		return append(printed, string(text)), err
	default:
		err = fmt.Errorf("unknown words: %v", words)
	}
	return printed, err
}
