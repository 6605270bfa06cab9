#!/bin/sh
# dress.sh MAJOR: makes a Debian root look and behave as Enterprise Linux's minimal image.
set -eux
major=$1

# What Ansible and dnf ask who they are on; Debian's own name is gone.
rm -f /etc/debian_version /etc/dpkg/origins/* /usr/lib/os-release /etc/os-release
cat > /etc/os-release <<EOF
NAME="CentOS Stream"
VERSION="$major"
ID="centos"
ID_LIKE="rhel fedora"
VERSION_ID="$major"
PLATFORM_ID="platform:el$major"
PRETTY_NAME="CentOS Stream $major (stand-in)"
CPE_NAME="cpe:/o:centos:centos:$major"
EOF
echo "CentOS Stream release $major" > /etc/centos-release
ln -s centos-release /etc/redhat-release
ln -s centos-release /etc/system-release

# EL's accounts. Debian's tape has the group id 26 that is postgres's.
for account in backup games gnats irc list lp man news proxy sync uucp www-data _apt; do
  if getent passwd "$account" > /dev/null; then userdel "$account"; fi
  if getent group "$account" > /dev/null; then groupdel "$account"; fi
done
groupmod --gid 33 tape
groupadd --gid 10 wheel

# dnf, with the repository of the image alone, and its database of what the image has from the start.
cat > /etc/dnf/dnf.conf <<EOF
[main]
gpgcheck=1
installonly_limit=3
clean_requirements_on_remove=True
best=True
skip_if_unavailable=False
EOF
mkdir -p /etc/dnf/vars /etc/yum.repos.d
echo "$major" > /etc/dnf/vars/releasever
echo "$major-stream" > /etc/dnf/vars/stream
cat > /etc/yum.repos.d/stand-in.repo <<EOF
[stand-in]
name=CentOS Stream \$releasever - stand-in for BaseOS and AppStream
baseurl=file:///srv/repository
gpgcheck=0
EOF
# A plugin of rpm 4.20, newer than EL10's, that a container has no rights for.
rm -f /usr/lib/rpm/macros.d/macros.transaction_unshare
ln -sf dnf-3 /usr/bin/dnf
ln -sf dnf-3 /usr/bin/yum
rpm --install /srv/repository/base/*/*.rpm

# EL's Python installs where it is told to.
rm -f /usr/lib/python3*/EXTERNALLY-MANAGED

# Nothing of Debian's package managers.
rm -rf /etc/apt /etc/dpkg /var/cache/apt /var/cache/debconf /var/lib/apt /var/lib/dpkg \
  /usr/bin/apt* /usr/bin/dpkg* /usr/lib/apt /usr/lib/dpkg
