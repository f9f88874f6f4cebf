//! Power that fails: only what reached the device counts.
//!
//! A file system of its own lies in an image behind a loop device. After the
//! process is killed, the image is copied as it is at that instant: what was
//! written but not synced is in the page cache of the mounted file system and
//! not in the image. The copy is mounted, its journal replayed, and looked at.
//! Needs root, loop devices and `mkfs.ext4`; says so and passes without them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::crash::{Chance, Promises, Talker, check_state, command};
use crate::harness::open_log;

/// A mounted image, unmounted when dropped.
struct Disk {
    image: PathBuf,
    mount: PathBuf,
}

impl Disk {
    /// A new file system; the reason when this machine cannot.
    fn new(dir: &Path) -> Result<Self, String> {
        let image = dir.join("power.img");
        let file = fs::File::create(&image).unwrap();
        file.set_len(192 * 1024 * 1024).unwrap();
        run(Command::new("mkfs.ext4").args(["-q", "-F"]).arg(&image))?;
        Self::mount(image, dir.join("power"))
    }

    /// A long commit interval, so that nothing is written but what is synced.
    fn mount(image: PathBuf, mount: PathBuf) -> Result<Self, String> {
        fs::create_dir_all(&mount).unwrap();
        run(Command::new("mount").args(["-o", "loop,commit=300"]).arg(&image).arg(&mount))?;
        Ok(Self { image, mount })
    }

    /// The disk as it is after the power failed now.
    fn after_power_loss(&self, dir: &Path, life: u64) -> Self {
        let image = dir.join(format!("after{life}.img"));
        run(Command::new("cp").arg("--sparse=always").arg(&self.image).arg(&image)).unwrap();
        Self::mount(image, dir.join(format!("after{life}"))).unwrap()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if let Err(error) = run(Command::new("umount").arg(&self.mount)) {
            eprintln!("cannot unmount {}: {error}", self.mount.display());
        }
    }
}

fn run(command: &mut Command) -> Result<(), String> {
    let ended = command.stdin(Stdio::null()).output();
    let ended = ended.map_err(|error| format!("{command:?}: {error}"))?;
    if ended.status.success() {
        return Ok(());
    }
    Err(format!("{command:?}: {}", String::from_utf8_lossy(&ended.stderr).trim()))
}

fn disk(dir: &Path) -> Option<Disk> {
    Disk::new(dir).inspect_err(|reason| eprintln!("skipped, no power can be cut: {reason}")).ok()
}

#[test]
fn nothing_acknowledged_is_lost_when_the_power_fails() {
    let dir = tempfile::tempdir().unwrap();
    let Some(mut disk) = disk(dir.path()) else { return };
    let mut chance = Chance::new();
    let mut promises = Promises::default();
    for life in 1..=6 {
        // Not synced, so it must be gone: or else this test cuts no power. A new
        // name each time, since ext4 hurries with a file that is written over.
        let control = format!("control{life}");
        fs::write(disk.mount.join(&control), "x".repeat(100_000)).unwrap();
        let data = disk.mount.join("data");
        let child = Talker::start(command("log", &data, life));
        child.kill_after(1 + chance.below(500), |line| promises.hear(line));
        let after = disk.after_power_loss(dir.path(), life);
        let control = fs::read(after.mount.join(&control)).unwrap_or_default();
        assert!(control.iter().all(|byte| *byte == 0), "an unsynced file survived");
        promises.check(&open_log(&after.mount.join("data")));
        disk = after;
    }
}

#[test]
fn a_state_after_a_power_loss_is_that_of_the_commit_it_names() {
    let dir = tempfile::tempdir().unwrap();
    let Some(mut disk) = disk(dir.path()) else { return };
    let mut chance = Chance::new();
    let (mut flushed, mut heard) = (0, 0);
    let mut lost = 0;
    for life in 1..=4 {
        let data = disk.mount.join("data");
        let child = Talker::start(command("state", &data, life));
        child.kill_after(5 + chance.below(60), |line| {
            let (what, number) = line.split_once(' ').unwrap();
            heard = number.parse().unwrap();
            if what == "flushed" {
                flushed = heard;
            }
        });
        let after = disk.after_power_loss(dir.path(), life);
        let reached = check_state(&after.mount.join("data"), flushed);
        lost += u64::from(reached < heard);
        disk = after;
    }
    assert!(lost > 0, "no unflushed commit was lost: this test cuts no power");
}
