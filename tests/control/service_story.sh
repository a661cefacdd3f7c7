#!/bin/sh
# What happens to the service, told line by line; it runs inside, beside the service.
cd "$HOME/auto_trading" || exit

say() {
	echo "story: $*"
}

shown() {
	systemctl --user show --value --property "$1" auto_trading
}

until_active_after() { # so many restarts
	until [ "$(shown NRestarts)" -ge "$1" ]; do sleep 0.2; done
	until [ "$(shown ActiveState)" = active ]; do sleep 0.2; done
}

if [ ! -e "$HOME/booted" ]; then
	systemctl --user daemon-reload
	systemctl --user enable --now auto_trading || systemctl --user --no-pager status auto_trading
	say "after its start: $(shown ActiveState)"
	pid=$(shown MainPID)
	say "says: $(shown StatusText)"
	say "privileges: $(grep -E '^(NoNewPrivs|Seccomp):' "/proc/$pid/status" | tr -s '\n\t' ' ')"

	touch "$HOME/hang"
	until grep -q 'hanging.py' "$HOME/output.txt"; do sleep 0.2; done
	rm "$HOME/hang"
	until_active_after 1
	say "after a hang: $(shown ActiveState)"

	before=$(shown NRestarts)
	kill -KILL "$(shown MainPID)"
	until_active_after $((before + 1))
	say "after a kill: $(shown ActiveState)"

	touch "$HOME/booted"
	sync
	say "cut me"
else
	until_active_after 0
	until tail -n 20 "$HOME/output.txt" | grep -q Resumed; do sleep 0.2; done
	say "after the cut: $(shown ActiveState)"
	systemctl --user stop auto_trading
	say "stopped: $(shown ActiveState) $(shown Result)"
fi
sleep 600
