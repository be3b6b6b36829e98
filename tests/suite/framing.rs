//! Lines that are no requests, and requests at the edge of what is one.

use serde_json::json;

use crate::fixtures::{self, Endless};
use crate::harness::{Sidecar, soon};
use crate::memory;

#[test]
fn malformed_lines() {
    let workspace = fixtures::copy();
    let mut sidecar = Sidecar::spawn(&workspace.root);
    let long_id = format!(r#"{{"id":"{}","method":"ping"}}"#, "i".repeat(257));
    let many_bytes = format!(r#"{{"id":"{}","method":"ping"}}"#, "é".repeat(129));
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    let deep_objects = r#"{"a":"#.repeat(100_000) + "1" + &"}".repeat(100_000);
    let without_id: &[(&[u8], &str)] = &[
        (b"x", "parse_error"),
        (b"{", "parse_error"),
        (b"{\"id\":\"a\",\"method\":\"ping\"", "parse_error"),
        (b"{\"id\":\"a\",\"method\":\"ping\"}}", "parse_error"),
        (b"{\"id\":\"a\",\"method\":\"ping\"} {}", "parse_error"),
        (b"{\"id\":\"a\",\"method\":\"ping\",}", "parse_error"),
        (b"{'id':'a'}", "parse_error"),
        (b"{\"id\":\"\xFF\",\"method\":\"ping\"}", "parse_error"),
        (b"\0", "parse_error"),
        (b"\xEF\xBB\xBF{\"id\":\"a\",\"method\":\"ping\"}", "parse_error"),
        (b"{\"id\":\"a\tb\",\"method\":\"ping\"}", "parse_error"),
        (b"NaN", "parse_error"),
        (b"null", "invalid_request"),
        (b"1", "invalid_request"),
        (b"\"ping\"", "invalid_request"),
        (b"[]", "invalid_request"),
        (b"[{\"id\":\"a\",\"method\":\"ping\"}]", "invalid_request"),
        (b"{}", "invalid_request"),
        (b"{\"method\":\"ping\"}", "invalid_request"),
        (b"{\"id\":null,\"method\":\"ping\"}", "invalid_request"),
        (b"{\"id\":1,\"method\":\"ping\"}", "invalid_request"),
        (b"{\"id\":\"\",\"method\":\"ping\"}", "invalid_request"),
        (b"{\"id\":[\"a\"],\"method\":\"ping\"}", "invalid_request"),
        (b"{\"id\":\"a\",\"id\":\"b\",\"method\":\"ping\"}", "invalid_request"),
        (b"{\"id\":\"\\ud800\",\"method\":\"ping\"}", "invalid_request"),
        (b"{\"id\":\"\\ude00\\ud83d\",\"method\":\"ping\"}", "invalid_request"),
        (long_id.as_bytes(), "invalid_request"),
        (many_bytes.as_bytes(), "invalid_request"),
        (deep.as_bytes(), "invalid_request"),
        (&deep.as_bytes()[..100_000], "parse_error"),
        (deep_objects.as_bytes(), "invalid_request"),
    ];
    // The first line may start with a byte-order mark, later ones may not.
    sidecar.send_line("\u{feff}{\"id\":\"first\",\"method\":\"ping\"}".as_bytes(), Some("first"));
    sidecar.result("first");
    for (line, code) in without_id {
        sidecar.send_line(line, None);
        let error = sidecar.wait_for_null();
        assert_eq!(error["code"], *code, "{:.100}: {error}", String::from_utf8_lossy(line));
        sidecar.request("ping", json!({}));
    }
    sidecar.finish();
}

#[test]
fn malformed_requests_with_an_id() {
    let workspace = fixtures::copy();
    let mut sidecar = Sidecar::spawn(&workspace.root);
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    let deep_objects = r#"{"a":"#.repeat(100_000) + "1" + &"}".repeat(100_000);
    for (rest, code, named) in [
        (r#""method":null"#.to_owned(), "invalid_request", "`method`"),
        (r#""x":1"#.to_owned(), "invalid_request", "`method`"),
        (r#""method":["ping"]"#.to_owned(), "invalid_request", "`method`"),
        (r#""method":"ping","method":"ping""#.to_owned(), "invalid_request", "`method`"),
        (r#""method":"ping","timeoutMs":-1"#.to_owned(), "invalid_request", "`timeoutMs`"),
        (r#""method":"ping","timeoutMs":1.5"#.to_owned(), "invalid_request", "`timeoutMs`"),
        (r#""method":"ping","timeoutMs":"1""#.to_owned(), "invalid_request", "`timeoutMs`"),
        (r#""method":"ping","timeoutMs":null"#.to_owned(), "invalid_request", "`timeoutMs`"),
        (r#""method":"ping","timeoutMs":1,"timeoutMs":1"#.to_owned(), "invalid_request", "`timeoutMs`"),
        (r#""method":"ping","params":{},"params":{}"#.to_owned(), "invalid_request", "`params`"),
        (r#""method":"ping","params":[]"#.to_owned(), "invalid_params", "`params`"),
        (r#""method":"Ping""#.to_owned(), "unknown_method", "Ping"),
        (r#""method":"""#.to_owned(), "unknown_method", ""),
        (format!(r#""method":"{}""#, "m".repeat(100_000)), "unknown_method", "mmm"),
        (r#""method":"glob","params":{"include":["a"],"include":["b"]}"#.to_owned(), "invalid_params", "`include`"),
        (r#""method":"glob","params":{"include":["\ud800"]}"#.to_owned(), "invalid_params", "`include[0]`"),
        (r#""method":"glob","params":{"include":["a"],"limit":1e3}"#.to_owned(), "invalid_params", "`limit`"),
        (
            r#""method":"glob","params":{"include":["a"],"limit":18446744073709551616}"#.to_owned(),
            "invalid_params",
            "`limit`",
        ),
        (r#""method":"readFile","params":{"path":"\udead"}"#.to_owned(), "invalid_params", "`path`"),
        (format!(r#""method":"ping","params":{deep}"#), "invalid_params", "`params`"),
        (format!(r#""method":"ping","params":{{"x":{deep}}}"#), "invalid_params", "`x`"),
        (format!(r#""method":"glob","params":{{"include":{deep}}}"#), "invalid_params", "`include"),
        (format!(r#""method":"glob","params":{{"include":[{deep_objects}]}}"#), "invalid_params", "`include"),
        (format!(r#""method":"readFile","params":{{"path":"a","range":{deep_objects}}}"#), "invalid_params", "`range"),
        (format!(r#""method":{deep}"#), "invalid_request", "`method`"),
    ] {
        sidecar.send_line(format!(r#"{{"id":"bad",{rest}}}"#).as_bytes(), Some("bad"));
        let error = sidecar.error("bad");
        assert_eq!(error["code"], code, "{rest:.100}: {error}");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(named) && message.len() < 3000, "{rest:.100}: {message}");
        sidecar.request("ping", json!({}));
    }
    sidecar.finish();
}

#[test]
fn requests_in_odd_clothes() {
    let workspace = fixtures::copy();
    let mut sidecar = Sidecar::spawn(&workspace.root);
    let longest = "i".repeat(256);
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    sidecar.send_raw(b"\n\r\n   \n\t\n\r\n");
    for (line, id) in [
        ("{\"id\":\"a\",\"method\":\"ping\"}\r".to_owned(), "a"),
        ("  { \"method\" : \"ping\" , \"id\" : \"a\" }  ".to_owned(), "a"),
        (format!(r#"{{"id":"{longest}","method":"ping"}}"#), &longest),
        (r#"{"id":"\u0061","m\u0065thod":"ping"}"#.to_owned(), "a"),
        (r#"{"id":"😀 \"\\\n","method":"ping"}"#.to_owned(), "😀 \"\\\n"),
        (r#"{"id":"\ud83d\ude00","method":"ping"}"#.to_owned(), "😀"),
        (r#"{"id":"\u0000","method":"ping"}"#.to_owned(), "\0"),
        (r#"{"id":"a","method":"ping","params":{}}"#.to_owned(), "a"),
        (r#"{"id":"a","method":"ping","timeoutMs":18446744073709551615}"#.to_owned(), "a"),
        (r#"{"id":"a","method":"stat","params":{"paths":[]},"timeoutMs":18446744073709551615}"#.to_owned(), "a"),
        (r#"{"jsonrpc":"2.0","id":"a","method":"ping","extra":{"id":1},"x":null,"x":1e999}"#.to_owned(), "a"),
        (format!(r#"{{"id":"a","method":"ping","extra":{deep}}}"#), "a"),
    ] {
        sidecar.send_line(line.as_bytes(), Some(id));
        sidecar.result(id);
    }
    // A line that comes byte by byte, and two lines in one write.
    sidecar.expect("slow");
    for byte in b"{\"id\":\"slow\",\"method\":\"ping\"}\n" {
        sidecar.send_raw(&[*byte]);
    }
    sidecar.result("slow");
    sidecar.finish();
}

#[test]
fn an_id_in_flight_cannot_be_used_again() {
    let workspace = fixtures::copy();
    let (method, params) = Endless::add(&workspace).request(false);
    let mut sidecar = Sidecar::builder(&workspace.root).args(["--threads", "1"]).spawn();
    let line = json!({ "id": "again", "method": method, "params": params });
    // The first is not answered before it is cancelled; the responses have one id.
    for second in ["ping", "stat", "shutdown"] {
        sidecar.expect("again");
        sidecar.send_raw(format!("{line}\n{{\"id\":\"again\",\"method\":\"{second}\"}}\n").as_bytes());
        assert_eq!(sidecar.error("again")["code"], "duplicate_id", "{second}");
        sidecar.expect("again");
        assert_eq!(sidecar.request("cancel", json!({ "id": "again" })), json!({ "cancelled": true }));
        assert_eq!(sidecar.error("again")["code"], "cancelled");
    }
    // Answered ids are free.
    sidecar.send_line(br#"{"id":"again","method":"ping"}"#, Some("again"));
    sidecar.result("again");
    sidecar.finish();
}

#[test]
fn long_lines_are_discarded() {
    let workspace = fixtures::copy();
    let padded = |length: usize| {
        let (head, tail) = (r#"{"id":"a","method":"ping","x":""#, r#""}"#);
        format!("{head}{}{tail}", "x".repeat(length - head.len() - tail.len()))
    };
    let start = || Sidecar::builder(&workspace.root).args(["--max-request-bytes", "1000"]).spawn();
    let mut sidecar = start();
    for end in ["", "\r"] {
        sidecar.send_line(format!("{}{end}", padded(1000)).as_bytes(), Some("a"));
        sidecar.result("a");
        for length in [1001, 1002, 70_000, 1 << 20] {
            sidecar.send_line(format!("{}{end}", padded(length)).as_bytes(), None);
            let error = sidecar.wait_for_null();
            assert_eq!(
                (&error["code"], &error["data"]["maxRequestBytes"]),
                (&json!("request_too_large"), &json!(1000))
            );
            sidecar.request("ping", json!({}));
        }
    }
    sidecar.finish();
    soon("the end", || {
        let mut sidecar = start();
        sidecar.send_raw("x".repeat(5000).as_bytes());
        sidecar.close_stdin();
        assert_eq!(sidecar.wait_for_null()["code"], "request_too_large");
        sidecar.ended(0)
    });
}

#[test]
fn a_huge_line_is_not_kept() {
    let workspace = fixtures::copy();
    let mut sidecar = Sidecar::spawn(&workspace.root);
    let chunk = vec![b'x'; 1 << 20];
    for _ in 0..64 {
        sidecar.send_raw(&chunk);
    }
    sidecar.send_raw(b"\n");
    assert_eq!(sidecar.wait_for_null()["code"], "request_too_large");
    sidecar.request("ping", json!({}));
    memory::assert_below(sidecar.pid(), 60);
    sidecar.finish();
}
