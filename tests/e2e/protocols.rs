//! One tile, whoever asks and however.

use support::{Painted, Running, write_cog};

use crate::pictures::inside;

fn served() -> (tempfile::TempDir, Running) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("ortho.tif");
    write_cog(&path, 1024, &Painted([90, 120, 60]));
    let server = Running::serve(&[path]);
    (folder, server)
}

#[test]
fn kvp_rest_and_xyz_give_the_same_bytes() {
    let (_folder, server) = served();
    let (x, y) = inside(&server, "ortho", 17);
    for (extension, media_type) in [("jpg", "image/jpeg"), ("png", "image/png"), ("webp", "image/webp")] {
        let xyz = server.get(&format!("/xyz/ortho/17/{x}/{y}.{extension}"));
        let rest = server.get(&format!("/wmts/1.0.0/ortho/normal/WebMercatorQuad/17/{y}/{x}.{extension}"));
        let kvp = server.get(&format!(
            "/wmts?service=WMTS&Request=GetTile&VERSION=1.0.0&layer=ortho&style=normal&format={media_type}\
             &tilematrixset=PM&tilematrix=17&tilerow={y}&tilecol={x}"
        ));
        assert_eq!(
            (xyz.status, rest.status, kvp.status),
            (200, 200, 200),
            "{}",
            String::from_utf8_lossy(&kvp.body)
        );
        assert!(xyz.body == rest.body && rest.body == kvp.body, "{extension}");
        assert_eq!((xyz.header("etag"), xyz.header("content-type")), (kvp.header("etag"), media_type));
    }
}

#[test]
fn capabilities_link_tiles_that_answer_in_every_set() {
    let (_folder, server) = served();
    let answer = server.get("/wmts/1.0.0/WMTSCapabilities.xml");
    let document = roxmltree::Document::parse(answer.text()).expect("it is well formed");
    let text = |node: roxmltree::Node<'_, '_>, name: &str| {
        node.descendants()
            .find(|n| n.has_tag_name(name))
            .and_then(|n| n.text())
            .unwrap_or_default()
            .to_owned()
    };
    let mut asked = 0;
    for link in document.descendants().filter(|n| n.has_tag_name("TileMatrixSetLink")) {
        let set = text(link, "TileMatrixSet");
        for limits in link.descendants().filter(|n| n.tag_name().name() == "TileMatrixLimits") {
            let [matrix, row, col] =
                ["TileMatrix", "MinTileRow", "MinTileCol"].map(|name| text(limits, name));
            let tile = server.get(&format!("/wmts/1.0.0/ortho/normal/{set}/{matrix}/{row}/{col}.png"));
            assert_eq!(tile.status, 200, "{set} {matrix} {row} {col}");
            asked += 1;
        }
    }
    assert!(asked > 30, "{asked} tiles");
}

#[test]
fn feature_info_tells_file_pixel_and_values() {
    let (_folder, server) = served();
    let (x, y) = inside(&server, "ortho", 19);
    let answer = server.get(&format!(
        "/wmts?SERVICE=WMTS&REQUEST=GetFeatureInfo&VERSION=1.0.0&LAYER=ortho&STYLE=normal&FORMAT=image/jpeg\
         &TILEMATRIXSET=WebMercatorQuad&TILEMATRIX=19&TILEROW={y}&TILECOL={x}&I=10&J=20&INFOFORMAT=application/json"
    ));
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.text().contains("ortho") && answer.text().contains("90"), "{}", answer.text());
}

#[test]
fn mistakes_get_the_documents_of_their_protocol_and_no_echo() {
    let (_folder, server) = served();
    let evil = "%3Cscript%3Ealert(1)";
    for (target, status, media_type) in [
        (format!("/xyz/{evil}/1/1/1.png"), 404, "text/plain"),
        (format!("/xyz/ortho/1/1/{evil}.png"), 400, "text/plain"),
        ("/xyz/ortho/1/9/9.png".to_owned(), 404, "text/plain"),
        ("/xyz/ortho/1/-1/0.png".to_owned(), 400, "text/plain"),
        ("/xyz/ortho/1/1/1.tiff".to_owned(), 400, "text/plain"),
        (format!("/wmts?service=WMTS&request={evil}"), 400, "text/xml"),
        (format!("/wmts?service=WMTS&request=GetTile&layer={evil}"), 400, "text/xml"),
        (format!("/{evil}"), 404, "text/plain"),
    ] {
        let answer = server.get(&target);
        assert_eq!(answer.status, status, "{target}: {}", answer.text());
        assert!(answer.header("content-type").starts_with(media_type), "{target}");
        assert!(!answer.text().contains("script"), "{target}: {}", answer.text());
        assert_eq!(answer.header("cache-control"), "no-store", "{target}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{target}");
    }
}
