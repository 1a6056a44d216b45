//! Tag sets.

use super::*;

fn tagging(tags: &[(&str, &str)]) -> String {
    let tags = tags.iter().fold(String::new(), |tags, (key, value)| {
        tags + &format!("<Tag><Key>{key}</Key><Value>{value}</Value></Tag>")
    });
    format!(
        "<Tagging xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><TagSet>{tags}</TagSet></Tagging>"
    )
}

#[test]
fn bucket_tags_are_replaced_as_a_set() {
    let mut server = Server::new();
    assert_eq!(
        server.send(ask("GET", "/docs?tagging")).error(),
        (404, "NoSuchTagSet")
    );
    let owned = [
        ("openshift.io/cloud-credential-operator/demo", "owned"),
        ("Name", "demo"),
    ];
    assert_eq!(
        server
            .send(ask("PUT", "/docs?tagging").body(tagging(&owned)))
            .status,
        204
    );
    let shown = server.send(ask("GET", "/docs?tagging"));
    assert_eq!(
        shown.all("Key"),
        ["openshift.io/cloud-credential-operator/demo", "Name"]
    );
    assert_eq!(shown.all("Value"), ["owned", "demo"]);
    server.send(ask("PUT", "/docs?tagging").body(tagging(&[("only", "")])));
    assert_eq!(
        server.send(ask("GET", "/docs?tagging")).all("Key"),
        ["only"]
    );
    assert_eq!(server.send(ask("DELETE", "/docs?tagging")).status, 204);
    assert_eq!(
        server.send(ask("GET", "/docs?tagging")).error(),
        (404, "NoSuchTagSet")
    );
}

#[test]
fn object_tags_come_by_header_or_document() {
    let mut server = Server::new();
    // As ccoctl sends them: specs/aws.md D.1.
    let header = "openshift.io/cloud-credential-operator/demo=owned&Name=a%20b+c";
    server.send(ask("PUT", "/docs/k").header("x-amz-tagging", header));
    let shown = server.send(ask("GET", "/docs/k?tagging"));
    assert_eq!(
        shown.all("Key"),
        ["openshift.io/cloud-credential-operator/demo", "Name"]
    );
    assert_eq!(shown.all("Value"), ["owned", "a b c"]);
    assert_eq!(
        server
            .send(ask("PUT", "/docs/k?tagging").body(tagging(&[("x", "y")])))
            .status,
        200
    );
    assert_eq!(server.send(ask("GET", "/docs/k?tagging")).all("Key"), ["x"]);
    assert_eq!(server.send(ask("DELETE", "/docs/k?tagging")).status, 204);
    let bare = server.send(ask("GET", "/docs/k?tagging"));
    assert_eq!((bare.status, bare.all("Key").len()), (200, 0));
    for method in ["GET", "PUT", "DELETE"] {
        let answer = server.send(ask(method, "/docs/none?tagging").body(tagging(&[])));
        assert_eq!(answer.error(), (404, "NoSuchKey"), "{method}");
    }
}

#[test]
fn limits_are_those_of_s3() {
    let keys: Vec<String> = (0..51).map(|number| format!("k{number}")).collect();
    let many = |count| {
        keys[..count]
            .iter()
            .map(|key| (key.as_str(), "v"))
            .collect::<Vec<_>>()
    };
    let (long_key, long_value) = ("k".repeat(129), "v".repeat(257));
    for (path, tags, expected) in [
        ("/docs?tagging", many(50), None),
        ("/docs?tagging", many(51), Some("BadRequest")),
        ("/docs/k?tagging", many(10), None),
        ("/docs/k?tagging", many(11), Some("BadRequest")),
        (
            "/docs?tagging",
            vec![("a", "1"), ("a", "2")],
            Some("InvalidTag"),
        ),
        ("/docs?tagging", vec![("aws:x", "1")], Some("InvalidTag")),
        ("/docs?tagging", vec![("", "1")], Some("InvalidTag")),
        ("/docs?tagging", vec![("a!", "1")], Some("InvalidTag")),
        ("/docs?tagging", vec![("a", "1;2")], Some("InvalidTag")),
        (
            "/docs?tagging",
            vec![(long_key.as_str(), "1")],
            Some("InvalidTag"),
        ),
        (
            "/docs?tagging",
            vec![("a", long_value.as_str())],
            Some("InvalidTag"),
        ),
    ] {
        let mut server = Server::new();
        server.put("/docs/k", b"x");
        let answer = server.send(ask("PUT", path).body(tagging(&tags)));
        match expected {
            None => assert!((200..300).contains(&answer.status), "{path} {}", tags.len()),
            Some(code) => assert_eq!(answer.error(), (400, code), "{path} {:?}", tags[0]),
        }
    }
}
