# Builds and installs zccp: `make && sudo make install`. Needs GNU make and GNU ln.
#
# DESTDIR, prefix and the directories below may be set on the command line, as GNU's coding standards have it. PROGRAM is
# what is installed; named on the command line, it has to be there and nothing is built.

CARGO ?= cargo
INSTALL ?= install

prefix = /usr/local
exec_prefix = $(prefix)
bindir = $(exec_prefix)/bin
libexecdir = $(exec_prefix)/libexec
datarootdir = $(prefix)/share
mandir = $(datarootdir)/man
bashcompletiondir = $(datarootdir)/bash-completion/completions
zshcompletiondir = $(datarootdir)/zsh/site-functions
fishcompletiondir = $(datarootdir)/fish/vendor_completions.d
elvishlibdir = $(datarootdir)/elvish/lib
nushellautoloaddir = $(datarootdir)/nushell/vendor/autoload
# Links named cp and cat, which nobody sees who does not put the directory into PATH.
linksdir = $(libexecdir)/zccp

target = $(or $(CARGO_TARGET_DIR),target)
PROGRAM = $(target)/release/zccp
sources := $(shell find src man completions -type f) build.rs Cargo.toml Cargo.lock

# One program, two names; what it does is decided by argv[0].
names = zccp zccat
at = $(DESTDIR)$(1)

installed = $(foreach name,$(names),$(bindir)/$(name) $(mandir)/man1/$(name).1 $(bashcompletiondir)/$(name) \
	$(zshcompletiondir)/_$(name) $(fishcompletiondir)/$(name).fish $(elvishlibdir)/$(name).elv \
	$(nushellautoloaddir)/$(name).nu) $(linksdir)/cp $(linksdir)/cat

.PHONY: all install uninstall links static check-static deb rpm try-packages

all: $(PROGRAM)

# Not phony: who installs as root need not have cargo.
$(target)/release/zccp: $(sources)
	$(CARGO) build --release --locked --bin zccp
	touch $@

install: $(PROGRAM)
	for file in $(foreach file,$(installed),"$(call at,$(file))"); do $(INSTALL) -d "$${file%/*}" || exit; done
	$(INSTALL) -m 755 "$(PROGRAM)" "$(call at,$(bindir))/zccp"
	ln -sfn zccp "$(call at,$(bindir))/zccat"
	for name in $(names); do \
		$(INSTALL) -m 644 man/$$name.1 "$(call at,$(mandir))/man1/$$name.1" && \
		$(INSTALL) -m 644 completions/$$name.bash "$(call at,$(bashcompletiondir))/$$name" && \
		$(INSTALL) -m 644 completions/_$$name "$(call at,$(zshcompletiondir))/_$$name" && \
		$(INSTALL) -m 644 completions/$$name.fish "$(call at,$(fishcompletiondir))/$$name.fish" && \
		$(INSTALL) -m 644 completions/$$name.elv "$(call at,$(elvishlibdir))/$$name.elv" && \
		$(INSTALL) -m 644 completions/$$name.nu "$(call at,$(nushellautoloaddir))/$$name.nu" || exit; \
	done
	for name in cp cat; do \
		ln -srfn "$(call at,$(bindir))/zccp" "$(call at,$(linksdir))/$$name" || exit; \
	done

uninstall:
	rm -f $(foreach file,$(installed),"$(call at,$(file))")
	if [ -d "$(call at,$(linksdir))" ]; then rmdir --ignore-fail-on-non-empty "$(call at,$(linksdir))"; fi

# make links DIR=...: a directory of links named cp and cat. What is there already is left alone: DIR=/usr/bin is a typing
# mistake, and it must not cost anybody their cp.
links:
	@test -n "$(DIR)" || { echo "usage: make links DIR=DIRECTORY [prefix=PREFIX]" >&2; exit 2; }
	@test -x "$(bindir)/zccp" || { echo "$(bindir)/zccp is not there: make install first, or say bindir=" >&2; exit 1; }
	@mkdir -p "$(DIR)"
	@for name in cp cat; do \
		link="$(DIR)/$$name"; \
		if [ -L "$$link" ] && [ "$$(readlink "$$link")" = "$(bindir)/zccp" ]; then continue; fi; \
		if [ -e "$$link" ] || [ -L "$$link" ]; then echo "$$link is there already and is not ours" >&2; exit 1; fi; \
		ln -s "$(bindir)/zccp" "$$link" || exit; \
	done
	@cd "$(DIR)" && echo "to try it in this shell: PATH=\"$$PWD:\$$PATH\""

# Packages, in $(target)/packages. None has a file of coreutils' or stands against it.
version := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
packages = $(target)/packages

deb: $(PROGRAM)
	rm -rf "$(packages)/deb"
	$(MAKE) install DESTDIR="$(abspath $(packages)/deb)" prefix=/usr PROGRAM="$(PROGRAM)" \
		zshcompletiondir=/usr/share/zsh/vendor-completions
	packaging/deb "$(packages)/deb" "$(version)" "$(packages)/zccp_$(version)_$$(dpkg --print-architecture).deb"

rpm: $(PROGRAM)
	rpmbuild -bb --quiet --define "_topdir $(abspath $(packages)/rpm)" --define "_rpmdir $(abspath $(packages))" \
		--define "_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm" --define "zccp_version $(version)" \
		--define "zccp_tree $(CURDIR)" --define "zccp_program $(abspath $(PROGRAM))" packaging/zccp.spec
	@ls "$(abspath $(packages))"/*.rpm

# Both, in a fresh Debian: see there.
try-packages: deb rpm
	packaging/try $(packages)/zccp_$(version)_*.deb $(packages)/zccp-$(version)-1.*.rpm

# One file that needs no library of the system's, for machines of any distribution. Linked with musl where the toolchain has
# that target (`rustup target add x86_64-unknown-linux-musl`, or your processor's): it is smaller and starts faster. Else
# with glibc, whose target every toolchain for Linux has; then what nsswitch.conf names besides files and DNS is a shared
# library, and is looked at only where that is there in glibc's own version. Code and constants are loaded together
# (noseparate-code): 4 KB less.
architecture := $(shell uname -m)
musl_target = $(architecture)-unknown-linux-musl
has_musl = $(wildcard $(shell rustc --print target-libdir --target $(musl_target) 2>/dev/null)/libstd-*.rlib)
static_target = $(if $(has_musl),$(musl_target),$(architecture)-unknown-linux-gnu)
static:
	RUSTFLAGS="-C target-feature=+crt-static -C link-arg=-Wl,-z,noseparate-code" $(CARGO) build --release --locked --bins --target $(static_target)
	@$(if $(has_musl),,echo "linked with glibc; for a smaller one: rustup target add $(musl_target)")
	@ls -l "$(target)/$(static_target)/release/zccp"

# The integration tests, with that program instead of the one that cargo builds for them.
check-static: static
	ZCCP_UNDER_TEST="$(abspath $(target)/$(static_target)/release/zccp)" \
	ZCCAT_UNDER_TEST="$(abspath $(target)/$(static_target)/release/zccat)" $(CARGO) test --locked --test tests
