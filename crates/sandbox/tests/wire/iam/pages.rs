//! Lists in pages.

use super::create_role;
use crate::fixture::Fixture;

#[test]
fn lists_come_in_pages() {
    let fixture = Fixture::start();
    let admin = &fixture.admin;
    for number in 0..7 {
        create_role(admin, &format!("r{number}")).ok();
    }
    let (mut names, mut marker) = (Vec::new(), None::<String>);
    for size in ["3", "2", "5"] {
        let mut parameters = vec![("MaxItems", size)];
        if let Some(marker) = &marker {
            parameters.push(("Marker", marker));
        }
        let page = admin.iam("ListRoles", &parameters).ok();
        names.extend(page.texts("RoleName"));
        marker = page.text("Marker");
        assert_eq!(
            page.text("IsTruncated").as_deref(),
            Some(if marker.is_some() { "true" } else { "false" })
        );
    }
    assert_eq!(names, ["r0", "r1", "r2", "r3", "r4", "r5", "r6"]);
    assert_eq!(marker, None);

    let first = admin
        .iam("ListRoles", &[("MaxItems", "1")])
        .ok()
        .text("Marker")
        .unwrap();
    for (case, client, parameters) in [
        (
            "another filter",
            admin.clone(),
            vec![("Marker", first.as_str()), ("PathPrefix", "/a/")],
        ),
        (
            "another account",
            fixture.other_admin(),
            vec![("Marker", first.as_str())],
        ),
        ("invented", admin.clone(), vec![("Marker", "abc")]),
    ] {
        let reply = client.iam("ListRoles", &parameters);
        assert_eq!(
            reply.error(),
            (400, "ValidationError".to_owned()),
            "{case}: {}",
            reply.body
        );
    }
}
