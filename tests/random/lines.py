"""Random cases of random-lines: a recipe for a tree, and a command line that may have to do with it."""
import copy
import os
import re
import shlex

import trees

NAMES = ["a", "b", "c", "d", "e", "x", "l"]
# In place of those, in one line of eight: what has to be quoted, what is no text, what is as long as a name may be.
ODD = ["a b", "n\nn", "\udcff\udc80", "\u00e9", "it's", "-a", "--", "~", "l" * 255, "t" * 250, "\x1b[m", "\\", "*", "a~", "a.~1~"]
AGE = 978_307_200 * 10**9  # of all that no time was set of
DATES = [(946_684_800 + day * 86_400) * 10**9 + part for day in range(3) for part in (0, 123_456_789)]
DATES += [AGE, AGE + 1, AGE - 1, AGE + 999_999_999]
SPECIAL = {"fifo", "socket", "device"}


def quoted(word):
    return '"$PWD"' + trees.quoted(word[4:]).replace("''", "") if word.startswith("$PWD") else trees.quoted(word)


class Case:
    """What is run, where, and by whom."""

    def __init__(self, recipe, words):
        self.recipe, self.words, self.environment = recipe, words, {}
        self.umask, self.user, self.boundary, self.stdin, self.output, self.patience = 0o22, False, False, "", None, 10
        self.pieces = None  # bytes of each piece that standard input comes in, or all at once
        self.at = 0, 0  # offsets that standard input and output stand at, where they are files
        self.streams = ()  # redirections, as the shell has them

    def smaller(self):
        """The same with something left out."""
        for attribute, plain in (("umask", 0o22), ("user", False), ("boundary", False), ("environment", {}), ("stdin", ""),
                                 ("pieces", None), ("at", (0, 0)), ("streams", ())):
            if getattr(self, attribute) != plain:
                yield self.but(**{attribute: plain})
        for at in range(len(self.words)):
            yield self.but(words=self.words[:at] + self.words[at + 1:])
            word = self.words[at]
            if re.match("-[a-zA-Z]{2,}$", word):
                for letter in word[1:]:
                    yield self.but(words=[*self.words[:at], word.replace(letter, "", 1), *self.words[at + 1:]])
        for step in reversed(self.recipe):
            if step[0] not in ("age",):
                yield self.but(recipe=[other for other in self.recipe if other != step])

    def but(self, **changes):
        other = copy.copy(self)
        other.__dict__.update(changes)
        return other

    def as_row(self):
        variables = "".join(f"{key}={shlex.quote(value)} " for key, value in self.environment.items())
        before = f"umask {self.umask:03o}; " if self.umask != 0o22 else ""
        before += "mount -t tmpfs none m; " if self.boundary else ""
        given = f"printf {shlex.quote(trees.escaped(self.stdin))} | " if self.stdin else ""
        after = "".join(f" {word}" for word in self.streams)
        after += "" if self.stdin or "<&-" in self.streams else " </dev/null"
        recipe = "\n".join(trees.shell(*step) for step in self.recipe)
        if self.pieces or self.at != (0, 0):
            recipe += f"\n# standard input in pieces of {self.pieces} bytes; offsets of input and output {self.at}"
        program = "cat" if self.output is not None else "cp"
        line = " ".join([f"{variables}{'user ' if self.user else ''}{program}", *map(quoted, self.words)])
        return f"{recipe}\n--\n{before}{given}{line}{after}"


def recipe(choose, user):
    """A few entries, some of the same name in several directories, so that one is in another's way."""
    steps, directories, entries = [], [""], []
    names = NAMES if choose.random() < 0.88 else choose.sample(ODD, 4) + choose.sample(NAMES, 3)
    linked = choose.choice([14, 14, 14, 60])
    for _ in range(choose.randint(3, 13)):
        inside = choose.choice(directories)
        name = f"{inside}/{choose.choice(names)}".lstrip("/")
        if name in entries:
            continue
        kinds = ["file", "dir", "link", "hard", "fifo", "socket", "device", "holes"]
        kind = choose.choices(kinds, [34, 26, 22, linked, 4, 2, 1, 3])[0]
        if kind == "dir":
            steps.append(("dir", name))
            directories.append(name)
        elif kind == "file":
            text = os.fsencode(name).decode("latin-1")
            steps.append(("file", name, *choose.choice([(text, 0)] * 9 + [("", 0), (text, 140_000), ("\0" * 70_000, 0)])))
        elif kind == "holes":
            size = choose.choice([4096, 100_000, 300_000, 1_000_000])
            steps.append(("holes", name, size, tuple(choose.sample(range(0, size - 4, 4096), choose.choice([0, 1, min(2, size // 4096)])))))
        elif kind == "link":
            steps.append(("link", name, target(choose, entries, inside)))
        elif kind == "hard":
            if others := [step[1] for step in steps if step[0] not in ("dir",)]:
                steps.append(("hard", name, choose.choice(others)))
        else:
            steps.append((kind, name))
        entries.append(name)
    entries = entries or ["a"]
    for name in choose.sample(entries, 2 if choose.random() < 0.12 and len(entries) > 1 else 0):
        for ending in choose.sample(["~", ".o", ".~1~", ".~2~", ".~9~", ".~10~", ".~01~", ".~x~"], 3):
            steps.append(choose.choice([("file", name + ending, "kept", 0)] * 3 + [("dir", name + ending), ("link", name + ending, name)]))
    theirs = trees_of(choose, user)
    steps.append(("age", ".", theirs))
    for _ in range(choose.choice([0, 0, 1, 2, 4])):
        steps.append(fact(choose, choose.choice(entries + ["."])))
    if choose.random() < 0.2:
        steps.append(("like", choose.choice(entries), choose.choice(entries), choose.choice([0, 1, -1])))
    return steps, entries


def trees_of(choose, user):
    return 65534 if user and choose.random() < 0.7 else 0


def target(choose, entries, inside):
    name = choose.choice(entries + NAMES[:3])
    up = "../" * (inside.count("/") + 1 if inside else 0)
    return choose.choice([up + name] * 5 + [name, name.rsplit("/")[-1], f"$PWD/{name}", ".", "..", "nowhere", "l", name + "/"])


def fact(choose, name):
    return choose.choice([
        ("time", name, choose.choice(DATES)),
        ("time", name, choose.choice(DATES)),
        ("mode", name, choose.choice([0o000, 0o400, 0o444, 0o555, 0o311, 0o700, 0o755, 0o666, 0o2755, 0o4711, 0o1777, 0o600])),
        ("mode", name, choose.choice([0o000, 0o200, 0o500])),
        ("mode", name, choose.choice([0o1777, 0o3777, 0o6755, 0o7000, 0o1700, 0o2070, 0o777, 0o4000])),
        ("owner", name, *choose.choice([(65534, 65534), (3, 4), (0, 4), (65534, 0)])),
        ("attribute", name, *choose.choice([("user.x", b"1"), ("user.x", b""), ("user.long", b"l" * 900), ("trusted.x", b"t")])),
        ("attribute", name, "security.capability", trees.CAPABILITY),
        ("attribute", name, *choose.choice([("system.posix_acl_access", trees.ACL), ("system.posix_acl_default", trees.DEFAULT)])),
    ])


LISTS = ["mode", "ownership", "timestamps", "links", "xattr", "all", "mode,timestamps", "links,mode", "ownership,xattr", "mo"]
BACKUPS = ["numbered", "existing", "simple", "none", "t", "nil", "never", "off"]
ALL_BACKUPS = BACKUPS + ["", "n", "num", "x", "e"]
OPTIONS = (
    [(f"-{letter}", 4) for letter in "abdfiHlLnPprsuv"]
    + [("-R", 14), ("-r", 6), ("-a", 5), ("-T", 5), ("-x", 2), ("-v", 8), ("--remove-destination", 5), ("--parents", 5)]
    + [("--attributes-only", 3), ("--copy-contents", 1), ("--strip-trailing-slashes", 2), ("--debug", 2), ("-b", 3)]
    + [(f"--update={when}", 1) for when in ("all", "none", "none-fail", "older")] + [("--preserve", 1)]
    + [(f"--preserve={some}", 0.6) for some in LISTS] + [(f"--no-preserve={some}", 0.6) for some in LISTS]
    + [(f"--backup={how}", 0.7) for how in BACKUPS] + [("--backup", 1), ("-S.o", 1), ("--suffix=", 0.3), ("-Sa/b", 0.2)]
    + [(f"--sparse={how}", 1) for how in ("always", "auto", "never")] + [("--keep-directory-symlink", 1), ("-Z", 0.2)]
    + [(f"--reflink={how}", 0.7) for how in ("always", "auto", "never")] + [("--reflink", 0.3)]
    + [("--update", 1), ("--no-clobber", 0.3), ("--rem", 0.5), ("--path", 0.3), ("--pa", 0.3), ("--context", 0.2)]
    + [("--context=x", 0.1), ("--preserve=context", 0.2), ("--no-preserve", 0.05), ("--no-preserve=context", 0.2)]
    + [("-S", 0.05), ("-Z", 0.1), ("--foo", 0.05), ("--backup=", 0.1), ("--backup=x", 0.05), ("--sparse=", 0.05), ("--", 0.4)]
    + [("--update=n", 0.05), ("--suffix=.o", 0.4), ("-S.~1~", 0.2), ("--copy-con", 0.5), ("--arch", 0.5), ("--deref", 0.5)]
)


def options(choose):
    words = choose.choices(*zip(*OPTIONS), k=choose.choice([0, 1, 1, 2, 2, 3, 3, 4, 5, 7]))
    short = [word for word in words if re.match("-[a-zA-Z]$", word)]
    if len(short) > 1 and choose.random() < 0.5:
        words = [word for word in words if word not in short] + ["-" + "".join(word[1] for word in short)]
    return words


def operand(choose, entries, new=False):
    name = choose.choice(entries) if choose.random() < 0.9 else choose.choice([".", "..", "new", "", "nope/x", "$PWD"])
    if new and choose.random() < 0.25:
        name = "new"
    odd = ["{0}/./", ".//{0}", "{0}/../{1}", "{1}/../{0}", "{0}/./{2}", "{0}//{2}", "./{0}/.", "../w/{0}", "{0}/../."]
    forms = ["{0}", "{0}/", "{0}/.", "./{0}", "$PWD/{0}", "{0}//", "{0}/..", "{0}/{2}", choose.choice(odd)]
    form = choose.choices(forms, [60, 6, 5, 4, 3, 1, 1, 5, 6])[0]
    form = form.replace("{1}", choose.choice(entries)).replace("{2}", choose.choice(NAMES))
    return name if name == "" or name.startswith("$PWD") else form.replace("{0}", name)  # never below the root directory


def cp(choose, under):
    user = {"root": False, "user": True}.get(under, choose.random() < 0.35)
    steps, entries = recipe(choose, user)
    words = options(choose)
    sources = [operand(choose, entries) for _ in range(choose.choice([1] * 6 + [2] * 3 + [3]))]
    if choose.random() < 0.1:
        sources.append(sources[0])
    last = operand(choose, entries, new=True)
    if choose.random() < 0.12:
        words, after = words + choose.choice([["-t", last], [f"--target-directory={last}"], [f"-t{last}"]]), sources
    else:
        after = [*sources, last]
    words = words + after if choose.random() < 0.8 else after + words
    letters = "".join(word[1:] for word in words if re.match("-[a-zA-Z]+$", word))
    opened = not set(letters) & set("aRrls") or "--copy-contents" in words
    if opened and choose.random() < 0.98:  # to read a FIFO waits
        steps = [step for step in steps if step[0] != "fifo"]
    case = Case(steps, words)
    case.user, case.patience = user, 1.5 if opened else 10
    case.umask = choose.choice([0o22] * 12 + [0o000, 0o077, 0o027, 0o777, 0o222, 0o700, 0o002])
    case.stdin = choose.choice(["", "y\n", "y\ny\ny\ny\n", "n\ny\nn\n", "y\nn\n"])
    if "m" not in entries and ("-x" in words or "x" in letters) and choose.random() < 0.5:
        at = next(at for at, step in enumerate(steps) if step[0] == "age")
        inside = choose.choice(["", *(step[1] for step in steps if step[0] == "dir" and "/" not in step[1])])
        case.boundary = inside == ""
        steps.insert(at, ("dir", f"{inside}/m".lstrip("/")))
    variables = [("VERSION_CONTROL", ALL_BACKUPS), ("SIMPLE_BACKUP_SUFFIX", [".s", "", "a/b", "~", ".~1~"])]
    variables += [("POSIXLY_CORRECT", ["1", ""]), ("LC_ALL", ["C.UTF-8"]), ("LC_ALL", ["C.UTF-8"])]
    for key, values in variables:
        if choose.random() < 0.06:
            case.environment[key] = choose.choice(values)
    if choose.random() < 0.06:
        case.streams = tuple(choose.sample(["<&-", ">&-", "2>&-", ">/dev/full", "2>/dev/full", "2>&1"], choose.choice([1, 1, 2])))
    return case


MANY_OPTIONS = (
    [("-v", 20), ("-p", 6), ("-d", 4), ("-P", 6), ("-L", 4), ("-H", 4), ("-f", 6), ("-n", 3), ("-u", 8), ("-l", 6), ("-s", 3)]
    + [("-r", 6), ("-a", 5), ("-R", 5), ("-x", 2), ("-b", 2), ("-i", 1), ("--remove-destination", 8), ("--attributes-only", 3)]
    + [("--debug", 2), ("--preserve=links", 5), ("--copy-contents", 1), ("--strip-trailing-slashes", 3), ("--parents", 1)]
    + [(f"--update={when}", 2) for when in ("all", "none", "none-fail", "older")] + [("--backup=numbered", 1)]
    + [(f"--sparse={how}", 1) for how in ("always", "never")] + [(f"--reflink={how}", 1) for how in ("always", "never")]
)


def many(choose, under):
    """Operands enough for several workers, into one directory, of which some meet each other: what one is copied to is read
    by another, or is two of them's, or of one name."""
    user = {"root": False, "user": True}.get(under, choose.random() < 0.25)
    count = choose.randint(70, 150)
    names = [f"f{at:02x}" for at in range(count)]
    sizes = choose.choice([[0, 1, 10], [10], [10, 1000, 20_000], [300, 70_000], [40_000] * 20 + [3_000_000]])
    steps = [("dir", name) for name in ("s", "t", "d")]
    steps += [("much", f"s/{name}", choose.choice(sizes)) for name in names]
    operands = [f"s/{name}" for name in names]
    pool = choose.sample(names, choose.choice([1, 2, 4, 8])) + ["x"]  # names that are used more than once
    taken = {step[1] for step in steps}

    def plant(place):
        name = f"{place}/{choose.choice(pool if choose.random() < 0.9 else names)}"
        name += choose.choice(["", "", "", "y", "z"]) if place == "t" else ""
        if name in taken:
            return
        taken.add(name)
        one, other = choose.choice(pool), choose.choice(pool)
        kind = choose.choices(["much", "link", "hard", "dir", "device", "fifo"], [20, 40, 15, 6, 1, 1])[0]
        if kind == "much":
            steps.append((kind, name, choose.choice(sizes)))
        elif kind == "link":
            leads = [f"../d/{one}"] * 4 + [f"../s/{one}"] * 2 + [f"../t/{one}", one, "../d", "../s", ".", "nowhere", f"../d/{one}/", f"$PWD/s/{one}"]
            steps.append((kind, name, choose.choice(leads)))
        elif kind == "hard":
            if others := [step[1] for step in steps if step[0] in ("much", "link", "fifo") and (step[1][2:] in pool or step[1][0] != "s")]:
                steps.append((kind, name, choose.choice(others)))
        elif kind == "dir":
            steps.append((kind, name))
            steps.append(("much", f"{name}/{one}", 10))
            steps.append(choose.choice([("link", f"{name}/{other}", f"../../d/{one}"), ("hard", f"{name}/{other}", f"s/{one}"), ("much", f"{name}/l", 5)]))
        else:
            steps.append((kind, name))
        taken.update(step[1] for step in steps[-2:])
        if place == "t" or choose.random() < 0.1:
            operands.insert(choose.randint(0, len(operands)), choose.choice([name] * 8 + [f"./{name}", f"{name}/", f"{place}//{name[2:]}", f"$PWD/{name}"]))

    for _ in range(choose.choice([0, 1, 3, 8, 20])):
        plant("d")
    for _ in range(choose.choice([0, 1, 2, 4, 10])):
        plant("t")
    for _ in range(choose.choice([0, 0, 0, 1, 3])):
        one = choose.choice(pool)
        odd = [f"s/{one}", f"d/{one}", f"s/{one}/", f"d/{one}/../x", "nope", "s/nope", "", "s", "t", ".", "d/.", "s/../t", f"s/{one}/y", "/dev/fd/9"]
        operands.insert(choose.randint(0, len(operands)), choose.choice(odd))
    steps.append(("age", ".", trees_of(choose, user)))
    for name in choose.sample(sorted(taken), choose.choice([0, 0, 1, 3])):
        steps.append(fact(choose, name))
    if choose.random() < 0.1:
        steps.append(("mode", "d", choose.choice([0o333, 0o555, 0o666, 0o000, 0o1777])))
    words = choose.choices(*zip(*MANY_OPTIONS), k=choose.choice([0, 1, 1, 2, 2, 3, 4]))
    directory = choose.choice(["d", "d", "d", "d/", "./d", "$PWD/d", "s/../d"])
    words += [*operands, directory] if choose.random() < 0.8 else ["-t", directory, *operands]
    letters = "".join(word[1:] for word in words if re.match("-[a-zA-Z]+$", word))
    if not set(letters) & set("aRrls") or "--copy-contents" in words:
        steps = [step for step in steps if step[0] != "fifo"]
    case = Case(steps, words)
    case.user, case.stdin = user, choose.choice(["", "y\nn\ny\n"])
    if choose.random() < 0.05:
        case.environment["POSIXLY_CORRECT"] = "1"
    return case


def text(choose):
    """Bytes that cat has something to do with."""
    pieces = ["\n"] * 8 + ["\n\n"] * 3 + ["\n\n\n", "\t", "\t", "\r", "\r", "\r\n", "\r\n", *"\0\x01\x7f\x80\x8a\x9f\xa0\xff\xe9"]
    pieces += ["a", "word ", "word ", "x" * choose.choice([1, 100, 5000, 40_000, 140_000])]
    text = "".join(choose.choices(pieces, k=choose.randint(0, 40)))
    if choose.random() < 0.15:  # what has to be remembered where a block, a chunk or a page ends
        border = choose.choice([64, 4096, 65_536, 262_144]) - choose.randint(0, 3)
        text = choose.choice(["x", "y\n"]) * border + "".join(choose.choices("\n\n\r\t\0\x7f\x80\xff", k=8)) + text
        text = text[-border:] if choose.random() < 0.3 else text
    return text


LYING = ["/proc/filesystems", "/proc/swaps", "/proc/sys/kernel/ostype", "/sys/kernel/notes", "/sys/class/net/lo/mtu"]  # of their sizes
CAT_OPTIONS = ["-A", "-b", "-e", "-E", "-n", "-s", "-t", "-T", "-u", "-v", "--show-all", "--number", "--number-n", "--squeeze-blank"]
CAT_OPTIONS += ["--show-ends", "--show-tabs", "--show-nonprinting", "-bs", "-nE", "-sET", "-vs"]


def cat(choose, under):
    user = {"root": False, "user": True}.get(under, choose.random() < 0.3)
    steps = [("file", name, text(choose), choose.choice([0] * 9 + [200_000])) for name in NAMES[:4]]
    steps += [("dir", "e"), ("link", "l", choose.choice(["a", "nowhere", "l", "e"])), ("socket", "x"), ("age", ".", 0)]
    steps += [("mode", choose.choice(NAMES[:5]), 0)] if choose.random() < 0.2 else []
    some = NAMES[:4] * 4 + NAMES + ["-", "-", "nope", "a/", "e/", ".", choose.choice(LYING)]
    operands = [choose.choice(some) for _ in range(choose.randint(0, 5))]
    words = choose.choices(CAT_OPTIONS, k=choose.choice([0, 0, 1, 1, 2, 3]))
    words = words + operands if choose.random() < 0.8 else operands + words
    case = Case(steps, words)
    case.user, case.stdin = user, choose.choice(["", text(choose), "<a", "<b", "<e"])
    if case.stdin.startswith("<") and len(case.stdin) != 2:
        case.stdin = ""
    if choose.random() < 0.3:
        case.pieces = [choose.choice([1, 2, 3, 63, 64, 65, 4095, 4096, 4097, 65_536, 100_000]) for _ in range(3)]
        case.pieces = [max(bytes_, len(case.stdin) // 200) for bytes_ in case.pieces]
    if choose.random() < 0.3:
        case.at = tuple(choose.choice([0, 0, 1, 7, 100, 5000]) for _ in range(2))
    append, both, cut = os.O_APPEND | os.O_WRONLY, os.O_RDWR, os.O_TRUNC | os.O_WRONLY
    if choose.random() < 0.3:
        place = choose.choice(["a", "b", "new"])
        grows = len(words) > len(operands) and place != "new"  # formatted, it may run before its own reading for ever
        case.output = choose.choice([append, cut] if grows else [append, both, cut]), place
    else:
        case.output = ()
    return case


def case(whose, choose, under):
    return {"cp": cp, "many": many, "cat": cat}[whose](choose, under)


def without_deviations(case, outcome):
    """What came of it, without what docs/deviations.md says of it."""
    how = re.compile(r"copy offload: \w+, reflink: \w+, sparse detection: [\w +]+")
    outcome = [how.sub("(how it was copied)", line) for line in outcome]
    outcome = [re.sub(r"(: write error)(: (No space left on device|Bad file descriptor))?", r"\1", line) for line in outcome]
    if case.output and case.output[0] == os.O_RDWR:  # GNU cat may share extents with what is there, and reads nothing then
        outcome = [re.sub(r" accessed \d+| data at .*", "", line) for line in outcome]
    # What is not read, or not by GNU's, can have become large since by another name.
    if any(step[0] == "much" for step in case.recipe):
        outcome = [re.sub(r" accessed \d+", "", line) for line in outcome]
    endless = any(line.count("/") >= trees.DEEPEST for line in outcome)
    # GNU's ends where --parents leads to one absolute name twice, and says so without quoting it.
    ends = any(re.match(r"stderr \| b['\"]cp: [^'\" ]+: No such file or directory", line) for line in outcome)
    if "--keep-directory-symlink" in case.words or endless or ends:
        return None
    # A directory that is reached by the link that its backup renames; and what is copied into itself comes upon the new
    # directory by its inode number, which is chance.
    letters = "".join(word[1:] for word in case.words if re.match("-[a-zA-Z.~]+$", word))
    backups = any(word.startswith(("--backup", "--suffix", "-S")) for word in case.words) or "b" in letters
    renamed = any(re.match(r"\S+(~|\.o|\.s)['\"] 120777 ", line) for line in outcome)
    if backups and renamed or any(" into itself, " in line for line in outcome) and not os.environ.get("ITSELF"):
        return None
    return outcome
