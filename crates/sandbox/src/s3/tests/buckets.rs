//! Creating, finding and deleting buckets.

use super::*;

fn constraint(region: &str) -> String {
    format!(
        "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><LocationConstraint>{region}\
         </LocationConstraint></CreateBucketConfiguration>"
    )
}

#[test]
fn location_constraint_suits_the_endpoint() {
    let illegal = "IllegalLocationConstraintException";
    for (region, body, expected) in [
        ("us-east-1", String::new(), Ok(())),
        (
            "us-east-1",
            "<CreateBucketConfiguration/>".to_owned(),
            Ok(()),
        ),
        (
            "us-east-1",
            constraint("us-east-1"),
            Err("InvalidLocationConstraint"),
        ),
        ("us-east-1", constraint("eu-west-1"), Err(illegal)),
        ("eu-west-1", constraint("eu-west-1"), Ok(())),
        ("eu-west-1", constraint("EU"), Ok(())),
        ("eu-west-1", constraint("eu-west-2"), Err(illegal)),
        ("eu-west-1", String::new(), Err(illegal)),
        ("us-east-1", "<Wrong/>".to_owned(), Err("MalformedXML")),
        ("us-east-1", "not xml".to_owned(), Err("MalformedXML")),
    ] {
        let mut server = Server::new();
        let answer = server.send(ask("PUT", "/fresh").region(region).body(body.clone()));
        match expected {
            Ok(()) => {
                assert_eq!(answer.status, 200, "{region} {body}");
                assert_eq!(answer.header("location"), Some("/fresh"));
                let location = server.send(ask("GET", "/fresh?location"));
                let shown = if region == "us-east-1" { "" } else { region };
                assert!(
                    location
                        .text()
                        .ends_with(&format!(">{shown}</LocationConstraint>")),
                    "{}",
                    location.text()
                );
            }
            Err(code) => assert_eq!(answer.error(), (400, code), "{region} {body}"),
        }
    }
}

#[test]
fn creating_again_depends_on_region_and_owner() {
    let mut server = Server::new();
    assert_eq!(server.send(ask("PUT", "/docs")).status, 200);
    let create = || {
        ask("PUT", "/ireland")
            .region("eu-west-1")
            .body(constraint("eu-west-1"))
    };
    assert_eq!(server.send(create()).status, 200);
    let again = server.send(create());
    assert_eq!(again.error(), (409, "BucketAlreadyOwnedByYou"));
    assert_eq!(
        again.one("Message"),
        "Your previous request to create the named bucket succeeded and you already own it."
    );
    let foreign = server.send_as(ask("PUT", "/docs"), &mut Scripted::new(user(STRANGER)));
    assert_eq!(foreign.error(), (409, "BucketAlreadyExists"));
    let anonymous = server.send_anonymously(ask("PUT", "/new-one"));
    assert_eq!(anonymous.error(), (403, "AccessDenied"));
}

#[test]
fn refuses_names_no_bucket_can_have() {
    let answer = Server::new().send(ask("PUT", "/Peer_X-oidc"));
    assert_eq!(answer.error(), (400, "InvalidBucketName"));
    assert_eq!(answer.one("Message"), "The specified bucket is not valid.");
}

#[test]
fn lists_only_the_buckets_of_the_account() {
    let mut server = Server::new();
    server.send(ask("PUT", "/beta"));
    server.send_as(ask("PUT", "/alien"), &mut Scripted::new(user(STRANGER)));
    let answer = server.send(ask("GET", "/"));
    assert_eq!(answer.all("Name"), ["beta", "docs"]);
    assert_eq!(answer.all("BucketRegion"), ["us-east-1", "us-east-1"]);
    assert_eq!(answer.all("CreationDate")[0], "2026-11-20T10:00:00.000Z");
    let first = server.send(ask("GET", "/?max-buckets=1"));
    assert_eq!(first.all("Name"), ["beta"]);
    let token = first.one("ContinuationToken");
    let second = server.send(ask(
        "GET",
        &format!("/?max-buckets=1&continuation-token={token}"),
    ));
    assert_eq!(second.all("Name"), ["docs"]);
    assert_eq!(second.all("ContinuationToken"), Vec::<&str>::new());
}

#[test]
fn head_tells_the_region_even_when_refusing() {
    let mut server = Server::new();
    let found = server.send(ask("HEAD", "/docs"));
    assert_eq!(
        (found.status, found.header("x-amz-bucket-region")),
        (200, Some("us-east-1"))
    );
    let elsewhere = server.send(ask("HEAD", "/docs").region("eu-west-1"));
    assert_eq!(
        (elsewhere.status, elsewhere.header("x-amz-bucket-region")),
        (301, Some("us-east-1"))
    );
    let refused = server.send_as(
        ask("HEAD", "/docs"),
        &mut Scripted::denying(&["s3:ListBucket"]),
    );
    assert_eq!(
        (refused.status, refused.header("x-amz-bucket-region")),
        (403, Some("us-east-1"))
    );
    let missing = server.send(ask("HEAD", "/nothing-here"));
    assert_eq!(missing.status, 404);
    for answer in [found, elsewhere, refused, missing] {
        assert!(answer.body.is_empty());
    }
}

#[test]
fn other_regions_endpoint_redirects() {
    let mut server = Server::new();
    let answer = server.send(ask("GET", "/docs").region("eu-west-1"));
    assert_eq!(answer.error(), (301, "PermanentRedirect"));
    assert_eq!(answer.one("Endpoint"), "s3.us-east-1.amazonaws.com");
    assert_eq!(
        server
            .send(ask("GET", "/docs?location").region("eu-west-1"))
            .status,
        200
    );
}

#[test]
fn deletes_only_an_empty_bucket() {
    let mut server = Server::new();
    server.put("/docs/k", b"x");
    assert_eq!(
        server.send(ask("DELETE", "/docs")).error(),
        (409, "BucketNotEmpty")
    );
    assert_eq!(server.send(ask("DELETE", "/docs/k")).status, 204);
    assert_eq!(server.send(ask("DELETE", "/docs")).status, 204);
    let gone = server.send(ask("GET", "/docs"));
    assert_eq!(gone.error(), (404, "NoSuchBucket"));
    assert_eq!(gone.one("Message"), "The specified bucket does not exist");
    assert_eq!(gone.one("BucketName"), "docs");
}

#[test]
fn expected_owner_is_compared() {
    let mut server = Server::new();
    for (account, status) in [(OWNER, 200), (STRANGER, 403)] {
        let head = ask("HEAD", "/docs").header("x-amz-expected-bucket-owner", account);
        assert_eq!(server.send(head).status, status, "{account}");
    }
}

#[test]
fn answers_carry_the_common_elements() {
    let answer = Server::new().send(ask("GET", "/nothing-here"));
    assert!(
        answer
            .text()
            .starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>")
    );
    assert_eq!(answer.one("RequestId"), "4442587FB7D0A2F9");
    assert_eq!(answer.header("x-amz-request-id"), Some("4442587FB7D0A2F9"));
    assert_eq!(answer.header("x-amz-id-2"), Some(answer.one("HostId")));
    assert_eq!(answer.header("content-type"), Some("application/xml"));
    assert_eq!(answer.header("date"), Some("Fri, 20 Nov 2026 10:00:00 GMT"));
}

#[test]
fn unset_settings_answer_as_on_a_new_bucket() {
    let mut server = Server::new();
    for (setting, code) in [
        ("cors", "NoSuchCORSConfiguration"),
        ("website", "NoSuchWebsiteConfiguration"),
        ("lifecycle", "NoSuchLifecycleConfiguration"),
        ("replication", "ReplicationConfigurationNotFoundError"),
        ("object-lock", "ObjectLockConfigurationNotFoundError"),
    ] {
        assert_eq!(
            server.send(ask("GET", &format!("/docs?{setting}"))).error(),
            (404, code)
        );
    }
    for setting in [
        "versioning",
        "accelerate",
        "logging",
        "notification",
        "requestPayment",
        "encryption",
    ] {
        assert_eq!(
            server.send(ask("GET", &format!("/docs?{setting}"))).status,
            200,
            "{setting}"
        );
    }
    assert_eq!(
        server
            .send(ask("GET", "/docs?encryption"))
            .one("SSEAlgorithm"),
        "AES256"
    );
}

#[test]
fn acls_can_be_read_and_not_written() {
    let mut server = Server::new();
    server.put("/docs/k", b"x");
    for path in ["/docs?acl", "/docs/k?acl"] {
        let answer = server.send(ask("GET", path));
        assert_eq!(answer.all("Permission"), ["FULL_CONTROL"]);
        let put = server.send(ask("PUT", path).header("x-amz-acl", "public-read"));
        assert_eq!(put.error(), (400, "AccessControlListNotSupported"));
    }
    let upload = ask("PUT", "/docs/k").header("x-amz-acl", "public-read");
    assert_eq!(
        server.send(upload).error(),
        (400, "AccessControlListNotSupported")
    );
    let create = ask("PUT", "/public-one").header("x-amz-acl", "public-read");
    assert_eq!(
        server.send(create).error(),
        (400, "InvalidBucketAclWithObjectOwnership")
    );
}

#[test]
fn ownership_controls_decide_whether_acls_count() {
    let mut server = Server::new();
    let shown = |server: &mut Server| server.send(ask("GET", "/docs?ownershipControls"));
    assert_eq!(
        shown(&mut server).one("ObjectOwnership"),
        "BucketOwnerEnforced"
    );
    let rule = "<OwnershipControls><Rule><ObjectOwnership>ObjectWriter</ObjectOwnership></Rule></OwnershipControls>";
    assert_eq!(
        server
            .send(ask("PUT", "/docs?ownershipControls").body(rule))
            .status,
        200
    );
    assert_eq!(shown(&mut server).one("ObjectOwnership"), "ObjectWriter");
    let blocked = server.send(ask("PUT", "/docs/k").header("x-amz-acl", "public-read"));
    assert_eq!(blocked.error(), (403, "AccessDenied"));
    assert!(
        blocked.one("Message").contains("BlockPublicAcls"),
        "{}",
        blocked.text()
    );
    assert_eq!(
        server
            .send(ask("PUT", "/docs/k").header("x-amz-acl", "private"))
            .status,
        200
    );
    server.send(ask("DELETE", "/docs?publicAccessBlock"));
    let granting = server.send(ask("PUT", "/docs/k").header("x-amz-acl", "public-read"));
    assert_eq!(granting.error(), (501, "NotImplemented"));
    let wrong = rule.replace("ObjectWriter", "Nobody");
    assert_eq!(
        server
            .send(ask("PUT", "/docs?ownershipControls").body(wrong))
            .error(),
        (400, "MalformedXML")
    );
    assert_eq!(
        server.send(ask("DELETE", "/docs?ownershipControls")).status,
        204
    );
    assert_eq!(
        shown(&mut server).error(),
        (404, "OwnershipControlsNotFoundError")
    );
}
