#!/bin/sh
# Before the removal, but not before an upgrade: stops the service. A deb's script is called with "remove", an rpm's
# with the number of versions that remain.
set -e

case ${1:-} in
remove | 0)
	if [ -d /run/systemd/system ]; then systemctl disable --now sallyport.service; fi
	;;
esac
