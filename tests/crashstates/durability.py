"""Says which operation is durable when, under a model of a file system."""
from recording import DIR_OPS, FILE_OPS
from syscalls import INF


class Model:
    """What is durable when.

    fs   posix  a directory entry is durable after fsync of its directory
         linux  as posix, and fsync of a file makes that file's own entry durable
         ext4   one ordered journal: fsync of X makes X's last metadata change, and every
                metadata change before it, durable; pending ones survive as a prefix
    sfr  durable  sync_file_range makes data and length durable (what some programs hope)
         data     it makes the bytes durable, not the file's length (a drive without a
                  volatile cache)
         none     it makes nothing durable (volatile drive cache; copy-on-write file system)
    """

    def __init__(self, rec, fs="ext4", sfr="none"):
        self.rec, self.fs, self.sfr = rec, fs, sfr
        ops = rec.ops
        self.ops = ops
        self.data_at = {}       # op.n -> trace index from which its data is durable
        self.meta_at = {}       # op.n -> the same for its length / directory entry
        metas = [o for o in ops if o.kind in DIR_OPS or o.kind == "trunc" or (o.kind == "write" and o.grows)]

        def lower(d, n, v):
            if v < d.get(n, INF):
                d[n] = v

        for o in ops:
            if o.kind == "write" and o.dsync:
                lower(self.data_at, o.n, o.exit)
                lower(self.meta_at, o.n, o.exit)
        poisoned = set()        # writes pending at a failed fsync: the kernel may have dropped them for good
        for s in ops:
            if s.kind == "syncfail":
                poisoned.update(o.n for o in ops if o.kind == "write" and o.ino == s.ino and o.entry < s.exit
                                and self.data_at.get(o.n, INF) > s.entry)
            if s.kind == "srange" and sfr != "none":
                for o in ops:
                    if o.kind == "write" and o.ino == s.ino and o.exit < s.entry and o.off >= s.off and o.end <= s.end:
                        lower(self.data_at, o.n, s.exit)
                        if sfr == "durable":
                            lower(self.meta_at, o.n, s.exit)
            elif s.kind == "syncall":
                for o in ops:
                    if o.kind in FILE_OPS + DIR_OPS and o.exit < s.entry:
                        lower(self.data_at, o.n, s.exit)
                        lower(self.meta_at, o.n, s.exit)
            elif s.kind in ("sync", "syncdir"):
                last = -1
                for o in ops:
                    if o.exit >= s.entry:
                        continue
                    if s.kind == "sync" and o.kind in FILE_OPS and o.ino == s.ino:
                        lower(self.data_at, o.n, s.exit)
                        lower(self.meta_at, o.n, s.exit)
                        if o.kind == "trunc" or o.grows:
                            last = max(last, o.n)
                    elif s.kind == "syncdir" and o.kind in DIR_OPS and s.path in o.parents:
                        lower(self.meta_at, o.n, s.exit)
                        last = max(last, o.n)
                    elif s.kind == "sync" and o.kind in DIR_OPS and o.ino == s.ino and fs in ("linux", "ext4"):
                        lower(self.meta_at, o.n, s.exit)
                        last = max(last, o.n)
                if fs == "ext4":
                    for o in metas:
                        if o.n < last and o.exit < s.entry:
                            if o.kind == "write" and self.data_at.get(o.n, INF) > s.entry:
                                continue        # its length is journalled only after its data went out
                            lower(self.meta_at, o.n, s.exit)
        for n in poisoned:
            self.data_at[n] = INF

    def points(self):
        """Crash points: just before each event that changes the disk or what is durable, and the end."""
        pts = set()
        for o in self.ops:
            if o.kind == "ack":
                continue
            pts.add(o.entry)
            if o.exit < INF:
                pts.add(o.exit)
        pts.add(INF - 1)
        return sorted(pts)
