"""Shows states to a checker, and sums up what it says."""
import collections, concurrent.futures as cf, json, os, re, shlex, shutil, signal, subprocess, sys, tempfile, time

from durability import Model
from recording import DIR_OPS, Recording
from states import enumerate_states, materialise
from syscalls import INF


def run_checker(cmd, state, acked, timeout):
    argv = [x.replace("{state}", state).replace("{acked}", acked) for x in shlex.split(cmd)]
    if "{state}" not in cmd:
        argv += [state, acked]
    p = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        out, _ = p.communicate(timeout=timeout)
        rc = p.returncode
    except subprocess.TimeoutExpired:
        os.killpg(p.pid, signal.SIGKILL)
        out, _ = p.communicate()
        rc = "hang"
    text = out.decode("utf-8", "replace").strip()
    return rc, text


def classify(rc, text):
    if rc == 0:
        return "ok"
    lines = [l for l in text.splitlines() if l.strip()]
    pick = next((l for l in lines if l.startswith(("FAIL", "LOST", "thread '"))), lines[-1] if lines else "")
    if pick.startswith("thread '"):
        i = lines.index(pick)
        pick = "panic: " + re.sub(r".*panicked at ", "", pick) + (" " + lines[i + 1] if i + 1 < len(lines) else "")
    pick = re.sub(r"/[^ :]*/", "", pick)
    pick = re.sub(r"\d+", "N", pick)[:150]
    return f"{'hang' if rc == 'hang' else 'fail'}: {pick}"


def cmd_check(a):
    rec = Recording(a.rec, a.ack_fd)
    for w, n in rec.warnings.items():
        print(f"warning: {w} ({n}x)", file=sys.stderr)
    model = Model(rec, a.fs, a.sfr)
    stats, gen = enumerate_states(model, a)
    tmp = tempfile.mkdtemp(prefix="crashstates-", dir=a.tmp)
    res, kept, t0 = collections.Counter(), {}, time.time()
    byvar = collections.defaultdict(collections.Counter)
    failures, early = [], [0]

    def one(i, p, ch, tree):
        d = os.path.join(tmp, str(i))
        st, ak = os.path.join(d, "store"), os.path.join(d, "acked.txt")
        materialise(tree, st)
        with open(ak, "wb") as f:
            f.write(rec.acked(p))
        rc, text = run_checker(a.checker, st, ak, a.timeout)
        cls = classify(rc, text)
        if cls != "ok":
            if not rec.acked(p):
                cls += "   (nothing acknowledged yet)"
                early[0] += 1
            failures.append((i, p, ch.name, cls))
            if a.keep and kept.get(cls, 0) < a.keep_each:
                kept[cls] = kept.get(cls, 0) + 1
                k = os.path.join(a.keep, f"{i:05d}-{ch.name}")
                shutil.rmtree(k, ignore_errors=True)
                os.makedirs(k)
                materialise(tree, os.path.join(k, "store"))
                shutil.copy(ak, k)
                with open(os.path.join(k, "meta.json"), "w") as f:
                    json.dump({"point": p, "variant": ch.name, "fs": a.fs, "sfr": a.sfr, "class": cls, "checker": text}, f, indent=1)
        shutil.rmtree(d, ignore_errors=True)
        return cls, re.sub(r"[-@]?\d+", "", ch.name)

    with cf.ThreadPoolExecutor(a.jobs) as ex:
        pend = set()
        for i, (p, ch, tree) in enumerate(gen):
            pend.add(ex.submit(one, i, p, ch, tree))
            while len(pend) >= a.jobs * 2:
                done, pend = cf.wait(pend, return_when=cf.FIRST_COMPLETED)
                for f in done:
                    c, v = f.result()
                    res[c] += 1
                    byvar[c][v] += 1
        for f in cf.as_completed(pend):
            c, v = f.result()
            res[c] += 1
            byvar[c][v] += 1
    shutil.rmtree(tmp, ignore_errors=True)
    bad = sum(n for c, n in res.items() if c != "ok")
    print(f"fs={a.fs} sfr={a.sfr}: {stats['points']} crash points, {stats['built']} states built, "
          f"{stats['distinct']} distinct, {stats['used']} checked in {time.time() - t0:.0f}s: "
          f"{bad} FAILED ({early[0]} of them before the first acknowledgement)")
    for c, n in res.most_common():
        vs = ", ".join(f"{v or '-'} {k}" for v, k in byvar[c].most_common(6))
        print(f"  {n:6d}  {c}\n          [{vs}]")
    if a.json:
        with open(a.json, "w") as f:
            json.dump({"stats": stats, "fs": a.fs, "sfr": a.sfr, "classes": res, "failures": sorted(failures)}, f, indent=1)
    return 1 if bad else 0


def cmd_states(a):
    rec = Recording(a.rec, a.ack_fd)
    for w, n in rec.warnings.items():
        print(f"warning: {w} ({n}x)", file=sys.stderr)
    stats, gen = enumerate_states(Model(rec, a.fs, a.sfr), a)
    for i, (p, ch, tree) in enumerate(gen):
        d = os.path.join(a.out, f"{i:05d}")
        materialise(tree, os.path.join(d, "store"))
        with open(os.path.join(d, "acked.txt"), "wb") as f:
            f.write(rec.acked(p))
        with open(os.path.join(d, "meta.json"), "w") as f:
            json.dump({"point": p, "variant": ch.name, "fs": a.fs, "sfr": a.sfr}, f)
    print(json.dumps(stats))
    return 0


def cmd_info(a):
    rec = Recording(a.rec, a.ack_fd)
    c = collections.Counter(o.kind for o in rec.ops)
    print(f"store {rec.root}\ncmd   {rec.meta['cmd']} rc {rec.meta['rc']}\nops   {dict(c)}")
    for w, n in rec.warnings.items():
        print(f"warning: {w} ({n}x)")
    if a.ops:
        for o in rec.ops:
            print(o.show())
    m = Model(rec, a.fs, a.sfr)
    never = [o for o in rec.ops if o.kind == "write" and m.data_at.get(o.n, INF) == INF]
    nname = [o for o in rec.ops if o.kind in DIR_OPS and m.meta_at.get(o.n, INF) == INF]
    print(f"under fs={a.fs} sfr={a.sfr}: {len(never)} of {c['write']} writes and {len(nname)} names never became durable")
    for o in nname[:20]:
        print("  never durable:", o.show().strip())
    return 0
