# An issuer of class create_discoverable in shell: accounts are files in $ACCOUNTS, named for store and rotation.
set -u
question=$(cat)
text() { printf '%s' "$question" | sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }
[ -e "$ACCOUNTS/away" ] && exit 75
case $question in *'"parameters":'*) echo '{"reason":"parameters are not known here"}'; exit 77 ;; esac
store=$(text store) account=$(text store).$(text rotation)
case $(text call) in
create)
    password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
    # With noclobber: what is there already is not overwritten, and nobody knows its password.
    (umask 077 && set -C && echo "$password" >"$ACCOUNTS/$account") 2>/dev/null || exit 1
    echo "{\"credential\":{\"username\":\"$account\",\"password\":\"$password\"},\"outside\":\"$account\"}" ;;
find)
    if [ -e "$ACCOUNTS/$account" ]; then echo "{\"found\":[\"$account\"]}"; else echo '{"found":[]}'; fi ;;
verify)
    [ "$(cat "$ACCOUNTS/$(text username)" 2>/dev/null)" = "$(text password)" ] || exit 77 ;;
retire)
    outside=$(text outside)
    case ${outside:=$account} in "$store".*) rm -f "$ACCOUNTS/$outside" ;; *) exit 77 ;; esac ;;
list)
    comma=
    printf '{"listed":['
    for file in "$ACCOUNTS/$store".*; do
        [ -e "$file" ] || continue
        name=${file##*/}
        printf '%s{"rotation":"%s","outside":"%s"}' "$comma" "${name#*.}" "$name"
        comma=,
    done
    echo ']}' ;;
*) exit 77 ;;
esac
