"""Makes file operations of the calls that were recorded."""
import bisect, collections, json, os, re

from syscalls import INF, calls, fdarg, num, patharg, strarg, unhex

FILE_OPS = ("write", "trunc")
DIR_OPS = ("create", "unlink", "rename", "link")


class Op:
    """One file operation. kind: write trunc create unlink rename link | sync syncfail srange syncdir syncall | ack"""
    __slots__ = ("kind", "entry", "exit", "ino", "off", "data", "path", "path2", "isdir", "grows",
                 "end", "parents", "n", "dsync", "target")

    def __init__(self, kind, entry, exit, **kw):
        self.kind, self.entry, self.exit = kind, entry, exit
        for k in ("ino", "off", "data", "path", "path2", "isdir", "grows", "end", "target"):
            setattr(self, k, None)
        self.parents, self.dsync, self.n = (), False, 0
        for k, v in kw.items():
            setattr(self, k, v)

    def show(self):
        d = {"write": lambda: f"ino{self.ino} [{self.off}..{self.off + len(self.data)}) {len(self.data)}B"
             + (" grows" if self.grows else "") + (" O_SYNC" if self.dsync else ""),
             "trunc": lambda: f"ino{self.ino} -> {self.end}",
             "create": lambda: f"{self.path} ino{self.ino}" + ("/" if self.isdir else ""),
             "unlink": lambda: self.path, "link": lambda: f"{self.path} ino{self.ino}",
             "rename": lambda: f"{self.path} -> {self.path2}",
             "sync": lambda: f"ino{self.ino}", "syncfail": lambda: f"ino{self.ino}", "syncdir": lambda: self.path or "/",
             "srange": lambda: f"ino{self.ino} [{self.off}..{self.end})", "syncall": lambda: "",
             "ack": lambda: repr(self.data)}[self.kind]()
        return f"{self.entry:7d}-{self.exit if self.exit < INF else 'inf':<7} {self.kind:8s} {d}"


class Recording:
    def __init__(self, rec, ack_fd=1):
        self.rec = rec
        with open(os.path.join(rec, "meta.json")) as f:
            self.meta = json.load(f)
        self.root = self.meta["store"]
        try:
            with open(os.path.join(rec, "before.txt"), "rb") as f:
                self.before = f.read()
        except FileNotFoundError:
            self.before = b""
        self.warnings = collections.Counter()
        self.ops = []
        self.base = {}          # ino -> initial bytes (files)
        self.base_ns = {}       # rel path -> (ino, isdir)
        self._ino = 0
        self.ns = {}
        self.size = {}
        self.hist = collections.defaultdict(list)     # ino -> [(time, size)]
        self._load_initial()
        self._build(os.path.join(rec, "trace.strace"), ack_fd)

    def _new(self):
        self._ino += 1
        return self._ino

    def _load_initial(self):
        init = os.path.join(self.rec, "initial")
        for d, ds, fs in os.walk(init):
            r = os.path.relpath(d, init)
            r = "" if r == "." else r
            i = self._new()
            self.base_ns[r] = (i, True)
            for x in fs:
                i = self._new()
                with open(os.path.join(d, x), "rb") as f:
                    self.base[i] = f.read()
                self.size[i] = len(self.base[i])
                self.base_ns[os.path.join(r, x)] = (i, False)
        self.ns = dict(self.base_ns)

    def _size_at(self, ino, t):
        h = self.hist[ino]
        i = bisect.bisect_left(h, (t, -1)) - 1
        return h[i][1] if i >= 0 else len(self.base.get(ino, b""))

    def rel(self, p):
        if p is None:
            return None
        p = os.path.normpath(p)
        if p == self.root:
            return ""
        if p.startswith(self.root + "/"):
            return p[len(self.root) + 1:]
        return None

    def _build(self, trace, ack_fd):
        tables = {}             # tid -> {fd: ofd}; ofd = [ino, offset, append, dsync, relpath, isdir]
        root_table = {}
        cwd = self.meta.get("cwd") or os.getcwd()

        def table(tid):
            return tables.setdefault(tid, root_table)

        def at(dirfd_arg, path):
            fd, p = fdarg(dirfd_arg)
            return path if path.startswith("/") else os.path.join(p or cwd, path)

        def absolute(path):
            return path if path.startswith("/") else os.path.join(cwd, path)

        def ofd(tid, a):
            """The open file for an fd argument, or None if it is outside the store."""
            fd, p = fdarg(a)
            t = table(tid)
            o = t.get(fd)
            if o is not None and (p is None or self.rel(p) is not None):
                return o
            r = self.rel(p)
            if r is not None and r in self.ns:
                ino, isdir = self.ns[r]
                o = t[fd] = [ino, None, False, False, r, isdir]
                return o
            return None

        def parent(r):
            return os.path.dirname(r)

        add = self.ops.append
        for entry, exit_, tid, name, a, ret in calls(trace):
            if name in ("clone", "clone3", "fork", "vfork"):
                if ret and ret > 0:
                    shared = any("CLONE_FILES" in x for x in a)
                    tables[ret] = table(tid) if shared else dict(table(tid))
                continue
            killed = exit_ == INF
            if ret is None and not killed:
                continue
            if ret is not None and ret < 0:
                if name in ("fsync", "fdatasync", "sync_file_range") and ret != -38:
                    o = ofd(tid, a[0])
                    if o is not None and not o[5]:
                        add(Op("syncfail", entry, exit_, ino=o[0]))
                continue
            if name in ("open", "creat", "openat", "openat2"):
                if killed:
                    continue
                if name in ("openat", "openat2"):
                    p, flags = at(a[0], patharg(a[1])), a[2]
                else:
                    p, flags = absolute(patharg(a[0])), (a[1] if name == "open" else "O_CREAT|O_WRONLY|O_TRUNC")
                r = self.rel(p)
                if r is None:
                    table(tid).pop(ret, None)
                    continue
                if r not in self.ns:
                    if "O_CREAT" not in flags:
                        self.warnings["open of an unknown path " + r] += 1
                        continue
                    ino = self._new()
                    self.ns[r] = (ino, False)
                    self.size[ino] = 0
                    self.base[ino] = b""
                    add(Op("create", entry, exit_, path=r, ino=ino, isdir=False, parents=(parent(r),)))
                ino, isdir = self.ns[r]
                if "O_TRUNC" in flags and self.size.get(ino):
                    add(Op("trunc", entry, exit_, ino=ino, end=0))
                    self.size[ino] = 0
                table(tid)[ret] = [ino, 0, "O_APPEND" in flags,
                                   bool(re.search(r"O_D?SYNC", flags)), r, isdir]
            elif name == "close":
                fd, _ = fdarg(a[0])
                table(tid).pop(fd, None)
            elif name in ("dup", "dup2", "dup3") or (name == "fcntl" and len(a) > 1 and "F_DUPFD" in a[1]):
                o = ofd(tid, a[0])
                if o is not None and ret is not None:
                    table(tid)[ret] = o
                elif ret is not None:
                    table(tid).pop(ret, None)
            elif name == "lseek":
                o = ofd(tid, a[0])
                if o is not None:
                    o[1] = ret
            elif name in ("read", "readv"):
                o = table(tid).get(num(a[0]))
                if o is not None and o[1] is not None and ret:
                    o[1] += ret
            elif name in ("write", "writev", "pwrite64", "pwritev", "pwritev2"):
                fd, p = fdarg(a[0])
                if name.endswith("v") or name == "pwritev2":
                    data = b"".join(unhex(x) for x in re.findall(r'iov_base="((?:\\x[0-9a-f]{2})*)"', a[1]))
                else:
                    data = strarg(a[1])
                if ret is not None:
                    data = data[:ret]
                o = ofd(tid, a[0])
                if o is None:
                    if fd == ack_fd:
                        add(Op("ack", entry, entry, data=data))
                    continue
                if not data:
                    continue
                dsync = o[3]
                if name.startswith("pwrite"):
                    off = num(a[2] if name == "pwrite64" else a[3])
                    if name == "pwrite64":
                        off = num(a[3])
                    dsync = dsync or (name == "pwritev2" and "SYNC" in a[-1])
                else:
                    off = self.size[o[0]] if o[2] else o[1]
                    if off is None:
                        raise SystemExit(f"line {entry}: write() at an unknown offset; open the file inside the traced program")
                    o[1] = off + len(data)
                ino = o[0]
                grows = off + len(data) > self._size_at(ino, entry)      # concurrent writes do not count
                add(Op("write", entry, exit_, ino=ino, off=off, data=data, grows=grows, dsync=dsync, end=off + len(data)))
                self.size[ino] = max(self.size.get(ino, 0), off + len(data))
                self.hist[ino].append((exit_, self.size[ino]))
            elif name in ("ftruncate", "truncate"):
                if name == "truncate":
                    r = self.rel(absolute(patharg(a[0])))
                    if r is None or r not in self.ns:
                        continue
                    ino = self.ns[r][0]
                else:
                    o = ofd(tid, a[0])
                    if o is None:
                        continue
                    ino = o[0]
                n = num(a[1])
                add(Op("trunc", entry, exit_, ino=ino, end=n))
                self.size[ino] = n
                self.hist[ino].append((exit_, n))
            elif name == "fallocate":
                o = ofd(tid, a[0])
                if o is None:
                    continue
                mode, off, ln = a[1], num(a[2]), num(a[3])
                if "PUNCH_HOLE" in mode or "ZERO_RANGE" in mode:
                    add(Op("write", entry, exit_, ino=o[0], off=off, data=bytes(ln), grows=False, end=off + ln))
                elif "KEEP_SIZE" not in mode and off + ln > self.size[o[0]]:
                    add(Op("trunc", entry, exit_, ino=o[0], end=off + ln))
                    self.size[o[0]] = off + ln
                    self.hist[o[0]].append((exit_, off + ln))
            elif name in ("fsync", "fdatasync"):
                o = ofd(tid, a[0])
                if o is None or killed:
                    continue
                if o[5]:
                    add(Op("syncdir", entry, exit_, path=o[4], ino=o[0]))
                else:
                    add(Op("sync", entry, exit_, ino=o[0]))
            elif name == "msync":
                self.warnings["msync: mapped writes are not traced"] += 1
            elif name == "sync_file_range":
                o = ofd(tid, a[0])
                if o is None or killed:
                    continue
                off, ln, fl = num(a[1]), num(a[2]), a[3]
                if "WAIT_AFTER" in fl and "SYNC_FILE_RANGE_WRITE" in fl:
                    add(Op("srange", entry, exit_, ino=o[0], off=off, end=off + ln if ln else INF))
            elif name in ("sync", "syncfs"):
                if not killed:
                    add(Op("syncall", entry, exit_))
            elif name in ("rename", "renameat", "renameat2"):
                p1, p2 = ((absolute(patharg(a[0])), absolute(patharg(a[1]))) if name == "rename"
                          else (at(a[0], patharg(a[1])), at(a[2], patharg(a[3]))))
                r1, r2 = self.rel(p1), self.rel(p2)
                if r1 is None and r2 is None:
                    continue
                if r1 is None or r2 is None or (name == "renameat2" and "EXCHANGE" in a[-1]):
                    raise SystemExit(f"line {entry}: rename into or out of the store, or an exchange, is not modelled")
                moved = {k: v for k, v in self.ns.items() if k == r1 or k.startswith(r1 + "/")}
                for k in moved:
                    del self.ns[k]
                for k, v in moved.items():
                    self.ns[r2 + k[len(r1):]] = v
                add(Op("rename", entry, exit_, path=r1, path2=r2, ino=self.ns[r2][0], parents=(parent(r1), parent(r2))))
            elif name in ("unlink", "unlinkat", "rmdir"):
                p = at(a[0], patharg(a[1])) if name == "unlinkat" else absolute(patharg(a[0]))
                r = self.rel(p)
                if r is None or r not in self.ns:
                    continue
                ino, isdir = self.ns.pop(r)
                add(Op("unlink", entry, exit_, path=r, ino=ino, isdir=isdir, parents=(parent(r),)))
            elif name in ("mkdir", "mkdirat"):
                p = at(a[0], patharg(a[1])) if name == "mkdirat" else absolute(patharg(a[0]))
                r = self.rel(p)
                if r is None or r in self.ns:
                    continue
                ino = self._new()
                self.ns[r] = (ino, True)
                add(Op("create", entry, exit_, path=r, ino=ino, isdir=True, parents=(parent(r),)))
            elif name in ("link", "linkat"):
                p1, p2 = ((absolute(patharg(a[0])), absolute(patharg(a[1]))) if name == "link"
                          else (at(a[0], patharg(a[1])), at(a[2], patharg(a[3]))))
                r1, r2 = self.rel(p1), self.rel(p2)
                if r2 is None:
                    continue
                if r1 not in self.ns:
                    raise SystemExit(f"line {entry}: link from outside the store is not modelled")
                self.ns[r2] = self.ns[r1]
                add(Op("link", entry, exit_, path=r2, ino=self.ns[r1][0], parents=(parent(r2),)))
            elif name in ("symlink", "symlinkat"):
                r = self.rel(absolute(patharg(a[-1])) if name == "symlink" else at(a[1], patharg(a[2])))
                if r is not None:
                    self.warnings["symlink inside the store is not modelled"] += 1
            elif name == "mmap":
                if len(a) > 4 and "PROT_WRITE" in a[2] and "MAP_SHARED" in a[3] and ofd(tid, a[4]) is not None:
                    self.warnings["shared writable mapping of a store file: its writes are NOT seen"] += 1
            elif name == "io_uring_setup":
                self.warnings["io_uring in use: its writes are NOT seen"] += 1
            elif name in ("copy_file_range", "sendfile", "splice"):
                tgt = a[2] if name in ("copy_file_range", "splice") else a[0]
                if ofd(tid, tgt) is not None:
                    self.warnings[name + " into the store: its writes are NOT seen"] += 1
        for i, o in enumerate(self.ops):
            o.n = i

    def acked(self, point):
        return self.before + b"".join(o.data for o in self.ops if o.kind == "ack" and o.entry < point)
