#!/bin/sh
# The first program of a machine that will die: DISK KIND OPTIONS CLOCK PROGRAM...
# DISK is the command that attaches its disk, KIND and OPTIONS mount it; CLOCK is what the machine's
# clock shows at first, seconds or "right".
disk=$1 kind=$2 options=$3 clock=$4
shift 4
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs run /run
export HOME=/run TMPDIR=/run
ip link set lo up
ip address add 10.0.0.2/24 dev vec0
ip link set vec0 up
[ "$clock" = right ] || date -s "@$clock" >/dev/null
$disk
mount -t "$kind" -o "$options" /dev/nbd0 /mnt || echo "machine: its disk cannot be mounted"
cd /mnt || exit
echo "machine: up"
{
	"$@"
	echo "machine: the program ended with $?"
} 2>&1 | cat # so that it sees no terminal
sync
echo o >/proc/sysrq-trigger
sleep 60
