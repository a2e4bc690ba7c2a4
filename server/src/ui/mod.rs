//! The two pages: the map viewer and the operator's dashboard, built by Vite from `web/` and embedded in the binary. Nothing is
//! loaded from elsewhere at run time, and the pages' policy says so to the browser.

use http::{HeaderValue, StatusCode, header};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::http::{Response, respond::with_body};

#[derive(RustEmbed)]
#[folder = "src/ui/assets"]
struct Assets;

/// Scripts and pictures from this server only; styles may be set by scripts, as OpenLayers does.
const POLICY: &str = "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; \
    object-src 'none'; base-uri 'self'; frame-ancestors 'self'";
/// Names of built files carry a hash of their content.
const FOREVER: &str = "public, max-age=31536000, immutable";

/// Answers `/`, `/dashboard` and the files they load; `None` for every other path.
pub fn handle(path: &str) -> Option<Response> {
    match path {
        "/" => page("index.html"),
        "/dashboard" => page("dashboard.html"),
        _ => {
            let name = path.strip_prefix("/assets/")?;
            // Names are looked up among those that were embedded: no path is ever joined.
            let mut response = respond(Assets::get(name)?, media_type(name)?);
            response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(FOREVER));
            Some(response)
        }
    }
}

fn page(name: &str) -> Option<Response> {
    let mut response = respond(Assets::get(name)?, "text/html; charset=utf-8");
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    Some(response)
}

fn respond(file: EmbeddedFile, media_type: &'static str) -> Response {
    with_body(StatusCode::OK, media_type, file.data.into_owned())
}

/// What pages load; they themselves are not to be had by their files' names.
fn media_type(name: &str) -> Option<&'static str> {
    match name.rsplit('.').next()? {
        "js" => Some("text/javascript; charset=utf-8"),
        "css" => Some("text/css; charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        "png" => Some("image/png"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_pages_are_embedded_with_their_policy() {
        for path in ["/", "/dashboard"] {
            let response = handle(path).expect("it is embedded");
            assert!(response.headers().contains_key(header::CONTENT_SECURITY_POLICY));
        }
    }

    #[test]
    fn only_what_is_embedded_is_served() {
        for path in
            ["/assets/../mod.rs", "/assets/", "/assets/index.html", "/etc/passwd", "/assets/nothing.js"]
        {
            assert!(handle(path).is_none(), "{path}");
        }
        let script = Assets::iter().find(|name| name.ends_with(".js")).expect("there is a script");
        let response = handle(&format!("/assets/{script}")).expect("it is embedded");
        assert_eq!(response.headers()[header::CACHE_CONTROL], FOREVER);
    }
}
