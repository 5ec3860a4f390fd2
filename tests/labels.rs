//! SELinux labels on a kernel without SELinux: what there is of it is made to be there for one process (a file by which it
//! is told, in a mount namespace of its own), and labels are extended attributes that root may set. What is expected is
//! what GNU cp 9.10 does where SELinux's library answers as such a kernel would.

use crate::apparatus::{Scene, case, skip};

/// Beside a labelled file `a`, a tree `d` and a file `bare` that has no label; `b` and `e` have one of their own.
const RECIPE: &str = "
mount -t tmpfs none /sys/fs && mkdir /sys/fs/selinux && echo 1 >/sys/fs/selinux/enforce || exit 99
echo a >a; echo b >b; echo bare >bare; mkdir d e; echo x >d/x; ln -s a s
label() { setfattr -h -n security.selinux -v \"$@\" || exit 98; }
label new a d d/x s; label old b e; setfattr -n user.x -v 1 a
labels() { getfattr -h --only-values -n security.selinux \"$@\" 2>/dev/null; echo; }
";

/// A line of shell, what it says on standard error, and what it prints.
const CASES: &[(&str, &str, &str)] = &[
    ("cp --preserve=context a n; labels n", "", "new\n"),
    ("cp --preserve=context a b; labels b; cat b", "", "new\na\n"),
    ("cp -r --preserve=context d n; labels n n/x", "", "newnew\n"),
    ("cp -r --preserve=context d e; labels e e/d", "", "oldnew\n"),
    ("cp -rT --preserve=context d e; labels e e/x", "", "oldnew\n"),
    ("cp -d --preserve=context s n; labels n", "", "new\n"),
    ("cp --parents --preserve=context d/x e; labels e/d e/d/x", "", "newnew\n"),
    ("cp --attributes-only --preserve=context a b; labels b; cat b", "", "new\nb\n"),
    (
        "cp --preserve=context bare n; echo $?; ls n",
        "cp: failed to get security context of 'bare': No data available\n",
        "1\n",
    ),
    (
        "cp --preserve=context bare b; echo $?; cat b; labels b",
        "cp: failed to get security context of 'bare': No data available\n",
        "1\nb\nold\n",
    ),
    ("cp --preserve=all bare b; echo $?; labels b", "", "0\nold\n"),
    ("cp -a bare b; echo $?; labels b", "", "0\nold\n"),
    ("cp -a a n; labels n", "", "new\n"),
    ("cp --preserve=all a n; labels n", "", "new\n"),
    ("cp --preserve=xattr a n; labels n", "", "new\n"),
    ("cp -p a n; labels n", "", "\n"),
    ("cp -a --no-preserve=context --no-preserve=xattr a n; labels n", "", "\n"),
    (
        "mkdir m; mount -t ramfs none m; cp --preserve=context a m/n; echo $?",
        "cp: failed to set the security context of 'm/n': Operation not supported\n",
        "1\n",
    ),
    ("mkdir m; mount -t ramfs none m; cp -a a m/n; echo $?", "", "0\n"),
    ("mkdir m; mount -t ramfs none m; cp --preserve=all a m/n; echo $?", "", "0\n"),
    ("cp -Z a n; echo $?", "cp: cannot set SELinux contexts: this program is built without SELinux's library\n", "1\n"),
    ("cp -Z --preserve=context a n; echo $?", "cp: cannot set target context and preserve it\n", "1\n"),
    ("cp --preserve=context --context=foo a n; echo $?", "cp: cannot set target context and preserve it\n", "1\n"),
    ("cp -a -Z --preserve=context a n; echo $?", "cp: cannot set target context and preserve it\n", "1\n"),
    ("cp -Z --preserve=context --preserve=all a; echo $?", "cp: cannot set target context and preserve it\n", "1\n"),
    ("cp --context=foo --preserve=context -t d -T; echo $?", "cp: cannot set target context and preserve it\n", "1\n"),
    (
        "cp -Z --preserve=all a n; echo $?",
        "cp: cannot set SELinux contexts: this program is built without SELinux's library\n",
        "1\n",
    ),
    (
        "cp --context=foo -a a n; echo $?",
        "cp: cannot set SELinux contexts: this program is built without SELinux's library\n",
        "1\n",
    ),
    (
        "cp -Z --preserve=context --no-preserve=context a n; echo $?",
        "cp: cannot set SELinux contexts: this program is built without SELinux's library\n",
        "1\n",
    ),
    (
        "cp -Z --preserve=context -l -s a n; echo $?",
        "cp: cannot make both hard and symbolic links\nTry 'cp --help' for more information.\n",
        "1\n",
    ),
    ("cp -Z --preserve=context --backup=x a n 2>&1 | head -n1", "", "cp: invalid argument 'x' for 'backup type'\n"),
    ("cp -t d -t d -Z --preserve=context a; echo $?", "cp: multiple target directories specified\n", "1\n"),
];

#[test]
fn labels_are_copied_as_by_gnu() {
    if !skip::is_root() {
        return skip::skip!("labels_are_copied_as_by_gnu", "needs root");
    }
    for (line, errors, printed) in CASES {
        let scene = Scene::new();
        scene.directory("bin");
        scene.symlink(case::zccp(), "bin/cp");
        let path = format!("{}/bin:/usr/sbin:/usr/bin:/sbin:/bin", scene.path("").display());
        let script = format!("{RECIPE}{line}\n");
        let outcome = scene.program("unshare").arguments(["-m", "/bin/sh", "-c", &script]).variable("PATH", path).run();
        // ls of what is not there has its own words.
        let said = String::from_utf8_lossy(&outcome.stderr);
        let said: String =
            said.lines().filter(|line| !line.starts_with("ls:")).map(|line| format!("{line}\n")).collect();
        assert_eq!(said, *errors, "{line}");
        assert_eq!(String::from_utf8_lossy(&outcome.stdout), *printed, "{line}");
    }
}
