"""Test hosts as images, made from Debian's packages where no registry need be asked."""
