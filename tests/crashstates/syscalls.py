"""Runs a program under strace, and reads the calls that it made."""
import json, os, re, shutil, subprocess, time

INF = 1 << 60
TRACED = ("open,openat,openat2,creat,close,dup,dup2,dup3,fcntl,lseek,read,readv,"
          "write,pwrite64,writev,pwritev,pwritev2,ftruncate,truncate,fallocate,"
          "fsync,fdatasync,sync_file_range,sync,syncfs,msync,"
          "rename,renameat,renameat2,unlink,unlinkat,link,linkat,symlink,symlinkat,"
          "mkdir,mkdirat,rmdir,mmap,io_uring_setup,copy_file_range,sendfile,splice,"
          "clone,clone3,fork,vfork")


def record(store, out, cmd, cwd=None, timeout=None, inject=(), before=None):
    store = os.path.realpath(store)
    os.makedirs(out, exist_ok=True)
    init = os.path.join(out, "initial")
    shutil.rmtree(init, ignore_errors=True)
    if os.path.isdir(store):
        shutil.copytree(store, init, symlinks=True)
    else:
        os.makedirs(init)
    pre = b""
    if before:
        with open(before, "rb") as f:
            pre = f.read()
    with open(os.path.join(out, "before.txt"), "wb") as f:
        f.write(pre)
    trace = os.path.join(out, "trace.strace")
    argv = ["strace", "-f", "--seccomp-bpf", "-y", "-xx", "-s", str(1 << 28), "-e", "signal=none",
            "-e", "raw=read,readv", "-e", "trace=" + TRACED, "-o", trace]
    for i in inject:
        argv += ["-e", "inject=" + i]
    argv += ["--"] + cmd
    with open(os.path.join(out, "stdout.txt"), "wb") as so:
        try:
            rc = subprocess.run(argv, stdout=so, cwd=cwd, timeout=timeout).returncode
        except subprocess.TimeoutExpired:
            rc = -1
    with open(os.path.join(out, "meta.json"), "w") as f:
        json.dump({"store": store, "cmd": cmd, "rc": rc, "when": time.strftime("%F %T")}, f, indent=1)
    return rc


_HEX = re.compile(r"\\x([0-9a-f]{2})")


def unhex(s):
    """A strace -xx string body (only \\xNN escapes) to bytes."""
    return bytes.fromhex(s.replace("\\x", ""))


def unhex_path(s):
    return _HEX.sub(lambda m: chr(int(m.group(1), 16)), s).encode("latin-1").decode("utf-8", "surrogateescape")


def split_args(s):
    out, depth, start, i, n, q = [], 0, 0, 0, len(s), False
    while i < n:
        c = s[i]
        if q:
            j = s.find('"', i)
            if j < 0:
                break
            i = j
            q = False
        elif c == '"':
            q = True
        elif c in "{[<(":
            depth += 1
        elif c in "}])" or (c == ">" and depth > 0 and s[i - 1:i] != "-"):
            depth -= 1
        elif c == "," and depth == 0:
            out.append(s[start:i].strip())
            start = i + 1
        i += 1
    last = s[start:].strip()
    if last:
        out.append(last)
    return out


_FD = re.compile(r"^(-?\d+|AT_FDCWD)(?:<(.*?)>)?(\(deleted\))?$", re.S)


def fdarg(a):
    m = _FD.match(a)
    if not m:
        return None, None
    fd = -100 if m.group(1) == "AT_FDCWD" else int(m.group(1))
    return fd, (unhex_path(m.group(2)) if m.group(2) else None)


def strarg(a):
    a = a.strip()
    return unhex(a[1:a.rindex('"')]) if a.startswith('"') else b""


def patharg(a):
    return strarg(a).decode("utf-8", "surrogateescape")


def num(a):
    return int(a.split()[0], 0)


def calls(trace):
    """Yield (entry, exit, tid, name, args, ret). Times: 2*line at entry, 2*line+1 at exit."""
    pending, done = {}, []
    with open(trace, "r", encoding="latin-1") as f:
        for ln, line in enumerate(f):
            m = re.match(r"^(\d+)\s+(.*)$", line.rstrip("\n"), re.S)
            if not m:
                continue
            tid, rest = int(m.group(1)), m.group(2)
            if rest.startswith(("+++", "---")):
                continue
            if rest.startswith("<... "):
                k = rest.find("resumed>")
                p = pending.pop(tid, None)
                if p is None or k < 0:
                    continue
                entry, text = p[0], p[1] + rest[k + 8:]
            elif rest.endswith("<unfinished ...>"):
                pending[tid] = (ln, rest[:-len("<unfinished ...>")].rstrip())
                continue
            else:
                entry, text = ln, rest
            c = parse_call(text)
            if c:
                done.append((2 * entry, 2 * ln + 1, tid) + c)
    for tid, (ln, text) in pending.items():      # killed inside the call
        c = parse_call(text + ") = ?")
        if c:
            done.append((2 * ln, INF, tid) + c)
    done.sort(key=lambda t: (t[1], t[0]))
    return done


def parse_call(text):
    i = text.find("(")
    j = text.rfind(") = ")
    if j < 0:
        j = text.rfind(")  = ")
    if j < 0:
        m = re.search(r"\)\s+= ", text)
        if not m:
            return None
        j = m.start()
    if i < 0:
        return None
    name, body, ret = text[:i], text[i + 1:j], text[j + 1:].strip()
    ret = ret[1:].strip()
    if ret.startswith("?"):
        rv = None
    else:
        m = re.match(r"^(-?(?:0x[0-9a-f]+|\d+))", ret)
        rv = int(m.group(1), 0) if m else None
    return name, split_args(body), rv
