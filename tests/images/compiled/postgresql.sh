#!/bin/sh
# postgresql.sh SOURCE: the server in the layout of EL's packages, less what the tests don't use (LLVM, Kerberos,
# LDAP, PAM, XML, Perl, Tcl, Python, contrib, translations).
set -eux
mkdir postgresql && cd postgresql
sh /recipe/fetch.sh "$1"
# As EL's packages have it, and Debian's.
sed --in-place 's|\(define DEFAULT_PGSOCKET_DIR *\)"/tmp"|\1"/var/run/postgresql"|' src/include/pg_config_manual.h
./configure --quiet --prefix=/usr --libdir=/usr/lib64/pgsql --datadir=/usr/share/pgsql CFLAGS=-O1 \
  --with-icu --with-lz4 --with-openssl --with-systemd --with-system-tzdata=/usr/share/zoneinfo
make --silent --jobs=2
make --silent install DESTDIR=/installed

cd /installed/usr
rm -r include bin/ecpg bin/pg_config \
  lib64/pgsql/*.a lib64/pgsql/pgxs lib64/pgsql/pkgconfig lib64/pgsql/libecpg*.so* lib64/pgsql/libpgtypes.so*
mkdir --parents /payload/postgresql/usr/bin /payload/postgresql-private-libs/usr/lib64/pgsql /payload/postgresql-server
(cd bin && mv clusterdb createdb createuser dropdb dropuser pg_dump pg_dumpall pg_isready pg_restore psql reindexdb \
  vacuumdb /payload/postgresql/usr/bin/)
mv lib64/pgsql/libpq.so* /payload/postgresql-private-libs/usr/lib64/pgsql/
mv /installed/usr /payload/postgresql-server/
