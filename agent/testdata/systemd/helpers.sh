# check WHAT COMMAND… notes whether the command succeeds, and what it said if not.
check() {
	local what=$1 said
	shift
	if said=$("$@" 2>&1); then echo "ok: $what"; else echo "FAILED: $what ($?): $said"; fi
}
not() { ! "$@"; }
equal() { [ "$1" = "$2" ] || { echo "$2, want $1"; return 1; }; }
# refused CODE TEXT COMMAND… demands that exit code, and that text among what is said.
refused() {
	local code=$1 text=$2 said got=0
	shift 2
	said=$("$@" 2>&1) || got=$?
	[ $got = "$code" ] && [[ $said == *"$text"* ]] || { echo "exit code $got: $said"; return 1; }
}
# within SECONDS EXPRESSION waits until it is true.
within() {
	local until=$((SECONDS + $1))
	while ! eval "$2" >/dev/null 2>&1; do
		[ $SECONDS -lt $until ] || { echo "not within $1 s: $2"; systemctl status --no-pager roagent; return 1; }
		sleep 0.2
	done
}
pid() { systemctl show -p MainPID --value "$1"; }
# other SERVICE PID: it is up, as another process.
other() { [ "$(systemctl is-active "$1")" = active ] && [ "$(pid "$1")" != "$2" ] && [ "$(pid "$1")" != 0 ]; }
