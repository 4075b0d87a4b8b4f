#!/bin/sh
# After an installation or an upgrade: creates the user of the service and the folder of its database, and restarts a
# running service. A new service is neither enabled nor started, so that the administrator can set it up before.
set -e

if command -v systemd-sysusers > /dev/null; then
	systemd-sysusers sallyport.conf
elif ! getent passwd sallyport > /dev/null; then
	useradd --system --user-group --home-dir /var/lib/sallyport --shell /usr/sbin/nologin sallyport
fi

# systemd creates it, too, at the first start; "config check" and "user add" need it before.
install -d -o sallyport -g sallyport -m 700 /var/lib/sallyport

if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
	systemctl try-restart sallyport.service
fi
