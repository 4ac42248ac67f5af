#!/usr/bin/env python3
"""crashstates: rebuild a store directory as it could look after a crash, and check it.

  record   run a program under strace; keep every file operation inside --store
           and every byte the program printed (its acknowledgements), in order
  info     show the recorded operations
  states   write crash states to disk:  OUT/00017/store/  acked.txt  meta.json
  check    build each crash state, run a checker on it, sum up the failures
  faults   run the program once per I/O call, failing that call (EIO, ENOSPC,
           short write), and check what is left
  selftest check the model against hand-made traces

src/manual/crash_states.md describes the model, its limits and what a program and a
checker have to do. Needs Linux, Python 3.8, strace 5.3 (and cc for `faults`); no
root, no kernel device, no third-party package.
"""
import argparse, os, sys

from checks import cmd_check, cmd_info, cmd_states
from faults import cmd_faults
from selftest import cmd_selftest
from syscalls import record


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sp = ap.add_subparsers(dest="cmd_", required=True)

    def model_args(p):
        p.add_argument("rec")
        p.add_argument("--fs", choices=("posix", "linux", "ext4"), default="ext4")
        p.add_argument("--sfr", choices=("durable", "data", "none"), default="none")
        p.add_argument("--ack-fd", type=int, default=1)

    def gen_args(p):
        p.add_argument("--points", type=int, default=0, help="at most this many crash points, evenly spread (0 = all)")
        p.add_argument("--width", type=int, default=6, help="how many recent pending operations to lose or keep singly")
        p.add_argument("--torn", type=int, default=2, help="how many recent pending writes to tear")
        p.add_argument("--bytetear", action="store_true", help="also tear writes smaller than a sector")
        p.add_argument("--random", type=int, default=3, help="random subsets per crash point")
        p.add_argument("--seed", type=int, default=1)
        p.add_argument("--max-states", type=int, default=0)

    p = sp.add_parser("record")
    p.add_argument("--store", required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--timeout", type=float)
    p.add_argument("--before", metavar="FILE", help="acknowledgements of earlier runs that S must still meet")
    p.add_argument("--inject", action="append", default=[], metavar="SPEC",
                   help="strace fault, e.g. fdatasync:error=EIO:when=3 (counted per thread)")
    p.add_argument("cmd", nargs=argparse.REMAINDER)
    p = sp.add_parser("info")
    model_args(p)
    p.add_argument("--ops", action="store_true")
    p = sp.add_parser("states")
    model_args(p)
    gen_args(p)
    p.add_argument("--out", required=True)
    p = sp.add_parser("check")
    model_args(p)
    gen_args(p)
    p.add_argument("--checker", required=True, help="command; {state} and {acked} are replaced, else appended")
    p.add_argument("--jobs", type=int, default=os.cpu_count())
    p.add_argument("--timeout", type=float, default=20)
    p.add_argument("--tmp", default="/dev/shm" if os.path.isdir("/dev/shm") else None)
    p.add_argument("--keep", help="folder for failing states")
    p.add_argument("--keep-each", type=int, default=2)
    p.add_argument("--json")
    p = sp.add_parser("faults")
    p.add_argument("--checker", required=True)
    p.add_argument("--how", default="EIO,ENOSPC", help="of EIO, ENOSPC, SHORT")
    p.add_argument("--sticky", choices=("yes", "no", "both"), default="both",
                   help="does every later call of the same kind fail too")
    p.add_argument("--step", type=int, default=1)
    p.add_argument("--timeout", type=float, default=20)
    p.add_argument("--initial", help="a store folder to start from")
    p.add_argument("--tmp", default="/dev/shm" if os.path.isdir("/dev/shm") else None)
    p.add_argument("cmd", nargs=argparse.REMAINDER, help="program; {store} is replaced by the store folder")
    sp.add_parser("selftest")
    a = ap.parse_args()
    if getattr(a, "cmd", None) and a.cmd[:1] == ["--"]:
        a.cmd = a.cmd[1:]
    if a.cmd_ == "record":
        rc = record(a.store, a.out, a.cmd, timeout=a.timeout, inject=a.inject, before=a.before)
        print(f"program exit {rc}; recorded in {a.out}")
        return 0
    return {"info": cmd_info, "states": cmd_states, "check": cmd_check, "faults": cmd_faults,
            "selftest": cmd_selftest}[a.cmd_](a)


if __name__ == "__main__":
    sys.exit(main())
