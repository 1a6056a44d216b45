import java.time.Instant;
import java.util.List;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.sts.StsClient;

/** A program on the AWS SDK for Java. */
public class Client {
    public static void main(String[] words) throws InterruptedException {
        try {
            run(List.of(words));
        } catch (AwsServiceException refused) {
            System.err.println(refused.awsErrorDetails().errorCode() + ": " + refused.getMessage());
            System.exit(1);
        } catch (SdkException failed) {
            System.err.println(failed.getMessage());
            System.exit(1);
        }
    }

    private static void run(List<String> words) throws InterruptedException {
        S3Client s3 = S3Client.create();
        switch (words.get(0)) {
            case "identity" -> System.out.println(StsClient.create().getCallerIdentity().arn());
            case "buckets" -> s3.listBuckets().buckets().forEach(bucket -> System.out.println(bucket.name()));
            case "put" -> put(s3, words.get(1), words.get(2), words.get(3));
            case "get" -> System.out.println(get(s3, words.get(1), words.get(2)));
            case "loop" -> {
                Instant end = Instant.now().plusSeconds(Long.parseLong(words.get(3)));
                while (Instant.now().isBefore(end)) {
                    String text = Instant.now().toString();
                    put(s3, words.get(1), words.get(2), text);
                    String got = get(s3, words.get(1), words.get(2));
                    if (!got.equals(text)) {
                        throw new IllegalStateException("put " + text + ", got " + got);
                    }
                    Thread.sleep(1000);
                }
            }
            default -> throw new IllegalArgumentException("unknown words: " + words);
        }
    }

    private static void put(S3Client s3, String bucket, String key, String text) {
        s3.putObject(request -> request.bucket(bucket).key(key), RequestBody.fromString(text));
    }

    private static String get(S3Client s3, String bucket, String key) {
        return s3.getObjectAsBytes(request -> request.bucket(bucket).key(key)).asUtf8String();
    }
}
