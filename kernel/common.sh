# SPDX-License-Identifier: GPL-2.0-only
# Description: what the kernel scripts share: folders, the pinned base, messages.
# shellcheck shell=sh disable=SC2034

ROOT=$(cd "$(dirname "$0")/.." && pwd)
BUILD=$ROOT/build
TREE=$BUILD/linux
SERIES=$ROOT/kernel/series

# shellcheck source=kernel/base
. "$ROOT/kernel/base"

say() { echo "kernel: $*" >&2; }
die() { echo "kernel/${0##*/}: $*" >&2; exit 2; }

# The patch files of the series, in order, with their full path.
patches() { sed -n "s|^\([0-9].*\.patch\)\$|$ROOT/kernel/\1|p" "$SERIES"; }

# One hash for what the series makes of the base.
series_sha256() {
	{ echo "$SHA256"; patches | while read -r p; do cat "$p"; done; } | sha256sum | cut -d' ' -f1
}

# Compile by way of ccache, if there is one; its hits must not depend on where this tree is.
use_ccache() {
	! command -v ccache > /dev/null || {
		PATH=/usr/lib/ccache:$PATH
		export CCACHE_BASEDIR="$ROOT" CCACHE_NOHASHDIR=1
	}
}

kgit() { git -C "$TREE" -c user.name=holdfast -c user.email=series@holdfast.invalid "$@"; }
