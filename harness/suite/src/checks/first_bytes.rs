//! Which protocol a connection uses, from its first bytes.

/// Whether the bytes begin a command of Redis's protocol: an array, `*1\r\n`, or a command as plain text.
pub fn is_redis(bytes: &[u8]) -> bool {
    let line = bytes
        .split(|byte| *byte == b'\r')
        .next()
        .unwrap_or_default();
    match line.split_first() {
        Some((b'*', count)) => !count.is_empty() && count.iter().all(u8::is_ascii_digit),
        _ => line.eq_ignore_ascii_case(b"PING"),
    }
}

/// Whether the bytes begin an HTTP/2 connection (RFC 9113, section 3.4), as every gRPC client does.
pub fn is_http2(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
}

/// The database that a client of PostgreSQL names in its start-up message; without one, its user's.
pub fn postgres_database(bytes: &[u8]) -> Option<String> {
    let length = u32::from_be_bytes(bytes.get(..4)?.try_into().ok()?);
    let version = u32::from_be_bytes(bytes.get(4..8)?.try_into().ok()?);
    // Version 3.0 and later minor ones.
    if version >> 16 != 3 {
        return None;
    }
    let parameters = bytes.get(8..length.try_into().ok()?)?;
    let mut texts = parameters.split(|byte| *byte == 0);
    let mut user = None;
    while let (Some(name), Some(value)) = (texts.next(), texts.next()) {
        match name {
            b"database" => return Some(String::from_utf8_lossy(value).into_owned()),
            b"user" => user = Some(String::from_utf8_lossy(value).into_owned()),
            _ => {}
        }
    }
    user
}

#[cfg(test)]
mod tests {
    use super::*;

    fn startup(parameters: &str) -> Vec<u8> {
        let length = u32::try_from(parameters.len()).expect("a short text") + 8;
        let mut bytes = length.to_be_bytes().to_vec();
        bytes.extend(0x0003_0000_u32.to_be_bytes());
        bytes.extend(parameters.as_bytes());
        bytes
    }

    #[test]
    fn a_startup_message_names_its_database() {
        let bytes = startup("user\0ada\0database\0mydb\0\0");
        assert_eq!(postgres_database(&bytes).as_deref(), Some("mydb"));
        let without = startup("user\0ada\0\0");
        assert_eq!(postgres_database(&without).as_deref(), Some("ada"));
        assert_eq!(postgres_database(&bytes[..12]), None);
        assert_eq!(postgres_database(b"PRI * HTTP/2.0\r\n\r\n"), None);
        assert_eq!(postgres_database(b""), None);
    }

    #[test]
    fn redis_and_http2_are_distinguished() {
        assert!(is_redis(b"*1\r\n$4\r\nPING\r\n") && is_redis(b"PING\r\n"));
        assert!(!is_redis(b"PRI * HTTP/2.0\r\n") && !is_redis(b"") && !is_redis(b"*\r\n"));
        assert!(is_http2(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0"));
        assert!(!is_http2(b"GET / HTTP/1.1\r\n"));
    }
}
