//! What `deploy/` ships agrees with the binary and with itself, as far as that
//! can be told without a container engine.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use jepsen_tests::binary;
use yaml_rust2::{Yaml, YamlLoader};

const THREE_NODES: [&str; 3] = ["n1", "n2", "n3"];

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(deploy().join(path)).unwrap()
}

fn yaml(path: &str) -> Yaml {
    YamlLoader::load_from_str(&read(path)).unwrap().remove(0)
}

fn print_config(config: &Path) -> Output {
    let mut command = Command::new(binary::lexecon().unwrap());
    command.args(["serve", "--print-config", "--config"]).arg(config);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("LEXECON_") {
            command.env_remove(name);
        }
    }
    command.output().unwrap()
}

/// The example configurations of three nodes, by node.
fn three_nodes() -> BTreeMap<&'static str, toml::Table> {
    let config = |name| read(&format!("config/three-nodes/{name}.toml")).parse().unwrap();
    THREE_NODES.into_iter().map(|name| (name, config(name))).collect()
}

fn text<'a>(config: &'a toml::Table, key: &str) -> &'a str {
    config.get(key).and_then(toml::Value::as_str).unwrap_or_else(|| panic!("no text `{key}`"))
}

#[test]
fn every_example_configuration_is_understood_and_takes_effect() {
    let mut examples = vec![PathBuf::from("config/one-node.toml")];
    examples.extend(THREE_NODES.map(|name| format!("config/three-nodes/{name}.toml").into()));
    for example in examples {
        let output = print_config(&deploy().join(&example));
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {errors}", example.display());
        let config: toml::Table = read(example.to_str().unwrap()).parse().unwrap();
        for key in ["node_id", "listen", "peer_listen"] {
            let line = format!("{key} = \"{}\"", text(&config, key));
            assert!(printed.contains(&line), "{}: no `{line}` in\n{printed}", example.display());
        }
    }
}

#[test]
fn tls_is_switched_on_by_taking_the_marks_off() {
    let dir = tempfile::tempdir().unwrap();
    for name in THREE_NODES {
        let example = read(&format!("config/three-nodes/{name}.toml"));
        let (above, below) = example.split_once("# [tls]\n").unwrap();
        let below: Vec<&str> = below.lines().map(|line| line.strip_prefix("# ").unwrap()).collect();
        let config = dir.path().join(format!("{name}.toml"));
        std::fs::write(&config, format!("{above}[tls]\n{}\n", below.join("\n"))).unwrap();
        let output = print_config(&config);
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let certs = "/etc/lexecon/certs";
        for (key, file) in [
            ("tls.cert_file", format!("node-{name}.crt")),
            ("tls.key_file", format!("node-{name}.key")),
            ("tls.peer_cert_file", format!("node-{name}.crt")),
            ("tls.peer_key_file", format!("node-{name}.key")),
            ("tls.peer_ca_file", "ca.crt".to_owned()),
        ] {
            assert!(printed.contains(&format!("{key} = \"{certs}/{file}\"")), "{printed}");
        }
    }
}

#[test]
fn a_configuration_with_a_key_nobody_reads_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("wrong.toml");
    let with_more = format!("peer_listn = \"127.0.0.1:9000\"\n{}", read("config/one-node.toml"));
    std::fs::write(&config, with_more).unwrap();
    let output = print_config(&config);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("peer_listn"));
}

#[test]
fn three_nodes_have_their_own_names_and_ports_and_join_each_other() {
    let configs = three_nodes();
    let mut addresses = BTreeSet::new();
    for (name, config) in &configs {
        assert_eq!(text(config, "node_id"), *name);
        assert!(addresses.insert(text(config, "listen")), "{name}: `listen` is taken");
        assert!(addresses.insert(text(config, "peer_listen")), "{name}: `peer_listen` is taken");
    }
    let urls: BTreeSet<String> =
        configs.values().map(|config| format!("http://{}", text(config, "listen"))).collect();
    let founders: Vec<&str> = configs
        .iter()
        .filter_map(|(name, config)| (!config.contains_key("join")).then_some(*name))
        .collect();
    assert_eq!(founders, ["n1"]);
    for config in configs.values() {
        let own = format!("http://{}", text(config, "listen"));
        for url in config.get("join").and_then(toml::Value::as_array).into_iter().flatten() {
            let url = url.as_str().unwrap();
            assert!(urls.contains(url) && url != own, "nobody to join at {url}");
        }
    }
}

#[test]
fn compose_starts_each_node_with_its_configuration_and_probes_its_port() {
    let compose = yaml("compose.yaml");
    let services = compose["services"].as_hash().unwrap();
    let names: Vec<&str> = services.keys().filter_map(Yaml::as_str).collect();
    assert_eq!(names, THREE_NODES);
    for (name, config) in three_nodes() {
        let service = &compose["services"][name];
        let command: Vec<&str> =
            service["command"].as_vec().unwrap().iter().filter_map(Yaml::as_str).collect();
        assert_eq!(command, ["serve", "--config", &format!("/etc/lexecon/{name}.toml")]);
        let url = format!("http://{}", text(&config, "listen"));
        assert_eq!(service["environment"]["LEXECON_URL"].as_str(), Some(url.as_str()));
        let volumes: Vec<&str> =
            service["volumes"].as_vec().unwrap().iter().filter_map(Yaml::as_str).collect();
        let data = format!("{name}:{}", text(&config, "data_dir"));
        assert_eq!(volumes, ["./config/three-nodes:/etc/lexecon:ro", data.as_str()]);
    }
}

#[test]
fn prometheus_scrapes_every_node() {
    let prometheus = yaml("prometheus/prometheus.yml");
    let targets = &prometheus["scrape_configs"][0]["static_configs"][0]["targets"];
    let targets: Vec<&str> = targets.as_vec().unwrap().iter().filter_map(Yaml::as_str).collect();
    let configs = three_nodes();
    let nodes: Vec<&str> = configs.values().map(|config| text(config, "listen")).collect();
    assert_eq!(targets, nodes);
}

#[test]
fn the_image_is_built_by_the_compiler_of_the_project_and_runs_without_root() {
    let dockerfile = read("Dockerfile");
    let toolchain: toml::Table = read("../rust-toolchain.toml").parse().unwrap();
    let channel = text(toolchain["toolchain"].as_table().unwrap(), "channel");
    let (release, _) = channel.rsplit_once('.').unwrap();
    assert!(dockerfile.contains(&format!("FROM rust:{release}-")));
    assert!(dockerfile.contains(&format!("RUSTUP_TOOLCHAIN={channel}\n")));
    let user = dockerfile.lines().filter_map(|line| line.strip_prefix("USER ")).next_back();
    assert!(user.is_some_and(|user| user != "root" && user != "0"));
}

#[test]
fn the_image_is_built_with_the_policies_that_the_binary_holds() {
    let kept = read("Dockerfile.dockerignore");
    assert!(kept.lines().any(|line| line == "!deploy/examples"));
}
