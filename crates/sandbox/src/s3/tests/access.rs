//! Bucket policies and Block Public Access, decided by the evaluator.

use super::*;

/// The policy that ccoctl puts: specs/ccoctl.md 3.4.
const PUBLIC_READ: &str = r#"{"Version":"2012-10-17","Statement":[{"Sid":"AllowReadPublicAccess","Effect":"Allow","Principal":"*","Action":["s3:GetObject"],"Resource":["arn:aws:s3:::docs/*"]}]}"#;
const KEY: &str = "/docs/keys.json";

fn block(acls: bool, policy: bool, restrict: bool) -> String {
    format!(
        "<PublicAccessBlockConfiguration><BlockPublicAcls>{acls}</BlockPublicAcls><IgnorePublicAcls>{acls}\
         </IgnorePublicAcls><BlockPublicPolicy>{policy}</BlockPublicPolicy><RestrictPublicBuckets>{restrict}\
         </RestrictPublicBuckets></PublicAccessBlockConfiguration>"
    )
}

/// A bucket with an object and, where there is one, a policy; nothing blocked while it is put.
fn with_policy(policy: Option<&str>) -> Server {
    let mut server = Server::new();
    server.put(KEY, b"{}");
    if let Some(policy) = policy {
        set_block(&mut server, false, false);
        let put = server.send(ask("PUT", "/docs?policy").body(policy.to_owned()));
        assert_eq!(put.status, 204, "{}", put.text());
    }
    server
}

fn set_block(server: &mut Server, policy: bool, restrict: bool) {
    let put = ask("PUT", "/docs?publicAccessBlock").body(block(false, policy, restrict));
    assert_eq!(server.send(put).status, 200);
}

#[test]
fn new_buckets_block_everything_public() {
    let mut server = with_policy(None);
    let shown = server.send(ask("GET", "/docs?publicAccessBlock"));
    for setting in [
        "BlockPublicAcls",
        "IgnorePublicAcls",
        "BlockPublicPolicy",
        "RestrictPublicBuckets",
    ] {
        assert_eq!(shown.one(setting), "true", "{setting}");
    }
    let put = server.send(ask("PUT", "/docs?policy").body(PUBLIC_READ));
    assert_eq!(put.error(), (403, "AccessDenied"));
    assert_eq!(
        put.one("Message"),
        "User: arn:aws:iam::123456789012:user/admin is not authorized to perform: s3:PutBucketPolicy on resource: \
         &quot;arn:aws:s3:::docs&quot; because public policies are prevented by the BlockPublicPolicy setting in S3 \
         Block Public Access."
    );
    assert_eq!(
        server.send(ask("GET", "/docs?policy")).error(),
        (404, "NoSuchBucketPolicy")
    );
    let private = PUBLIC_READ.replace(
        "\"Principal\":\"*\"",
        "\"Principal\":{\"AWS\":\"210987654321\"}",
    );
    assert_eq!(
        server.send(ask("PUT", "/docs?policy").body(private)).status,
        204
    );
    assert_eq!(
        server
            .send(ask("GET", "/docs?policyStatus"))
            .one("IsPublic"),
        "false"
    );
}

#[test]
fn anyone_reads_what_a_public_policy_opens() {
    let mut server = with_policy(Some(PUBLIC_READ));
    assert_eq!(
        server
            .send(ask("GET", "/docs?policyStatus"))
            .one("IsPublic"),
        "true"
    );
    assert_eq!(server.send(ask("GET", "/docs?policy")).text(), PUBLIC_READ);
    assert_eq!(server.send_anonymously(ask("GET", KEY)).text(), "{}");
    assert_eq!(server.send_anonymously(ask("HEAD", KEY)).status, 200);
    assert_eq!(
        &server
            .buckets
            .read_anonymously(None, "docs", "keys.json")
            .unwrap()
            .bytes[..],
        b"{}"
    );
    for (method, path) in [
        ("PUT", KEY),
        ("DELETE", KEY),
        ("GET", "/docs"),
        ("GET", "/docs/none"),
        ("GET", "/"),
    ] {
        let answer = server.send_anonymously(ask(method, path));
        assert_eq!(answer.error(), (403, "AccessDenied"), "{method} {path}");
        assert_eq!(answer.one("Message"), "Access Denied", "{method} {path}");
    }
}

#[test]
fn issuers_are_read_as_any_anonymous_caller_reads() {
    let insists_on_tls = PUBLIC_READ.replace(
        "\"Resource\"",
        r#""Condition":{"Bool":{"aws:SecureTransport":"true"}},"Resource""#,
    );
    for (name, policy, restrict, expected) in [
        ("no policy", None, false, Err("AccessDenied")),
        ("public policy", Some(PUBLIC_READ), false, Ok(())),
        ("restricted", Some(PUBLIC_READ), true, Err("AccessDenied")),
        (
            "only over TLS",
            Some(insists_on_tls.as_str()),
            false,
            Ok(()),
        ),
    ] {
        let mut server = with_policy(policy);
        if policy.is_some() {
            set_block(&mut server, false, restrict);
        }
        let read = server.buckets.read_anonymously(None, "docs", "keys.json");
        assert_eq!(
            read.map(|_| ()).map_err(|error| error.code),
            expected,
            "{name}"
        );
    }
    let server = with_policy(Some(PUBLIC_READ));
    let code = |bucket, key| {
        server
            .buckets
            .read_anonymously(None, bucket, key)
            .unwrap_err()
            .code
    };
    assert_eq!(code("nowhere", "keys.json"), "NoSuchBucket");
    assert_eq!(code("docs", "none"), "AccessDenied");
}

#[test]
fn restrict_public_buckets_leaves_only_the_owner() {
    let mut server = with_policy(Some(PUBLIC_READ));
    set_block(&mut server, true, true);
    let read_all = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}}"#;
    assert_eq!(
        server.send_anonymously(ask("GET", KEY)).error(),
        (403, "AccessDenied")
    );
    let mut stranger = Evaluated::new(user(STRANGER), &[read_all]);
    let refused = server.send_as(ask("GET", KEY), &mut stranger);
    assert_eq!(refused.error(), (403, "AccessDenied"));
    assert!(
        refused.one("Message").contains("RestrictPublicBuckets"),
        "{}",
        refused.text()
    );
    let mut colleague = Evaluated::new(user(OWNER), &[]);
    assert_eq!(server.send_as(ask("GET", KEY), &mut colleague).status, 200);
    assert_eq!(
        server.send(ask("DELETE", "/docs?publicAccessBlock")).status,
        204
    );
    assert_eq!(
        server.send(ask("GET", "/docs?publicAccessBlock")).error(),
        (404, "NoSuchPublicAccessBlockConfiguration")
    );
    assert_eq!(server.send_anonymously(ask("GET", KEY)).status, 200);
}

#[test]
fn another_account_needs_both_sides() {
    let read_all =
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#;
    let for_stranger = PUBLIC_READ.replace(
        "\"Principal\":\"*\"",
        "\"Principal\":{\"AWS\":\"210987654321\"}",
    );
    for (name, policy, identity, status) in [
        ("neither", None, &[][..], 403),
        ("only their own", None, &[read_all][..], 403),
        (
            "only the bucket's",
            Some(for_stranger.as_str()),
            &[][..],
            403,
        ),
        ("both", Some(for_stranger.as_str()), &[read_all][..], 200),
    ] {
        let mut server = with_policy(policy);
        let mut caller = Evaluated::new(user(STRANGER), identity);
        assert_eq!(
            server.send_as(ask("GET", KEY), &mut caller).status,
            status,
            "{name}"
        );
    }
    let everything = for_stranger
        .replace("s3:GetObject", "s3:*")
        .replace("docs/*", "docs");
    let mut server = with_policy(Some(&everything));
    let mut caller = Evaluated::new(user(STRANGER), &[read_all]);
    let policy = server.send_as(ask("GET", "/docs?policy"), &mut caller);
    assert_eq!(policy.error(), (405, "MethodNotAllowed"));
}

#[test]
fn explicit_deny_wins_and_the_root_user_can_undo_it() {
    let deny = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::docs","arn:aws:s3:::docs/*"]}]}"#;
    let mut server = with_policy(Some(deny));
    let all =
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
    let mut admin = Evaluated::new(user(OWNER), &[all]);
    for (method, path) in [("GET", KEY), ("DELETE", "/docs?policy")] {
        assert_eq!(
            server.send_as(ask(method, path), &mut admin).status,
            403,
            "{method} {path}"
        );
    }
    let root = Principal::Root {
        partition: podpass_policy::Partition::Aws,
        account: OWNER.parse().unwrap(),
    };
    let mut root = Evaluated::new(root, &[]);
    assert_eq!(server.send_as(ask("GET", KEY), &mut root).status, 403);
    assert_eq!(
        server
            .send_as(ask("DELETE", "/docs?policy"), &mut root)
            .status,
        204
    );
    assert_eq!(server.send_as(ask("GET", KEY), &mut admin).status, 200);
}

#[test]
fn conditions_see_prefix_and_existing_tags() {
    let policy = r#"{"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::docs","Condition":{"StringLike":{"s3:prefix":"home/*"}}},
        {"Effect":"Allow","Action":"s3:GetObject","Resource":"*","Condition":{"StringEquals":{"s3:ExistingObjectTag/open":"yes"}}}]}"#;
    let mut server = Server::new();
    server.send(ask("PUT", "/docs/open").header("x-amz-tagging", "open=yes"));
    server.send(ask("PUT", "/docs/shut").header("x-amz-tagging", "open=no"));
    let mut caller = Evaluated::new(user(OWNER), &[policy]);
    for (path, status) in [
        ("/docs?list-type=2&prefix=home/a", 200),
        ("/docs?list-type=2&prefix=etc/", 403),
        ("/docs?list-type=2", 403),
        ("/docs/open", 200),
        ("/docs/shut", 403),
    ] {
        assert_eq!(
            server.send_as(ask("GET", path), &mut caller).status,
            status,
            "{path}"
        );
    }
}

#[test]
fn refuses_policies_that_are_none() {
    for (name, policy, code) in [
        ("empty", String::new(), "MissingRequestBodyError"),
        ("not JSON", "hello".to_owned(), "MalformedPolicy"),
        (
            "no principal",
            PUBLIC_READ.replace("\"Principal\":\"*\",", ""),
            "MalformedPolicy",
        ),
        (
            "another bucket",
            PUBLIC_READ.replace("docs/*", "other/*"),
            "MalformedPolicy",
        ),
        (
            "a bucket with that prefix",
            PUBLIC_READ.replace("docs/*", "docs2/*"),
            "MalformedPolicy",
        ),
        (
            "every bucket",
            PUBLIC_READ.replace("docs/*", "*"),
            "MalformedPolicy",
        ),
        (
            "another service",
            PUBLIC_READ.replace("s3:GetObject", "iam:GetUser"),
            "MalformedPolicy",
        ),
        (
            "too long",
            PUBLIC_READ.replace("AllowReadPublicAccess", &"x".repeat(20_480)),
            "PolicyTooLarge",
        ),
    ] {
        let mut server = with_policy(Some(PUBLIC_READ));
        let answer = server.send(ask("PUT", "/docs?policy").body(policy));
        assert_eq!(answer.error(), (400, code), "{name}");
        assert_eq!(
            server.send(ask("GET", "/docs?policy")).text(),
            PUBLIC_READ,
            "{name}"
        );
    }
    let mut server = with_policy(None);
    for body in [
        "<PublicAccessBlockConfiguration><BlockPublicAcls>maybe</BlockPublicAcls></PublicAccessBlockConfiguration>",
        "<x/>",
        "",
    ] {
        let put = ask("PUT", "/docs?publicAccessBlock").body(body);
        assert_eq!(server.send(put).error(), (400, "MalformedXML"), "{body}");
    }
}
