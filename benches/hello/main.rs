//! The ceiling for cached tiles: hyper alone, which answers with files that it read into memory at the start.
//!
//! `pavage-hello 127.0.0.1:8080 FOLDER`

use std::{collections::HashMap, convert::Infallible, fs, io, path::Path, sync::Arc};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Request, Response, StatusCode, body::Incoming, header, server::conn::http1, service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

type Files = HashMap<String, Bytes>;

/// Files by their paths in URLs.
fn read(folder: &Path, url: &str, files: &mut Files) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let url = format!("{url}/{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            read(&entry.path(), &url, files)?;
        } else {
            files.insert(url, fs::read(entry.path())?.into());
        }
    }
    Ok(())
}

fn answer(files: &Files, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    if let Some(file) = files.get(request.uri().path()) {
        response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("image/jpeg"));
        *response.body_mut() = Full::new(file.clone());
    } else {
        *response.status_mut() = StatusCode::NOT_FOUND;
    }
    response
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(listen), Some(folder)) = (arguments.next(), arguments.next()) else {
        return Err(io::Error::other("usage: pavage-hello ADDRESS FOLDER"));
    };
    let mut files = Files::new();
    read(Path::new(&folder), "", &mut files)?;
    let files = Arc::new(files);
    let listener = TcpListener::bind(listen).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let files = Arc::clone(&files);
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let response = answer(&files, &request);
                async move { Ok::<_, Infallible>(response) }
            });
            // A client that hangs up is no concern here.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}
