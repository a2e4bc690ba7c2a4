//! `pavage demo --dalles` as its users start it.

use std::{fs, path::Path, process::Command};

use tiler::source::{OpenOptions, Source};

fn demo(arguments: &[&str], folder: &Path) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_pavage"))
        .arg("demo")
        .args(arguments)
        .arg("--dir")
        .arg(folder)
        .arg("--no-serve")
        .output()
        .expect("it starts")
}

#[test]
fn a_territory_has_the_dalles_and_the_defects_that_it_tells_of() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    assert!(demo(&["--dalles", "100"], folder.path()).status.success());
    let text = fs::read_to_string(folder.path().join("territory.json")).expect("it is there");
    let told: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
    let planted = |key: &str| folder.path().join(told["planted"][key].as_str().expect("it was planted"));
    let open = |path: &Path| Source::open(path, &OpenOptions::default());
    assert!(!planted("hole").exists());
    assert!(open(&planted("truncated")).is_err(), "it lacks its end");
    let mut opened = 0;
    for below in ["", "2024", "cc43", "duplicate"] {
        for entry in fs::read_dir(folder.path().join(below)).expect("it is there") {
            let path = entry.expect("it can be listed").path();
            if path.extension().is_some_and(|extension| extension == "tif") && path != planted("truncated") {
                let source = open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                assert_eq!(source.overviews().len(), 3);
                opened += 1;
            }
        }
    }
    assert_eq!(told["files"], opened + 1);
}

#[test]
fn more_dalles_than_a_department_has_are_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = demo(&["--dalles", "200001"], folder.path());
    assert_eq!(output.status.code(), Some(2));
}
