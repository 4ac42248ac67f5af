# Independent maker of cosigned checkpoints (C2SP signed-note, tlog-checkpoint, tlog-cosignature, tlog-policy).
import base64, hashlib, json
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
def b64(b): return base64.b64encode(b).decode()
def key(seed): return Ed25519PrivateKey.from_private_bytes(seed)
def pub(k): return k.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
def kid(name, typ, material): return hashlib.sha256(name.encode()+b"\n"+bytes([typ])+material).digest()[:4]
def vkey(name, typ, material): return f"{name}+{kid(name,typ,material).hex()}+{b64(bytes([typ])+material)}"
def sig(name, typ, k, body): return f"\u2014 {name} {b64(kid(name,typ,pub(k))+k.sign(body.encode()))}\n"
def cosig(name, k, body, t):
    msg = f"cosignature/v1\ntime {t}\n{body}".encode()
    return f"\u2014 {name} {b64(kid(name,4,pub(k))+t.to_bytes(8,'big')+k.sign(msg))}\n"
log_id = bytes(range(16)).hex()
origin = f"latchkeep.log/{log_id}"
root = hashlib.sha256(b"a root").digest()
log = key(bytes([1]*32))
w = [(f"witness.example/w{i}", key(bytes([10+i]*32)), 1700000000+i) for i in (1,2,3)]
mldsa_material = hashlib.sha256(b"m").digest()*41  # 1312 bytes of no key: nothing here verifies it
mldsa_name = "witness.example/later"
def note(ext, cosigners, extra=""):
    body = f"{origin}\n7\n{b64(root)}\n" + "".join(e+"\n" for e in ext)
    lines = sig(origin,1,log,body) + "".join(cosig(n,k,body,t) for n,k,t in cosigners) + extra
    return body+"\n"+lines
unknown = f"\u2014 {mldsa_name} {b64(kid(mldsa_name,6,mldsa_material)+bytes(8)+bytes(2420))}\n"
plain_by_witness = sig(w[0][0],1,w[0][1],f"{origin}\n7\n{b64(root)}\n")
out = {
 "log_id": log_id, "size": 7, "root": b64(root),
 "log_vkey": vkey(origin,1,pub(log)),
 "witness_vkeys": [vkey(n,4,pub(k)) for n,k,_ in w],
 "unknown_vkey": vkey(mldsa_name,6,mldsa_material),
 "times": [t for _,_,t in w],
 "plain": note([], []),
 "cosigned_by_1_and_2": note([], w[:2], unknown),
 "with_extensions": note(["extension 1", "\u2014 looks like a signature AAAA"], w[2:]),
 "with_empty_extension": f"{origin}\n7\n{b64(root)}\n\nx\n" + "\n" + sig(origin,1,log,f"{origin}\n7\n{b64(root)}\n\nx\n"),
 # The same key signs the text without time, as a log does; and over another time than the one it names.
 "signed_without_time": note([], [], sig(w[0][0],1,w[0][1],f"{origin}\n7\n{b64(root)}\n")),
 "time_changed": note([], [], (lambda n,k,t: f"\u2014 {n} {b64(kid(n,4,pub(k))+(t+1).to_bytes(8,'big')+k.sign((f'cosignature/v1'+chr(10)+f'time {t}'+chr(10)+origin+chr(10)+'7'+chr(10)+b64(root)+chr(10)).encode()))}\n")(*w[0])),
 "time_too_large": note([], [(w[0][0], w[0][1], 2**63)]),
 "other_root_cosigned": note([], [], cosig(w[0][0], w[0][1], f"{origin}\n7\n{b64(hashlib.sha256(b'other').digest())}\n", w[0][2])),
 "cosigned_twice": note([], [w[0], (w[0][0], w[0][1], w[0][2]+60)]),
}
json.dump(out, open("cosigned-1.json","w"), indent=1, ensure_ascii=False); print(out["witness_vkeys"])
