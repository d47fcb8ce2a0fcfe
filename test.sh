#!/usr/bin/env bash
# Runs every test of cardmod, after installing what the tests need. Unattended; wants root (or
# sudo) for the packages and for the name spaces in which pcscd runs.
#
#   ./test.sh            everything
#   ./test.sh --no-install   nothing is installed; a missing program fails its test by name, and without
#                        what the Windows leg needs that is skipped
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

packages=(build-essential ca-certificates dropbear-bin gnutls-bin iproute2 libclang-dev libnss3-tools
  libpcsclite-dev mandoc openssh-client openssl opensc opensc-pkcs11 pcscd pkg-config python3 python3-pykcs11
  python3-jsonschema python3-pyscard python3-venv strace util-linux vsmartcard-vpcd ykcs11 yubico-piv-tool)

as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi; }

install_packages() {
  local missing=()
  for package in "${packages[@]}"; do
    dpkg-query --show --showformat='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ "${#missing[@]}" -eq 0 ] && return
  echo "== installing ${missing[*]}"
  as_root apt-get update -q
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"
}

# Programs from the Rust registry go into target/tools, so that nothing of the user's is touched.
install_cargo_tool() { # name, version
  [ -x "target/tools/bin/$1" ] && return
  echo "== installing $1 $2"
  cargo install --quiet --locked --root target/tools --target-dir target/tools-build --version "$2" "$1"
}

# ykman with a pyscard of its own, as pip gives it to people; also under target.
install_ykman() { # version
  target/tools/ykman/bin/python -c "import ykman; assert ykman.__version__ == '$1'" 2>/dev/null && return
  echo "== installing ykman $1"
  rm -rf target/tools/ykman
  python3 -m venv target/tools/ykman
  target/tools/ykman/bin/pip install --quiet "yubikey-manager==$1"
}

# Rust's own sources for the 32-bit check of the interface, and Miri where there is a nightly toolchain.
install_rust_components() {
  command -v rustup >/dev/null || return 0
  if rustup toolchain list | grep -q '^nightly'; then
    rustup component add --toolchain nightly miri rust-src
  else
    rustup component add rust-src
  fi
}

if [ "${1:-}" != "--no-install" ]; then
  install_packages
  if ! install_rust_components; then
    echo "== Rust's sources cannot be installed: the 32-bit layout is not checked in this run"
    export CARDMOD_SKIP_I686=1
  fi
  command -v cargo-nextest >/dev/null || install_cargo_tool cargo-nextest 0.9.143
  install_cargo_tool cargo-deny 0.20.2
  install_ykman 5.9.2
else
  export CARDMOD_NO_INSTALL=1
fi
export PATH="$PWD/target/tools/bin:$PATH"

# The Windows leg installs its own compiler and Wine: cargo xtask windows.
exec cargo xtask ci
