#!/bin/sh
# python.sh SOURCE: Python 3.11 as EL9 has it beside the system's 3.9.
set -eux
mkdir python && cd python
sh /recipe/fetch.sh "$1"
# Half the time of -O3; what it runs is mostly waiting.
export OPT='-DNDEBUG -fwrapv -O1'
./configure --quiet --prefix=/usr --with-platlibdir=lib64 --without-static-libpython --with-ensurepip=no \
  --disable-test-modules
make --silent --jobs=2
make --silent altinstall DESTDIR=/payload/python3.11

cd /payload
strip python3.11/usr/bin/python3.11
python3.11/usr/bin/python3.11 -m ensurepip --altinstall --root /payload/pip
mkdir python3.11-pip && mv pip/payload/python3.11/usr python3.11-pip/ && rm -r pip
sed --in-place '1s|.*|#!/usr/bin/python3.11|' python3.11-pip/usr/bin/pip3.11

mkdir --parents python3.11-devel/usr/bin && mv python3.11/usr/include python3.11/usr/lib python3.11-devel/usr/
mv python3.11/usr/bin/python3.11-config python3.11-devel/usr/bin/
# sysconfig reads it, also where nothing is compiled.
mkdir --parents python3.11/usr/include/python3.11
mv python3.11-devel/usr/include/python3.11/pyconfig.h python3.11/usr/include/python3.11/
