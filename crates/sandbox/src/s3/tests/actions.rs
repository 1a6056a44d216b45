//! Which permission each operation needs, on which resource: specs/aws.md D.1.

use podpass_policy::ContextValue;

use super::*;

const BUCKET: &str = "arn:aws:s3:::docs";
const OBJECT: &str = "arn:aws:s3:::docs/a/b";

#[test]
fn asks_for_the_action_before_anything_else() {
    let tagging = "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>";
    for (method, path, action, resource, body) in [
        ("GET", "/", "s3:ListAllMyBuckets", "arn:aws:s3:::*", ""),
        ("PUT", "/other", "s3:CreateBucket", "arn:aws:s3:::other", ""),
        ("HEAD", "/docs", "s3:ListBucket", BUCKET, ""),
        ("DELETE", "/docs", "s3:DeleteBucket", BUCKET, ""),
        ("GET", "/docs", "s3:ListBucket", BUCKET, ""),
        ("GET", "/docs?list-type=2", "s3:ListBucket", BUCKET, ""),
        ("GET", "/docs?location", "s3:GetBucketLocation", BUCKET, ""),
        ("GET", "/docs?policy", "s3:GetBucketPolicy", BUCKET, ""),
        ("PUT", "/docs?policy", "s3:PutBucketPolicy", BUCKET, "{}"),
        (
            "DELETE",
            "/docs?policy",
            "s3:DeleteBucketPolicy",
            BUCKET,
            "",
        ),
        (
            "GET",
            "/docs?policyStatus",
            "s3:GetBucketPolicyStatus",
            BUCKET,
            "",
        ),
        (
            "GET",
            "/docs?publicAccessBlock",
            "s3:GetBucketPublicAccessBlock",
            BUCKET,
            "",
        ),
        (
            "PUT",
            "/docs?publicAccessBlock",
            "s3:PutBucketPublicAccessBlock",
            BUCKET,
            "<x/>",
        ),
        (
            "DELETE",
            "/docs?publicAccessBlock",
            "s3:PutBucketPublicAccessBlock",
            BUCKET,
            "",
        ),
        ("GET", "/docs?tagging", "s3:GetBucketTagging", BUCKET, ""),
        (
            "PUT",
            "/docs?tagging",
            "s3:PutBucketTagging",
            BUCKET,
            "<x/>",
        ),
        ("DELETE", "/docs?tagging", "s3:PutBucketTagging", BUCKET, ""),
        (
            "GET",
            "/docs?ownershipControls",
            "s3:GetBucketOwnershipControls",
            BUCKET,
            "",
        ),
        (
            "PUT",
            "/docs?ownershipControls",
            "s3:PutBucketOwnershipControls",
            BUCKET,
            "<x/>",
        ),
        (
            "DELETE",
            "/docs?ownershipControls",
            "s3:PutBucketOwnershipControls",
            BUCKET,
            "",
        ),
        ("GET", "/docs?acl", "s3:GetBucketAcl", BUCKET, ""),
        ("PUT", "/docs?acl", "s3:PutBucketAcl", BUCKET, ""),
        (
            "GET",
            "/docs?uploads",
            "s3:ListBucketMultipartUploads",
            BUCKET,
            "",
        ),
        (
            "GET",
            "/docs?versioning",
            "s3:GetBucketVersioning",
            BUCKET,
            "",
        ),
        ("GET", "/docs?cors", "s3:GetBucketCORS", BUCKET, ""),
        (
            "GET",
            "/docs?encryption",
            "s3:GetEncryptionConfiguration",
            BUCKET,
            "",
        ),
        ("GET", "/docs/a/b", "s3:GetObject", OBJECT, ""),
        ("HEAD", "/docs/a/b", "s3:GetObject", OBJECT, ""),
        ("PUT", "/docs/a/b", "s3:PutObject", OBJECT, "x"),
        ("DELETE", "/docs/a/b", "s3:DeleteObject", OBJECT, ""),
        (
            "GET",
            "/docs/a/b?tagging",
            "s3:GetObjectTagging",
            OBJECT,
            "",
        ),
        (
            "PUT",
            "/docs/a/b?tagging",
            "s3:PutObjectTagging",
            OBJECT,
            tagging,
        ),
        (
            "DELETE",
            "/docs/a/b?tagging",
            "s3:DeleteObjectTagging",
            OBJECT,
            "",
        ),
        ("GET", "/docs/a/b?acl", "s3:GetObjectAcl", OBJECT, ""),
        ("PUT", "/docs/a/b?acl", "s3:PutObjectAcl", OBJECT, ""),
        ("POST", "/docs/a/b?uploads", "s3:PutObject", OBJECT, ""),
        (
            "PUT",
            "/docs/a/b?uploadId=x&partNumber=1",
            "s3:PutObject",
            OBJECT,
            "x",
        ),
        ("POST", "/docs/a/b?uploadId=x", "s3:PutObject", OBJECT, ""),
        (
            "DELETE",
            "/docs/a/b?uploadId=x",
            "s3:AbortMultipartUpload",
            OBJECT,
            "",
        ),
        (
            "GET",
            "/docs/a/b?uploadId=x",
            "s3:ListMultipartUploadParts",
            OBJECT,
            "",
        ),
    ] {
        let mut server = Server::new();
        server.put("/docs/a/b", b"x");
        let mut caller = Scripted::denying(&["*"]);
        let answer = server.send_as(ask(method, path).body(body), &mut caller);
        assert_eq!(answer.status, 403, "{method} {path}");
        assert_eq!(caller.questions(), [(action, resource)], "{method} {path}");
        if method != "HEAD" {
            assert_eq!(answer.error(), (403, "AccessDenied"), "{method} {path}");
            assert_eq!(answer.one("Message"), format!("{action} is denied"));
        }
    }
}

#[test]
fn tags_and_acls_of_an_upload_need_their_own_permission() {
    let mut caller = Scripted::new(user(OWNER));
    let upload = ask("PUT", "/docs/k")
        .header("x-amz-tagging", "team=a&stage=b%20c")
        .header("x-amz-acl", "bucket-owner-full-control");
    assert_eq!(Server::new().send_as(upload, &mut caller).status, 200);
    let object = "arn:aws:s3:::docs/k";
    assert_eq!(
        caller.questions(),
        [
            ("s3:PutObject", object),
            ("s3:PutObjectTagging", object),
            ("s3:PutObjectAcl", object)
        ]
    );
    let context = &caller.asked[0].2;
    for (key, expected) in [
        ("s3:RequestObjectTag/team", ContextValue::from("a")),
        ("s3:RequestObjectTag/stage", ContextValue::from("b c")),
        (
            "s3:RequestObjectTagKeys",
            ContextValue::Many(vec!["team".to_owned(), "stage".to_owned()]),
        ),
        (
            "s3:x-amz-acl",
            ContextValue::from("bucket-owner-full-control"),
        ),
        ("s3:ResourceAccount", ContextValue::from(OWNER)),
        ("aws:ResourceAccount", ContextValue::from(OWNER)),
        (
            "s3:signatureversion",
            ContextValue::from("AWS4-HMAC-SHA256"),
        ),
    ] {
        assert_eq!(context.get(key), Some(&expected), "{key}");
    }
}

#[test]
fn listing_tells_its_parameters_to_conditions() {
    let mut caller = Scripted::new(user(OWNER));
    let list = ask(
        "GET",
        "/docs?list-type=2&prefix=home/&delimiter=/&max-keys=5",
    );
    Server::new().send_as(list, &mut caller);
    let context = &caller.asked[0].2;
    for (key, value) in [
        ("s3:prefix", "home/"),
        ("s3:delimiter", "/"),
        ("s3:max-keys", "5"),
    ] {
        assert_eq!(context.get(key), Some(&ContextValue::from(value)), "{key}");
    }
    let mut caller = Scripted::new(user(OWNER));
    Server::new().send_as(ask("GET", "/docs"), &mut caller);
    assert_eq!(caller.asked[0].2.get("s3:prefix"), None);
}

#[test]
fn arns_are_in_the_partition_of_the_bucket() {
    let mut server = Server::new();
    let mut caller = Scripted::new(user(OWNER));
    let constraint = "<CreateBucketConfiguration><LocationConstraint>cn-north-1</LocationConstraint></CreateBucketConfiguration>";
    let create = ask("PUT", "/china").region("cn-north-1").body(constraint);
    server.send_as(create, &mut caller);
    server.send_as(ask("PUT", "/china/k").region("cn-north-1"), &mut caller);
    assert_eq!(
        caller.questions(),
        [
            ("s3:CreateBucket", "arn:aws-cn:s3:::china"),
            ("s3:PutObject", "arn:aws-cn:s3:::china/k")
        ]
    );
    assert_eq!(
        caller.asked[0].2.get("s3:LocationConstraint"),
        Some(&ContextValue::from("cn-north-1"))
    );
}

#[test]
fn what_is_not_implemented_says_so() {
    let mut server = Server::new();
    for (method, path) in [
        ("PUT", "/docs?versioning"),
        ("PUT", "/docs?cors"),
        ("GET", "/docs?versions"),
        ("GET", "/docs?inventory"),
        ("GET", "/docs/k?attributes"),
        ("POST", "/docs/k?restore"),
        ("POST", "/docs"),
    ] {
        let answer = server.send(ask(method, path));
        assert_eq!(answer.error(), (501, "NotImplemented"), "{method} {path}");
        let sub_resource = path.split_once('?').map_or("POST", |(_, name)| name);
        assert!(
            answer.one("Message").contains(sub_resource),
            "{}",
            answer.text()
        );
    }
    for (method, path) in [("POST", "/"), ("PATCH", "/docs"), ("POST", "/docs/k")] {
        assert_eq!(
            server.send(ask(method, path)).error(),
            (405, "MethodNotAllowed")
        );
    }
}

#[test]
fn what_comes_with_a_new_bucket_takes_its_own_permission() {
    for (name, headers, expected) in [
        (
            "ownership",
            &[("x-amz-object-ownership", "ObjectWriter")][..],
            &["s3:CreateBucket", "s3:PutBucketOwnershipControls"][..],
        ),
        (
            "ACL",
            &[
                ("x-amz-object-ownership", "ObjectWriter"),
                ("x-amz-acl", "private"),
            ],
            &[
                "s3:CreateBucket",
                "s3:PutBucketOwnershipControls",
                "s3:PutBucketAcl",
            ],
        ),
        ("neither", &[], &["s3:CreateBucket"]),
    ] {
        let mut server = Server::new();
        let mut caller = Scripted::new(user(OWNER));
        let mut request = ask("PUT", "/other");
        for (header, value) in headers {
            request = request.header(header, value);
        }
        server.send_as(request, &mut caller);
        let questions = caller.questions();
        let asked: Vec<&str> = questions.iter().map(|(action, _)| *action).collect();
        assert_eq!(asked, expected, "{name}");
    }
}
