#!/bin/sh
# After the removal. The database in /var/lib/sallyport and its user stay: they are the administrator's to delete.
set -e

if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
