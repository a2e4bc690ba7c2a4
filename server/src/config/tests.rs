use std::io::Write as _;

use tiler::{encode::Format, resample::Resampling};

use super::*;

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/examples/pavage.toml");

fn load(text: &str) -> Result<Config, Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("p.toml");
    fs::write(&file, text).unwrap();
    Config::load(Some(&file), &Overrides::default()).map_err(|Problems(problems)| {
        let name = format!("{}", file.display());
        problems.iter().map(|problem| problem.to_string().replace(&name, "p.toml")).collect()
    })
}

#[test]
fn the_example_says_every_key_and_loads() {
    let config =
        Config::load(Some(Path::new(EXAMPLE)), &Overrides::default()).unwrap_or_else(|p| panic!("{p}"));
    assert_eq!(config.server.public_url.as_deref(), Some("https://tiles.example.org"));
    assert_eq!(config.server.trusted_proxies.len(), 2);
    assert_eq!(config.cache.tile_bytes, 256 << 20);
    let disk = config.cache.disk.as_ref().map(|disk| (disk.dir.display().to_string(), disk.bytes));
    assert_eq!(disk, Some(("/var/cache/pavage/tiles".to_owned(), 20 << 30)));
    assert_eq!(config.layers.len(), 4);
    let ortho = &config.layers[0];
    assert_eq!(ortho.id.as_deref(), Some("ortho-2024"));
    assert!(ortho.paths[0].ends_with("deploy/examples/data/ortho-2024.tif"), "{:?}", ortho.paths);
    assert_eq!(ortho.options.settings.resampling, Resampling::Cubic);
    assert_eq!(ortho.options.settings.jpeg_quality, 90);
    assert!(!ortho.options.settings.passthrough);
    assert_eq!(ortho.options.formats, [Format::Jpeg, Format::Png, Format::WebP]);
    let styles: Vec<_> = ortho.options.styles.iter().map(|style| style.name.as_str()).collect();
    assert_eq!(styles, ["rgb", "irc", "ndvi", "classes"]);
    assert_eq!(ortho.options.assumed_crs.as_ref().and_then(tiler::crs::Crs::epsg), Some(2154));
    assert!(config.layers[1].options.styles[0].hillshade.is_some());
    assert_eq!(config.layers[2].id.as_deref(), Some("pcrs"));
    assert_eq!((&config.layers[3].id, config.layers[3].options.each), (&None, true));
}

#[test]
fn the_example_states_the_defaults() {
    let example = Config::load(Some(Path::new(EXAMPLE)), &Overrides::default()).unwrap();
    let default = Config::load(None, &Overrides::default()).unwrap();
    assert_eq!(example.server.listen, default.server.listen);
    assert_eq!(example.service.title, default.service.title);
    assert_eq!(example.cache.block_bytes, default.cache.block_bytes);
    assert_eq!(example.watch_interval, default.watch_interval);
    assert_eq!(example.file_limits, default.file_limits);
    let mut limits = example.limits;
    limits.renders_running = default.limits.renders_running;
    limits.renders_queued = default.limits.renders_queued;
    assert_eq!(format!("{limits:?}"), format!("{:?}", default.limits));
    assert_eq!(format!("{:?}", example.defaults), format!("{:?}", default.defaults));
}

#[test]
fn all_mistakes_are_told_at_once_with_their_lines() {
    let problems = load(
        r#"[server]
listen = "localhost"
trusted_proxies = ["10.0.0.0/99"]
colour = 1

[cache]
tile_mib = -1
policy = "random"

[render]
jpeg_quality = 101
background = "white"

[[layer]]
id = "a b"
path = "x.tif"
formats = ["gif"]
empty = "maybe"

[[layer]]
id = "twice"

[[layer]]
id = "twice"
path = "y.tif"
paths = ["z.tif"]
sets = []
"#,
    )
    .unwrap_err();
    let lines: Vec<_> = problems.iter().filter_map(|p| p.split(':').nth(1)?.parse::<u32>().ok()).collect();
    assert_eq!(lines, [2, 3, 4, 7, 8, 11, 12, 15, 17, 18, 20, 23, 24, 27], "{problems:#?}");
    assert_eq!(problems[5], "p.toml:11: jpeg_quality is 101; it must be from 1 to 100");
}

#[test]
fn an_unknown_key_names_the_known_ones() {
    let problems = load("[io]\nacces = 'mmap'\n").unwrap_err();
    assert_eq!(
        problems,
        ["p.toml:2: unknown key `acces`, expected one of `access`, `watch_s`, `open_files`"]
    );
}

#[test]
fn tiles_are_kept_on_disk_only_where_a_folder_is_named() {
    assert_eq!(Config::load(None, &Overrides::default()).unwrap().cache.disk, None);
    let problems = load("[cache]\ndisk_mib = 100\n").unwrap_err();
    assert_eq!(problems, ["p.toml:2: disk_mib needs disk_dir, the folder that tiles are kept in"]);
}

#[test]
fn an_unknown_set_is_a_mistake_of_its_line() {
    let problems = load("[[layer]]\npath = 'a.tif'\nsets = ['NoSuchQuad']\n").unwrap_err();
    assert_eq!(problems, ["p.toml:3: sets names \"NoSuchQuad\", which is no known tile matrix set"]);
}

#[test]
fn a_set_definition_that_is_missing_is_told() {
    let problems = load("[[tile_matrix_set]]\nfile = 'no-such.json'\n[[tile_matrix_set]]\n").unwrap_err();
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(problems[0].starts_with("p.toml:2: "), "{problems:?}");
    assert_eq!(problems[1], "p.toml:3: a tile_matrix_set needs `file`");
}

#[test]
fn texts_that_xml_cannot_carry_are_refused() {
    let problems = load("[service]\ntitle = \"a\\u0007b\"\n").unwrap_err();
    assert_eq!(problems, ["p.toml:2: title has control characters"]);
}

#[test]
fn overrides_win_and_are_checked() {
    let wins = |origin, value: &str| Some(Override { origin, value: value.to_owned() });
    let good = Overrides {
        listen: wins("--listen", "0.0.0.0:9000"),
        public_url: wins("X", "http://a/b/"),
        ..Overrides::default()
    };
    let config = Config::load(None, &good).unwrap();
    assert_eq!(config.server.listen.port(), 9000);
    assert_eq!(config.server.public_url.as_deref(), Some("http://a/b"));
    let bad = Overrides {
        listen: wins("--listen", "9000"),
        public_url: wins("PAVAGE_PUBLIC_URL", "a"),
        ..Overrides::default()
    };
    let problems = Config::load(None, &bad).unwrap_err().0;
    assert_eq!(problems.len(), 2);
    assert!(problems[0].to_string().starts_with("--listen: must be an address and a port"), "{problems:?}");
}

#[test]
fn what_is_no_text_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let fail = |path: &Path| Config::load(Some(path), &Overrides::default()).unwrap_err().to_string();
    assert!(fail(&folder.path().join("none.toml")).contains("cannot be read"));
    assert!(fail(folder.path()).contains("is not a regular file"));
    let binary = folder.path().join("binary.toml");
    fs::File::create(&binary).unwrap().write_all(b"a = 1\n\xff\xfe\x00").unwrap();
    assert!(fail(&binary).contains("is not a text in UTF-8, from byte 6 on"));
}
