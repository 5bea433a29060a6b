//! Takes a URL apart as Java's `java.net.URL` does: nothing is decoded, only protocols that Java has are URLs.

/// The protocols that Java handles by itself.
const PROTOCOLS: [&str; 7] = ["http", "https", "ftp", "file", "jar", "mailto", "jrt"];

/// The parts of a URL.
pub(super) struct Url<'a> {
    pub(super) protocol: String,
    pub(super) authority: Option<&'a str>,
    pub(super) user: Option<&'a str>,
    pub(super) host: &'a str,
    pub(super) path: String,
    pub(super) query: Option<&'a str>,
    pub(super) reference: Option<&'a str>,
}

impl<'a> Url<'a> {
    /// `None` where Java throws `MalformedURLException`.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let text = text.trim_matches(|c| c <= ' ');
        let text = match text.get(..4) {
            Some(prefix) if prefix.eq_ignore_ascii_case("url:") => &text[4..],
            _ => text,
        };
        let (protocol, rest) = text.split_once(':').filter(|(protocol, _)| !protocol.contains('/'))?;
        let protocol = protocol.to_ascii_lowercase();
        if !PROTOCOLS.contains(&protocol.as_str()) {
            return None;
        }
        let (rest, reference) = match rest.split_once('#') {
            Some((rest, reference)) => (rest, Some(reference)),
            None => (rest, None),
        };
        let (rest, query) = match rest.split_once('?') {
            Some((rest, query)) => (rest, Some(query)),
            None => (rest, None),
        };
        let mut url = Self { protocol, authority: None, user: None, host: "", path: String::new(), query, reference };
        let path = match rest.strip_prefix("//") {
            Some(rest) if !rest.starts_with("//") => {
                let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
                url.set_authority(authority)?;
                path
            }
            _ => rest,
        };
        url.path = without_dots(path);
        Some(url)
    }

    /// `[user@]host[:port]`.
    fn set_authority(&mut self, authority: &'a str) -> Option<()> {
        self.authority = Some(authority);
        let mut host = authority;
        if let Some((user, rest)) = authority.split_once('@') {
            if rest.contains('@') {
                // Java takes more than one `@` for an authority without parts.
                return Some(());
            }
            self.user = Some(user);
            host = rest;
        }
        let end = match host.strip_prefix('[') {
            Some(v6) => v6.find(']')? + 2,
            None => host.find(':').unwrap_or(host.len()),
        };
        let port = &host[end..];
        if !port.is_empty() {
            let digits = port.strip_prefix(':')?;
            if !digits.is_empty() && digits.parse::<i32>().ok()? < -1 {
                return None;
            }
        }
        self.host = &host[..end];
        Some(())
    }
}

/// The path with `/./` and `/x/../` resolved.
fn without_dots(path: &str) -> String {
    if !path.contains("/.") {
        return path.to_owned();
    }
    let mut out: Vec<&str> = Vec::new();
    let mut segments = path.split('/').peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            "." if last => out.push(""),
            "." => {}
            ".." if out.len() > 1 && !matches!(out.last(), Some(&"..")) => {
                out.pop();
                if last {
                    out.push("");
                }
            }
            segment => out.push(segment),
        }
    }
    out.join("/")
}
