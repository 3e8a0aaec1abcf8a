//! What is mounted, and which of it is a disk that can fill up.

use std::collections::BTreeMap;

use super::settings::System;

/// A line of `/proc/self/mountinfo` (`proc_pid_mountinfo(5)`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Mount {
    /// `major:minor` of the file system.
    pub(super) device: String,
    /// The part of the file system that is mounted; not `/` for bind mounts and subvolumes.
    pub(super) root: String,
    /// Where.
    pub(super) point: String,
    /// `ext4`, `nfs4`, `cgroup2`, …
    pub(super) kind: String,
    /// `/dev/sda1`, `server:/export`, `overlay`, …
    pub(super) source: String,
    /// Options of the file system.
    pub(super) super_options: String,
}

/// Reads `/proc/self/mountinfo`; lines of an unknown form are left out.
pub(super) fn parse(text: &str) -> Vec<Mount> {
    text.lines().filter_map(mount).collect()
}

/// `36 35 98:0 /root /point options [tags…] - kind source super_options`
fn mount(line: &str) -> Option<Mount> {
    let (head, tail) = line.split_once(" - ")?;
    let mut head = head.split(' ').skip(2);
    let mut tail = tail.split(' ');
    Some(Mount {
        device: head.next()?.to_owned(),
        root: unescape(head.next()?),
        point: unescape(head.next()?),
        kind: tail.next()?.to_owned(),
        source: unescape(tail.next()?),
        super_options: tail.next().unwrap_or_default().to_owned(),
    })
}

/// Turns the kernel's `\040` (blank, tab, newline, backslash, `#`) back into the byte it stands for.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let byte = after.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok()).filter(u8::is_ascii);
        out.push(byte.map_or('\\', char::from));
        rest = if byte.is_some() { after.get(3..).unwrap_or_default() } else { after };
    }
    out + rest
}

/// The mount points to watch, in order: every real disk once, and what the settings name.
/// A named mount point is watched whether or not something is mounted there.
pub(super) fn watched(mounts: &[Mount], settings: &System) -> Vec<String> {
    let visible: BTreeMap<&str, &Mount> = mounts.iter().map(|mount| (mount.point.as_str(), mount)).collect();
    let ignored = |point: &str| settings.ignore_mounts.iter().any(|ignored| ignored == point);
    let mut disks: BTreeMap<&str, &Mount> = BTreeMap::new();
    for mount in visible.into_values().filter(|mount| is_disk(mount)) {
        let best = disks.entry(&mount.device).or_insert(mount);
        if rank(mount) < rank(best) {
            *best = mount;
        }
    }
    let mut points: Vec<String> = disks.into_values().map(|mount| mount.point.clone()).collect();
    points.retain(|point| !ignored(point));
    points.extend(settings.mounts.iter().cloned());
    points.sort();
    points.dedup();
    points
}

/// Of the places where one file system is mounted the one that shows it whole and is shortest gives it its name:
/// subvolumes of a btrfs and bind mounts share their space and are one disk.
fn rank(mount: &Mount) -> (bool, usize, &str) {
    (mount.root != "/", mount.point.len(), &mount.point)
}

/// Whether this can fill up and is ours: backed by a block device or a ZFS pool, or the root of a container.
/// Network file systems are not (their server watches them, and they can hang) unless the settings name them.
fn is_disk(mount: &Mount) -> bool {
    if mount.point == "/" {
        return mount.kind != "rootfs";
    }
    let backed = mount.source.starts_with("/dev/") || mount.kind == "zfs";
    backed && !is_image(mount) && !is_file_of_a_container(&mount.point)
}

/// Media that are full by nature: CD images, snaps, and other read-only loop images.
fn is_image(mount: &Mount) -> bool {
    let read_only = mount.super_options.split(',').any(|option| option == "ro");
    matches!(mount.kind.as_str(), "squashfs" | "iso9660" | "udf" | "erofs" | "cramfs" | "romfs" | "devtmpfs")
        || (read_only && mount.source.starts_with("/dev/loop"))
}

/// Container engines mount single files of the host's disk, such as `/etc/hosts` and `/dev/termination-log`.
fn is_file_of_a_container(point: &str) -> bool {
    ["/etc/", "/dev/", "/proc/", "/sys/"].iter().any(|folder| point.starts_with(folder))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn escapes_are_read_back() {
        for (escaped, plain) in [
            ("/plain", "/plain"),
            ("/my\\040data\\011x", "/my data\tx"),
            ("/back\\134slash\\012", "/back\\slash\n"),
            ("/z\u{fc}rich\\040", "/z\u{fc}rich "),
            ("/odd\\", "/odd\\"),
            ("/odd\\09", "/odd\\09"),
            ("/odd\\777", "/odd\\777"),
            ("/odd\\\u{fc}\u{fc}", "/odd\\\u{fc}\u{fc}"),
        ] {
            assert_eq!(unescape(escaped), plain);
        }
    }

    fn points(lines: &[&str]) -> Vec<String> {
        let settings = System {
            enabled: true,
            every: Duration::from_mins(1),
            mounts: Vec::new(),
            ignore_mounts: vec!["/ignored".to_owned()],
            services: Vec::new(),
            latency_probe: None,
        };
        watched(&parse(&lines.join("\n")), &settings)
    }

    #[test]
    fn one_file_system_is_one_disk() {
        let whole = "1 0 8:1 / /srv/whole rw - ext4 /dev/sda1 rw";
        let part = "2 0 8:1 /part /p rw - ext4 /dev/sda1 rw";
        let longer = "3 0 8:1 / /srv/whole/again rw - ext4 /dev/sda1 rw";
        assert_eq!(points(&[part, longer, whole]), ["/srv/whole"]);
        assert_eq!(points(&[part]), ["/p"]);
        // ignoring the place that names a disk ignores the disk
        assert_eq!(points(&["1 0 8:1 / /ignored rw - ext4 /dev/sda1 rw", part]), [""; 0]);
    }

    #[test]
    fn what_is_mounted_over_hides_what_is_below() {
        let below = "1 0 8:1 / /data rw - ext4 /dev/sda1 rw";
        assert_eq!(points(&[below, "2 0 0:9 / /data rw - tmpfs tmpfs rw"]), [""; 0]);
        assert_eq!(points(&[below, "2 0 8:2 / /data rw - ext4 /dev/sdb1 rw"]), ["/data"]);
    }

    #[test]
    fn only_what_can_fill_up_is_a_disk() {
        for (line, is_watched) in [
            ("1 0 0:1 / / rw - overlay overlay rw", true),
            ("1 0 0:1 / / rw - rootfs rootfs rw", false),
            ("1 0 0:1 / / rw - tmpfs tmpfs rw", true),
            ("1 0 8:1 / /data ro shared:1 - ext4 /dev/sda1 ro", true),
            ("1 0 7:1 / /data rw - ext4 /dev/loop0 rw", true),
            ("1 0 7:1 / /data ro - ext4 /dev/loop0 ro", false),
            ("1 0 0:1 / /data rw - fuse.sshfs me@there:/ rw", false),
            ("1 0 0:1 / /data rw - cifs //there/share rw", false),
            ("1 0 0:1 / /data rw - fuseblk /dev/sda1 rw", true),
            ("1 0 0:1 / /data rw - autofs /etc/auto.data rw", false),
            ("1 0 8:1 /x/hosts /etc/hosts rw - ext4 /dev/sda1 rw", false),
            ("1 0 8:1 / /etcetera rw - ext4 /dev/sda1 rw", true),
        ] {
            assert_eq!(points(&[line]).len(), usize::from(is_watched), "{line}");
        }
    }
}
