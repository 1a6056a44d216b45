//! Listing objects.

use super::*;

const KEYS: [&str; 8] = ["A", "a", "a.b", "a/1", "a/2", "a/b/3", "b", "é"];

fn filled() -> Server {
    let mut server = Server::new();
    for key in KEYS {
        server.put(&format!("/docs/{key}"), b"x");
    }
    server
}

#[test]
fn groups_and_pages_in_byte_order() {
    for (query, keys, prefixes) in [
        ("", &KEYS[..], &[][..]),
        ("prefix=a/", &["a/1", "a/2", "a/b/3"], &[]),
        ("delimiter=/", &["A", "a", "a.b", "b", "é"], &["a/"]),
        ("prefix=a/&delimiter=/", &["a/1", "a/2"], &["a/b/"]),
        ("prefix=a&delimiter=/", &["a", "a.b"], &["a/"]),
        (
            "delimiter=.b",
            &["A", "a", "a/1", "a/2", "a/b/3", "b", "é"],
            &["a.b"],
        ),
        ("prefix=zzz", &[], &[]),
        ("start-after=a/2", &["a/b/3", "b", "é"], &[]),
        ("start-after=a/2&delimiter=/", &["b", "é"], &["a/"]),
        ("start-after=A&prefix=b", &["b"], &[]),
        ("start-after=c&prefix=b", &[], &[]),
        ("max-keys=0", &[], &[]),
    ] {
        let answer = filled().send(ask("GET", &format!("/docs?list-type=2&{query}")));
        assert_eq!(answer.all("Key"), keys, "{query}");
        let groups: Vec<&str> = answer.all("CommonPrefixes");
        let expected: Vec<String> = prefixes
            .iter()
            .map(|p| format!("<Prefix>{p}</Prefix>"))
            .collect();
        assert_eq!(groups, expected, "{query}");
        assert_eq!(
            answer.one("KeyCount"),
            (keys.len() + prefixes.len()).to_string(),
            "{query}"
        );
        assert_eq!(answer.one("IsTruncated"), "false", "{query}");
    }
}

#[test]
fn pages_join_to_the_whole() {
    let mut server = filled();
    for size in 1..=9 {
        for delimiter in ["", "/"] {
            let mut seen = Vec::new();
            let mut token = String::new();
            for _ in 0..20 {
                let path =
                    format!("/docs?list-type=2&max-keys={size}&delimiter={delimiter}{token}");
                let answer = server.send(ask("GET", &path));
                let on_page = answer.all("Key").len() + answer.all("CommonPrefixes").len();
                assert!(on_page <= size, "{path}");
                seen.extend(answer.all("Key").iter().map(|key| (*key).to_owned()));
                seen.extend(
                    answer
                        .all("CommonPrefixes")
                        .iter()
                        .map(|prefix| (*prefix).to_owned()),
                );
                if answer.one("IsTruncated") == "false" {
                    break;
                }
                token = format!(
                    "&continuation-token={}",
                    answer.one("NextContinuationToken")
                );
            }
            let whole = server.send(ask(
                "GET",
                &format!("/docs?list-type=2&delimiter={delimiter}"),
            ));
            let mut expected = [whole.all("Key"), whole.all("CommonPrefixes")].concat();
            expected.sort_unstable();
            seen.sort_unstable();
            assert_eq!(seen, expected, "pages of {size}, delimiter `{delimiter}`");
        }
    }
}

#[test]
fn version_1_has_markers_and_owners() {
    let mut server = filled();
    let first = server.send(ask("GET", "/docs?delimiter=/&max-keys=4"));
    assert_eq!(first.all("Key"), ["A", "a", "a.b"]);
    assert_eq!(first.one("NextMarker"), "a/");
    assert_eq!(first.one("MaxKeys"), "4");
    assert_eq!(first.all("Owner").len(), 3);
    let second = server.send(ask("GET", "/docs?delimiter=/&max-keys=4&marker=a/"));
    assert_eq!(
        (second.all("Key"), second.one("Marker")),
        (vec!["b", "é"], "a/")
    );
    // Without a delimiter the last key is the marker, so S3 does not repeat it.
    let plain = server.send(ask("GET", "/docs?max-keys=2"));
    assert_eq!(
        (plain.one("IsTruncated"), plain.all("NextMarker").len()),
        ("true", 0)
    );
    assert_eq!(
        server
            .send(ask("GET", "/docs?list-type=2"))
            .all("Owner")
            .len(),
        0
    );
    assert_eq!(
        server
            .send(ask("GET", "/docs?list-type=2&fetch-owner=true"))
            .all("Owner")
            .len(),
        8
    );
}

#[test]
fn encodes_keys_on_request() {
    let mut server = Server::new();
    server.put("/docs/a b+c/é\u{1}<", b"x");
    let plain = server.send(ask("GET", "/docs?list-type=2"));
    assert_eq!(plain.one("Key"), "a b+c/é\u{fffd}&lt;");
    let encoded = server.send(ask(
        "GET",
        "/docs?list-type=2&encoding-type=url&prefix=a b&delimiter=%",
    ));
    assert_eq!(encoded.one("Key"), "a%20b%2Bc/%C3%A9%01%3C");
    assert_eq!(encoded.one("EncodingType"), "url");
    assert_eq!(
        (encoded.one("Prefix"), encoded.one("Delimiter")),
        ("a%20b", "%25")
    );
}

#[test]
fn shows_what_an_object_is() {
    let mut server = Server::new();
    server.put("/docs/k", b"hello");
    let answer = server.send(ask("GET", "/docs?list-type=2"));
    assert_eq!(
        answer.one("ETag"),
        "&quot;5d41402abc4b2a76b9719d911017c592&quot;"
    );
    assert_eq!(answer.one("LastModified"), "2026-11-20T10:00:00.000Z");
    assert_eq!(
        (answer.one("Size"), answer.one("StorageClass")),
        ("5", "STANDARD")
    );
    assert!(
        answer
            .text()
            .contains("<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">")
    );
}

#[test]
fn refuses_parameters_that_are_none() {
    for query in [
        "max-keys=x",
        "max-keys=-1",
        "max-keys=2147483648",
        "encoding-type=xml",
        "continuation-token=%%%",
    ] {
        let answer = filled().send(ask("GET", &format!("/docs?list-type=2&{query}")));
        assert_eq!(answer.error(), (400, "InvalidArgument"), "{query}");
    }
    let capped = filled().send(ask("GET", "/docs?list-type=2&max-keys=5000"));
    assert_eq!(capped.one("MaxKeys"), "1000");
}
