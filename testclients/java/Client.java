import java.util.List;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.sts.StsClient;

/** A program on the AWS SDK for Java. */
public class Client {
    public static void main(String[] words) {
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

    private static void run(List<String> words) {
        S3Client s3 = S3Client.create();
        switch (words.get(0)) {
            case "identity" -> System.out.println(StsClient.create().getCallerIdentity().arn());
            case "buckets" -> s3.listBuckets().buckets().forEach(bucket -> System.out.println(bucket.name()));
            case "put" -> s3.putObject(
                    request -> request.bucket(words.get(1)).key(words.get(2)), RequestBody.fromString(words.get(3)));
            case "get" -> System.out.println(
                    s3.getObjectAsBytes(request -> request.bucket(words.get(1)).key(words.get(2))).asUtf8String());
            default -> throw new IllegalArgumentException("unknown words: " + words);
        }
    }
}
