//! The rows of modules in ARCHITECTURE.md: a module uses rows below its own, not beside or above.

use std::{
    fs,
    path::{Path, PathBuf},
};

const TILER: &[&[&str]] = &[
    &["cap", "seed"],
    &["render", "convert"],
    &["catalog", "composite", "style", "encode"],
    &["source", "warp"],
    &["cog", "jp2"],
    &["codec", "resample", "tms"],
    &["tiff", "crs", "raster", "sidecar"],
    &["geom", "io"],
];

const SERVER: &[&[&str]] = &[
    &["cli"],
    &["router", "demo"],
    &["wmts", "xyz", "files", "legend", "ui", "admin"],
    &["app"],
    &["tiles", "inspect", "point", "seed"],
    &["layers", "cache"],
    &["config"],
    &["http"],
    &["metrics"],
    &["error", "log", "resume", "scheduling"],
];

/// Every `crate::module` in a file, comments left out.
fn used(text: &str) -> Vec<String> {
    let mut modules = Vec::new();
    let code: String =
        text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let name = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        if let Some(list) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut start = true;
            for (i, c) in list.char_indices() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => start = true,
                    c if depth == 0 && start && c.is_alphabetic() => {
                        modules.push(name(&list[i..]));
                        start = false;
                    }
                    _ => {}
                }
            }
        } else {
            modules.push(name(rest));
        }
    }
    modules
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("it can be listed").path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

fn check(source: &Path, rows: &[&[&str]]) {
    let row_of = |module: &str| rows.iter().position(|row| row.contains(&module));
    let mut all = Vec::new();
    files(source, &mut all);
    let mut wrong = Vec::new();
    for path in all {
        let inside = path.strip_prefix(source).expect("it is below");
        let module = inside
            .iter()
            .next()
            .and_then(|s| s.to_str())
            .unwrap_or_default()
            .trim_end_matches(".rs")
            .to_owned();
        if matches!(module.as_str(), "lib" | "main") {
            continue;
        }
        let Some(row) = row_of(&module) else {
            wrong.push(format!("{module} stands in no row"));
            continue;
        };
        // Tests may look further than the code they test.
        if path.file_name().is_some_and(|name| name == "tests.rs") {
            continue;
        }
        let text = fs::read_to_string(&path).expect("it can be read");
        let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        for other in used(text) {
            if other != module && row_of(&other).is_some_and(|other| other <= row) {
                wrong.push(format!("{} uses {other}", inside.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn modules_use_only_rows_below_their_own() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    check(&root.join("tiler/src"), TILER);
    check(&root.join("server/src"), SERVER);
}

#[test]
fn unsafe_code_stands_where_memory_is_mapped_or_fetched_and_in_vectors() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let mut all = Vec::new();
    files(&root.join("tiler/src"), &mut all);
    files(&root.join("server/src"), &mut all);
    let mut with: Vec<_> = all
        .into_iter()
        .filter(|path| fs::read_to_string(path).expect("it can be read").contains("unsafe {"))
        .map(|path| path.strip_prefix(root.join("tiler/src")).expect("the server has none").to_owned())
        .collect();
    with.sort();
    let expected = [
        "codec/jpeg/avx2.rs",
        "codec/jpeg/partial/simd.rs",
        "encode/jpeg/simd.rs",
        "io/mmap.rs",
        "io/prefetch.rs",
        "resample/simd.rs",
        "resample/two_pass/avx2.rs",
        "resample/two_pass/avx512/mod.rs",
        "resample/two_pass/avx512/weights.rs",
    ];
    assert_eq!(with, expected.map(PathBuf::from));
}
