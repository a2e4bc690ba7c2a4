//! stub
pub fn handle(_: &str) -> Option<crate::http::Response> {
    None
}
