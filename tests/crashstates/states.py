"""Builds the states of a directory that a crash could leave."""
import collections, hashlib, os, random

from recording import DIR_OPS, FILE_OPS
from syscalls import INF


class Choice:
    """Which pending parts survive. data: set of op.n; torn: {op.n: [(lo, hi), ...]}; meta: set of op.n."""
    __slots__ = ("name", "data", "meta", "torn")

    def __init__(self, name, data, meta, torn=None):
        self.name, self.data, self.meta, self.torn = name, data, meta, torn or {}


def variants(model, point, opts, rng):
    ops = model.ops
    live = [o for o in ops if o.entry < point and o.kind in FILE_OPS + DIR_OPS]
    pd = [o for o in live if o.kind == "write" and model.data_at.get(o.n, INF) >= point]
    pm_f = [o for o in live if (o.kind == "trunc" or (o.kind == "write" and o.grows)) and model.meta_at.get(o.n, INF) >= point]
    pm_d = [o for o in live if o.kind in DIR_OPS and model.meta_at.get(o.n, INF) >= point]
    D, MF, MD = [o.n for o in pd], [o.n for o in pm_f], [o.n for o in pm_d]
    aD, aM = frozenset(D), frozenset(MF + MD)
    yield Choice("kill", aD, aM)                         # what a killed process leaves
    if not (D or MF or MD):
        return
    yield Choice("min", frozenset(), frozenset())
    if D and (MF or MD):
        yield Choice("meta-only", frozenset(), aM)        # lengths and names, no data: zeros
        yield Choice("data-only", aD, frozenset())
    if MD and (D or MF):
        yield Choice("no-names", aD, frozenset(MF))
        yield Choice("names-only", frozenset(), frozenset(MD))
    # directory entries: prefixes (journal order) or every single loss
    if MD:
        if model.fs == "ext4":
            for k in range(1, len(MD)):
                yield Choice(f"names-prefix-{k}", aD, frozenset(MF) | frozenset(MD[:k]))
                yield Choice(f"names-prefix-{k}-nodata", frozenset(), frozenset(MD[:k]))
        else:
            for k in MD[-opts.width:]:
                yield Choice(f"lose-name-{k}", aD, aM - {k})
                yield Choice(f"only-name-{k}", frozenset(), frozenset({k}))
    # one write lost, one write alone, prefixes
    both = sorted(set(D) | set(MF))
    for k in both[-opts.width:]:
        if len(both) > 1:
            yield Choice(f"lose-{k}", aD - {k}, aM)                      # a hole where it was
            yield Choice(f"lose-{k}-len", aD - {k}, aM - {k})
            yield Choice(f"only-{k}", frozenset({k}) & aD, (frozenset({k}) & aM) | frozenset(MD))
        pre = frozenset(x for x in both if x <= k)
        if k != both[-1]:
            yield Choice(f"prefix-{k}", pre & aD, (pre & aM) | frozenset(MD))
    # torn writes
    byn = {o.n: o for o in pd}
    for k in [n for n in D][-opts.torn:]:
        o = byn[k]
        ln = len(o.data)
        pre = frozenset(x for x in both if x < k)
        cuts = set()
        for unit in (512, 4096):
            edges = [e - o.off for e in range((o.off // unit + 1) * unit, o.off + ln, unit)]
            if edges:
                cuts.update((edges[0], edges[len(edges) // 2], edges[-1]))
        if not cuts and ln > 1 and opts.bytetear:
            cuts.add(ln // 2)
        for c in sorted(cuts):
            yield Choice(f"torn-{k}@{c}", pre & aD, ((pre | {k}) & aM) | frozenset(MD), {k: [(0, c)]})
            yield Choice(f"torn-{k}@{c}-tail", pre & aD, ((pre | {k}) & aM) | frozenset(MD), {k: [(c, ln)]})
    for i in range(opts.random):
        d = frozenset(x for x in D if rng.random() < .5)
        if model.fs == "ext4":
            md = frozenset(MD[:rng.randint(0, len(MD))])
        else:
            md = frozenset(x for x in MD if rng.random() < .5)
        m = frozenset(x for x in MF if rng.random() < .5) | md
        yield Choice(f"rand{i}", d, m)


class Builder:
    """Builds {relpath: None for a directory | bytes} for a point and a choice."""

    def __init__(self, model):
        self.m = model
        self.cache = {}         # ino -> (number of that file's ops folded in, blocks, size)
        self.by_ino = collections.defaultdict(list)
        for o in model.ops:
            if o.kind in FILE_OPS:
                self.by_ino[o.ino].append(o)

    def file(self, ino, point, ch):
        m, ops = self.m, self.by_ino.get(ino, [])
        k, blocks, size = self.cache.get(ino, (0, bytearray(m.rec.base.get(ino, b"")), len(m.rec.base.get(ino, b""))))
        while k < len(ops) and ops[k].exit < point and self.full(ops[k], point):   # points only go up
            size = self.apply(ops[k], blocks, size, True, True, None)
            k += 1
        self.cache[ino] = (k, blocks, size)
        b = bytearray(blocks)
        for o in ops[k:]:
            if o.entry >= point:
                continue
            d = m.data_at.get(o.n, INF) < point or o.n in ch.data
            l = m.meta_at.get(o.n, INF) < point or o.n in ch.meta
            size = self.apply(o, b, size, d, l, ch.torn.get(o.n))
        if len(b) < size:
            b.extend(bytes(size - len(b)))
        return bytes(b[:size])

    def full(self, o, point):
        return (o.kind == "trunc" or self.m.data_at.get(o.n, INF) < point) and \
               (self.m.meta_at.get(o.n, INF) < point or (o.kind == "write" and not o.grows))

    @staticmethod
    def apply(o, b, size, data, length, torn):
        if o.kind == "trunc":
            if length:
                if o.end < len(b):
                    del b[o.end:]
                size = o.end
            return size
        parts = torn if torn else ([(0, len(o.data))] if data else [])
        for lo, hi in parts:
            if len(b) < o.off + hi:
                b.extend(bytes(o.off + hi - len(b)))
            b[o.off + lo:o.off + hi] = o.data[lo:hi]
        if length or not o.grows:
            size = max(size, o.end) if (length and o.grows) else size
        return size

    def names(self, point, ch):
        m = self.m
        ns = dict(m.rec.base_ns)
        for o in m.ops:
            if o.kind not in DIR_OPS or o.entry >= point:
                continue
            if not (m.meta_at.get(o.n, INF) < point or o.n in ch.meta):
                continue
            if o.kind in ("create", "link"):
                ns[o.path] = (o.ino, bool(o.isdir))
            elif o.kind == "unlink":
                ns.pop(o.path, None)
            elif o.kind == "rename":
                moved = {k: v for k, v in ns.items() if k == o.path or k.startswith(o.path + "/")}
                if not moved:                   # its creation was lost, the rename survived
                    moved = {o.path: (o.ino, False)}
                for k in moved:
                    ns.pop(k, None)
                for k, v in moved.items():
                    ns[o.path2 + k[len(o.path):]] = v
        out = {}
        for p, v in ns.items():                 # an entry whose directory is lost is lost
            q, ok = p, True
            while q:
                q = os.path.dirname(q)
                if q and not (q in ns and ns[q][1]):
                    ok = False
            if ok:
                out[p] = v
        return out

    def build(self, point, ch):
        tree = {}
        for p, (ino, isdir) in self.names(point, ch).items():
            tree[p] = None if isdir else self.file(ino, point, ch)
        return tree


def digest(tree):
    h = hashlib.blake2b(digest_size=16)
    for p in sorted(tree):
        h.update(p.encode("utf-8", "surrogateescape") + b"\0")
        v = tree[p]
        if v is None:
            h.update(b"D")
        else:
            h.update(len(v).to_bytes(8, "little") + v)
    return h.digest()


def enumerate_states(model, opts):
    """Yield (point, choice, tree) once per distinct tree, with the most acknowledgements it must meet."""
    pts = model.points()
    if opts.points and len(pts) > opts.points:
        step = len(pts) / opts.points
        pts = sorted({pts[int(i * step)] for i in range(opts.points)} | {pts[-1]})
    best, total = {}, 0
    b = Builder(model)
    rng = random.Random(opts.seed)
    for p in pts:
        for ch in variants(model, p, opts, rng):
            total += 1
            best[digest(b.build(p, ch))] = (p, ch)       # points rise: the last has the most acks
    order = sorted(best.values(), key=lambda t: t[0])
    if opts.max_states and len(order) > opts.max_states:
        rng2 = random.Random(opts.seed)
        order = sorted(rng2.sample(order, opts.max_states), key=lambda t: t[0])
    stats = {"points": len(pts), "built": total, "distinct": len(best), "used": len(order)}
    b = Builder(model)

    def gen():
        for p, ch in order:
            yield p, ch, b.build(p, ch)
    return stats, gen()


def materialise(tree, dst):
    os.makedirs(dst, exist_ok=True)
    for p in sorted(tree):
        if p and tree[p] is None:
            os.makedirs(os.path.join(dst, p), exist_ok=True)
    for p, v in tree.items():
        if v is not None:
            with open(os.path.join(dst, p), "wb") as f:
                f.write(v)
