"""Checks the model of crashes against programs whose faults are known."""
import argparse, collections, os, shutil, subprocess, sys, tempfile

from durability import Model
from recording import Recording
from states import enumerate_states
from syscalls import record


def cmd_selftest(a):
    tmp = tempfile.mkdtemp(prefix="crashstates-self-")
    prog = os.path.join(tmp, "p.py")
    store = os.path.join(tmp, "store")
    with open(prog, "w") as f:
        f.write(f"""
import os
S={store!r}
os.mkdir(S) if not os.path.isdir(S) else None
d=os.open(S,os.O_RDONLY)
f=os.open(S+'/log',os.O_CREAT|os.O_RDWR)
os.write(f,b'A'*600); os.fsync(f); os.fsync(d); os.write(1,b'ack A\\n')
os.pwrite(f,b'B'*600,600); os.write(1,b'ack B\\n')          # acked too early
os.fdatasync(f)
os.pwrite(f,b'C'*100,0); os.fsync(f); os.write(1,b'ack C\\n')
t=os.open(S+'/new.tmp',os.O_CREAT|os.O_WRONLY); os.write(t,b'N'*10); os.rename(S+'/new.tmp',S+'/new')  # not synced
os.write(1,b'ack N\\n')
""")
    os.makedirs(store)
    rec = os.path.join(tmp, "rec")
    record(store, rec, [sys.executable, prog])
    r = Recording(rec)
    opts = argparse.Namespace(points=0, width=8, torn=4, random=4, seed=1, bytetear=True, max_states=0)
    seen = collections.defaultdict(set)
    for fs in ("posix", "linux", "ext4"):
        m = Model(r, fs, "none")
        stats, gen = enumerate_states(m, opts)
        for p, ch, tree in gen:
            ak = r.acked(p)
            log = tree.get("log", b"")
            if b"ack A" in ak and (len(log) < 600 or log[100:600] != b"A" * 500):
                seen[fs].add("lost A")
            if b"ack B" in ak and log[600:1200] != b"B" * 600:
                seen[fs].add("lost B")
            if b"ack C" in ak and log[:100] != b"C" * 100:
                seen[fs].add("lost C")
            if b"ack N" in ak and tree.get("new") != b"N" * 10:
                seen[fs].add("lost N")
            if b"ack N" in ak and tree.get("new") == b"":
                seen[fs].add("empty N")
    want = {"lost B", "lost N", "empty N"}
    ok = all(seen[fs] == want for fs in ("posix", "linux", "ext4"))
    # a failed fsync is never healed by a later one
    with open(prog, "w") as f:
        f.write(f"""
import os
f=os.open({store!r}+'/log2',os.O_CREAT|os.O_RDWR); os.fsync(f); d=os.open({store!r},os.O_RDONLY); os.fsync(d)
os.write(f,b'A'*600)
try: os.fdatasync(f)
except OSError: os.fdatasync(f)
os.write(1,b'ack A\\n')
""")
    for inject, lost in ((["fdatasync:error=EIO:when=1"], True), ([], False)):
        shutil.rmtree(store)
        os.makedirs(store)
        record(store, rec, [sys.executable, prog], inject=inject)
        r = Recording(rec)
        _, gen = enumerate_states(Model(r, "ext4", "none"), opts)
        got = any(b"ack A" in r.acked(p) and tree.get("log2") != b"A" * 600 for p, ch, tree in gen)
        ok = ok and got == lost
    ok = ok and faults_show(tmp, prog)
    print("selftest", "ok" if ok else "FAILED", {k: sorted(v) for k, v in seen.items()})
    shutil.rmtree(tmp, ignore_errors=True)
    return 0 if ok else 1


def faults_show(tmp, prog):
    """Whether a fault of each call is shown, of a program that acknowledges what it did not make durable when fsync fails."""
    if not shutil.which("cc"):
        print("selftest: no C compiler, so faults are not tried")
        return True
    with open(prog, "w") as f:
        f.write("""
import os, sys
d=sys.argv[1]+'/d'
os.mkdir(d)
f=os.open(d+'/log',os.O_CREAT|os.O_RDWR)
os.write(f,b'A'*600)
try: os.fsync(f)
except OSError: os.ftruncate(f,0)
os.write(1,b'ack A\\n')
""")
    checker = os.path.join(tmp, "checker.py")
    with open(checker, "w") as f:
        f.write("""
import os, sys
log=sys.argv[1]+'/d/log'
if b'ack A' in open(sys.argv[2],'rb').read() and os.path.getsize(log) < 600:
    sys.exit('LOST A')
""")
    tool = os.path.join(os.path.dirname(os.path.abspath(__file__)), "crashstates.py")
    argv = [sys.executable, tool, "faults", "--how", "EIO", "--sticky", "no", "--checker", f"{sys.executable} {checker}",
            "--", sys.executable, prog, "{store}"]
    shown = subprocess.run(argv, capture_output=True, text=True)
    rows = {tuple(row.split()[:2]): row for row in shown.stdout.splitlines() if row.startswith("EIO")}
    calls = [("EIO", call) for call in ("mkdir", "open", "write", "fsync")]
    good = sorted(rows) == sorted(calls) and shown.returncode == 1 and all(
        ("LOST" in rows[call]) == (call[1] == "fsync") for call in calls)
    if not good:
        print(shown.stdout + shown.stderr)
    return good
