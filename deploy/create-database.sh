#!/bin/sh
# Creates the servers' database at PostgreSQL's first start, with an owner that is no superuser.
set -eu
psql --set ON_ERROR_STOP=1 --username postgres --dbname postgres \
	--set password="$(cat /run/secrets/database_password)" << 'SQL'
CREATE ROLE sallyport LOGIN PASSWORD :'password';
CREATE DATABASE sallyport OWNER sallyport;
SQL
