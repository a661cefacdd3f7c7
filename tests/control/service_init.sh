#!/bin/sh
# The first program of a machine that shows what systemd makes of our unit: HOME PYTHON CLOSED...
# It mounts the disk, opens the CLOSED folders on the way to PYTHON, and hands over to systemd.
home=$1 python=$2
shift 2
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs run /run
mount -t tmpfs -o mode=1777 tmp /tmp
mount -t tmpfs -o mode=1777 tmp /var/tmp
mount -t ext4 /dev/ubda /mnt
ip link set lo up
mkdir -p /run/python /run/units /run/user/65534
mount --bind "$python" /run/python
for closed in "$@"; do
	mount -t tmpfs -o mode=755 closed "$closed"
done
mkdir -p "$python"
mount --bind /run/python "$python"
chown 65534 /run/user/65534

cat >/run/units/goal.target <<END
[Unit]
Wants=manager.service story.service
END
cat >/run/units/manager.service <<END
[Service]
Type=notify
User=nobody
Delegate=yes
Environment=HOME=$home XDG_RUNTIME_DIR=/run/user/65534
ExecStart=/usr/lib/systemd/systemd --user --log-target=console
StandardOutput=tty
TTYPath=/dev/console
END
cat >/run/units/story.service <<END
[Unit]
After=manager.service
[Service]
User=nobody
Environment=HOME=$home XDG_RUNTIME_DIR=/run/user/65534
ExecStart=/bin/sh $home/story.sh
StandardOutput=tty
TTYPath=/dev/console
END
export SYSTEMD_UNIT_PATH=/run/units
exec /usr/lib/systemd/systemd --system --unit=goal.target --log-target=console --show-status=no
