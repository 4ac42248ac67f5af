"""Runs a program once per I/O call, with that call failing."""
import collections, os, shutil, signal, subprocess, tempfile

from checks import classify, run_checker


def build_shim(where):
    src = os.path.join(os.path.dirname(os.path.abspath(__file__)), "iofault.c")
    lib = os.path.join(where, "iofault.so")
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", lib, src, "-ldl", "-lpthread"], check=True)
    return lib


def cmd_faults(a):
    tmp = tempfile.mkdtemp(prefix="iofault-", dir=a.tmp)
    lib = build_shim(tmp)
    store = os.path.join(tmp, "store")

    def once(n, how, sticky):
        shutil.rmtree(store, ignore_errors=True)
        if a.initial:
            shutil.copytree(a.initial, store)
        else:
            os.makedirs(store)
        log = os.path.join(tmp, "log")
        if os.path.exists(log):
            os.unlink(log)
        env = dict(os.environ, LD_PRELOAD=lib, IOFAULT_DIR=store, IOFAULT_AT=str(n), IOFAULT_HOW=how,
                   IOFAULT_STICKY="1" if sticky else "0", IOFAULT_LOG=log)
        cmd = [x.replace("{store}", store) for x in a.cmd]
        ak, er = os.path.join(tmp, "acked.txt"), os.path.join(tmp, "stderr.txt")
        with open(ak, "wb") as so, open(er, "wb") as se:
            p = subprocess.Popen(cmd, stdout=so, stderr=se, env=env, start_new_session=True)
            try:
                rc = p.wait(a.timeout)
            except subprocess.TimeoutExpired:
                os.killpg(p.pid, signal.SIGKILL)
                p.wait()
                rc = "hang"
        lines = open(log).read().splitlines() if os.path.exists(log) else []
        return rc, ak, er, lines

    rc, ak, er, lines = once(0, "EIO", False)
    total = len(lines)
    print(f"{total} I/O calls in a clean run (rc {rc}); kinds: "
          f"{dict(collections.Counter(l.split()[1] for l in lines))}")
    if rc != 0 or not lines:
        # What fails without a fault shows nothing about faults.
        print(open(er, errors="replace").read())
        print("the clean run failed" if rc != 0 else "no I/O call was seen; is the program linked statically?")
        shutil.rmtree(tmp, ignore_errors=True)
        return 1
    res = collections.Counter()
    ex = {}
    for how in a.how.split(","):
        for sticky in ((False, True) if a.sticky == "both" else (a.sticky == "yes",)):
            for n in range(1, total + 1, a.step):
                rc, ak, er, lines = once(n, how, sticky)
                hit = next((l for l in lines if l.endswith("FAULT")), None)
                if hit is None:
                    continue
                call = hit.split()[1]
                crc, text = run_checker(a.checker, store, ak, a.timeout)
                err = open(er, errors="replace").read()
                run = "hang" if rc == "hang" else ("panic" if "panicked at" in err else ("ok" if rc == 0 else f"exit {rc}"))
                key = (how + ("+" if sticky else ""), call, f"program {run}", classify(crc, text))
                res[key] += 1
                ex.setdefault(key, n)
    shutil.rmtree(tmp, ignore_errors=True)
    print("fault     call              program        store afterwards                       runs (first n)")
    for k, v in sorted(res.items()):
        print(f"{k[0]:9s} {k[1]:17s} {k[2]:14s} {k[3]:60s} {v} ({ex[k]})")
    return 1 if any(k[3] != "ok" for k in res) else 0
