"""Trees of random-lines: a recipe is a list of steps, each made here by system calls and shown as shell. The tree that is
there afterwards, as text."""
import os
import shlex
import socket
import stat
import struct

SET = 1_500_000_000  # times before this were set by somebody; later ones passed by themselves (tests/apparatus/tree.rs)
DEEPEST = 40  # levels that are looked at
UNREAD = 0  # bytes of files that GNU's copies without reading them and ours reads (docs/deviations.md)
BEYOND = [("file", "a", "beyond", 0), ("dir", "d"), ("file", "d/x", "beyond", 0)]  # on another file system, for -x


def acl(tag_permissions):
    """An access control list as the kernel has it (acl(5), linux/posix_acl_xattr.h): version 2, then tag, permissions, id."""
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in tag_permissions)


NOBODY = 0xFFFFFFFF
ACL = acl([(1, 6, NOBODY), (2, 7, 7), (4, 4, NOBODY), (16, 7, NOBODY), (32, 4, NOBODY)])
CAPABILITY = struct.pack("<IIIII", 0x02000001, 1 << 10, 0, 0, 0)  # net_bind_service, permitted and in effect
DEFAULT = acl([(1, 7, NOBODY), (2, 7, 8), (4, 5, NOBODY), (16, 7, NOBODY), (32, 5, NOBODY)])


def make(root, place, recipe):
    """Makes it in `root`, which is to be seen as `place`; the steps that could not be made."""
    refused = []
    os.chmod(root, 0o777)
    for step in recipe:
        try:
            one(root, place, *step)
        except OSError:
            refused.append(step)
    return refused


def one(root, place, what, name, *more):
    path = f"{root}/{name}"
    if what == "dir":
        os.mkdir(path)
    elif what == "holes":
        with open(path, "xb") as file:
            file.truncate(more[0])
            for at in more[1]:
                file.seek(at)
                file.write(b"data")
    elif what == "file":
        text, zeros = more
        with open(path, "xb") as file:
            file.write(text.encode("latin-1"))
            if zeros:  # a hole, and something behind it
                file.seek(zeros)
                file.write(b"z")
    elif what == "much":
        line = os.fsencode(name) + b"\n"
        with open(path, "xb") as file:
            file.write((line * (more[0] // len(line) + 1))[:more[0]])
    elif what == "link":
        os.symlink(more[0].replace("$PWD", place), path)
    elif what == "hard":
        os.link(f"{root}/{more[0]}", path, follow_symlinks=False)
    elif what == "fifo":
        os.mkfifo(path)
    elif what == "socket":
        here = os.open(os.path.dirname(path), os.O_PATH)
        try:
            with socket.socket(socket.AF_UNIX) as end:  # by way of the directory: an address has 108 bytes
                end.bind(f"/proc/self/fd/{here}/{os.path.basename(path)}")
        finally:
            os.close(here)
    elif what == "device":
        os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    elif what == "mode":
        if os.path.islink(path):
            raise OSError
        os.chmod(path, more[0])
    elif what == "owner":
        os.chown(path, *more, follow_symlinks=False)
    elif what == "attribute":
        os.setxattr(path, more[0], more[1], follow_symlinks=False)
    elif what == "time":
        os.utime(path, ns=(more[0] + 1_000_000_007, more[0]), follow_symlinks=False)
    elif what == "like":
        facts = os.lstat(f"{root}/{more[0]}")
        os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns + more[1]), follow_symlinks=False)
    elif what == "age":  # of everything, and whose it is
        for names in every(root):
            os.chown(names, more[0], more[0], follow_symlinks=False)
            os.utime(names, ns=(978_307_200 * 10**9,) * 2, follow_symlinks=False)


def shell(what, name, *more):
    """The same as a line of shell."""
    name, q = quoted(name), quoted
    if what == "holes":
        pieces = "".join(f"; printf data | dd of={name} bs=1 seek={at} conv=notrunc status=none" for at in more[1])
        return f"truncate -s {more[0]} {name}{pieces}"
    if what == "much":
        return f"yes {name} | head -c {more[0]} >{name}"
    if what == "like":
        return f"touch -hr {q(more[0])} {name} # and {more[1]} ns"
    if what == "file":
        text = f"printf {q(escaped(more[0]))} >{name}" if more[0] else f": >{name}"
        return text + (f"; printf z | dd of={name} bs=1 seek={more[1]} conv=notrunc status=none" if more[1] else "")
    if what == "attribute":
        return f"setfattr -hn {more[0]} -v 0x{more[1].hex()} {name}"
    if what == "time":
        seconds = f"{more[0] // 10**9}.{more[0] % 10**9:09}"
        return f"touch -hmd @{seconds} {name}; touch -had @{int(more[0] // 10**9) + 1}.{more[0] % 10**9 + 7:09} {name}"
    if what == "age":
        owned = f"; chown -hR {more[0]}:{more[0]} ." if more[0] else ""
        return f"find . -exec touch -hd 2001-01-01Z {{}} +{owned}"
    more = [q(word) if isinstance(word, str) else word for word in more]
    forms = {
        "dir": "mkdir {0}", "link": "ln -s {1} {0}", "hard": "ln -P {1} {0}", "device": "mknod {0} c 1 3",
        "fifo": "mkfifo {0}", "mode": "chmod {1:o} {0}", "owner": "chown -h {1}:{2} {0}",
        "socket": "python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"{0}\")'",
    }
    return forms[what].format(name, *more).replace("'$PWD", '"$PWD"\'')


def quoted(word):
    """A word of the shell, on one line."""
    if word.isprintable() and word.isascii():
        return shlex.quote(word)
    plain = lambda byte: chr(byte) if 32 <= byte < 127 and byte not in b"'\\" else f"\\{byte:03o}"
    return "$'" + "".join(map(plain, os.fsencode(word))) + "'"


def escaped(text):
    return "".join(c if c.isalnum() and c.isascii() or c in " _-." else f"\\{ord(c):03o}" for c in text)


def every(root, deep=0):
    """The names of all that is there, down to DEEPEST."""
    yield root
    if deep < DEEPEST and len(os.fsencode(root)) < 3800 and stat.S_ISDIR(os.lstat(root).st_mode):
        for name in os.listdir(root):
            yield from every(f"{root}/{name}", deep + 1)


def fifos(root):
    return [name for name in every(root) if stat.S_ISFIFO(os.lstat(name).st_mode)]


def order(root):
    """The entries of each directory by inode number, as GNU cp goes through them."""
    numbers = {name: os.lstat(name).st_ino for name in every(root)}
    return [name[len(root):] for name in sorted(numbers, key=lambda name: (os.path.dirname(name), numbers[name], name))]


def describe(root, own):
    """One line for each entry."""
    names = {name: os.lstat(name) for name in sorted(every(root))}  # facts first: to read may change a time
    text, first_names = [], {}
    for name, facts in names.items():
        shown = "." + name[len(root):].replace(own, "TWIN")
        line = [f"{shown!r} {facts.st_mode:o} {facts.st_uid}:{facts.st_gid}"]
        kind = stat.S_IFMT(facts.st_mode)
        if kind != stat.S_IFDIR and facts.st_nlink > 1:
            first = first_names.setdefault((facts.st_dev, facts.st_ino), shown)
            line.append(f"= {first} of {facts.st_nlink}")
        if facts.st_mtime < SET:
            line.append(f"modified {facts.st_mtime_ns}")
        # docs/deviations.md: what is empty, or a hole as a whole, or small where extents are shared
        little = facts.st_size <= UNREAD or not facts.st_blocks
        unread = kind == stat.S_IFLNK or kind == stat.S_IFREG and little
        if facts.st_atime < SET and not unread:
            line.append(f"accessed {facts.st_atime_ns}")
        if kind == stat.S_IFLNK:
            line.append(f"-> {os.readlink(name).replace(root, '$PWD').replace(own, 'TWIN')}")
        elif kind == stat.S_IFREG:
            line.append(contents(name, facts))
        elif kind == stat.S_IFCHR:
            line.append(f"device {facts.st_rdev}")
        attributes = os.listxattr(name, follow_symlinks=False)
        line += [f"{key}={os.getxattr(name, key, follow_symlinks=False).hex()}" for key in sorted(attributes)]
        text.append(" ".join(line))
    return text


def contents(name, facts):
    with open(name, "rb") as file:
        bytes_ = file.read()
    line = f"{facts.st_size} bytes {bytes_[:30]!r} {hash(bytes_):x}"
    if facts.st_blocks * 512 < facts.st_size:
        data, at = [], 0
        with open(name, "rb") as file:
            try:
                while at < facts.st_size:
                    start = os.lseek(file.fileno(), at, os.SEEK_DATA)
                    at = os.lseek(file.fileno(), start, os.SEEK_HOLE)
                    data.append(f"{start}-{at}")
            except OSError:
                pass
        line += " data at " + ",".join(data)
    return line
