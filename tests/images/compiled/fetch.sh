#!/bin/sh
# fetch.sh SOURCE: unpacks a pristine source here, from Debian's package of that name or from SHA256:URL,URL…, whichever
# answers.
set -eux
case $1 in
  *:*)
    echo "$1" | cut --delimiter=: --fields=2- | tr , '\n' | while read -r url; do
      curl --silent --show-error --fail --location --connect-timeout 5 --output fetched.orig.tar "$url" && break
    done
    echo "${1%%:*} fetched.orig.tar" | sha256sum --check
    ;;
  *)
    apt-get source --download-only "$1"
    ;;
esac
tar --extract --strip-components=1 --file ./*.orig.tar*
