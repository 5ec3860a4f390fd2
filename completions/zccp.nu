module completions {

  def "nu-complete zccp engine" [] {
    [ "reflink" "copy_file_range" "sendfile" "splice" "zerocopy" "mmap" "read_write" "help" ]
  }

  def "nu-complete zccp generate" [] {
    [ "bash" "zsh" "fish" "elvish" "powershell" "nushell" "man" ]
  }

  def "nu-complete zccp no-preserve" [] {
    [ "mode" "timestamps" "ownership" "links" "context" "xattr" "all" ]
  }

  def "nu-complete zccp preserve" [] {
    [ "mode" "timestamps" "ownership" "links" "context" "xattr" "all" ]
  }

  def "nu-complete zccp progress" [] {
    [ "auto" "always" "never" ]
  }

  def "nu-complete zccp reflink" [] {
    [ "auto" "always" "never" ]
  }

  def "nu-complete zccp sparse" [] {
    [ "never" "auto" "always" ]
  }

  def "nu-complete zccp update" [] {
    [ "all" "none" "none-fail" "older" ]
  }

  # Copy SOURCE to DEST, or each SOURCE into DIRECTORY, by the kernel's best path.
  export extern zccp [
    --archive(-a)             # same as -dR --preserve=all, but attributes that DEST cannot hold are no failure
    --attributes-only         # copy no data, only the attributes that are to be preserved
    --atomic                  # whoever opens DEST finds the old file or the whole new one
    --backup: string          # keep an existing DEST under another name; CONTROL is none or off, simple or never, existing or nil, numbered or t
    -b                        # like --backup without an argument
    --context: string         # like -Z, or set the SELinux context of new files to CTX
    --copy-contents           # with -R, read FIFOs and devices instead of making them anew
    -d                        # same as -P --preserve=links
    --debug                   # say on standard output how each file was copied; implies -v
    --dry-run                 # say on standard output what would be done with each SOURCE, and by which engines, and touch nothing
    --durable                 # success means that data and names are on the device
    --engine: string@"nu-complete zccp engine" # move bytes by these engines only, tried in this order: reflink, copy_file_range, sendfile, splice, zerocopy, mmap, read_write, or try them all in DIRECTORY, or in this one, and say how fast each is there (help)
    --exclude: string         # with -R, leave out what in a SOURCE directory is named so, as a line of .gitignore would; may be given more than once
    --explain                 # say on standard error what is planned for each file, and then what was done: bytes by each engine, refusals, time
    --force(-f)               # if an existing DEST cannot be opened, remove it and try again
    --generate: string@"nu-complete zccp generate" # print the completions for a shell, or the man page, and exit: bash, zsh, fish, elvish, powershell, nushell or man
    -H                        # follow symbolic links among the SOURCE operands
    --interactive(-i)         # ask before an existing DEST is replaced; overrides an earlier -n
    --json: path              # tell what is done in JSON, one object a line, in FILE (fd:N for a descriptor), or on standard error, which then has nothing else
    --jobs(-j): string        # copy a tree with N threads, or as many as pay (auto, the default)
    --keep-directory-symlink  # take an existing symbolic link to a directory for a directory to copy a directory into
    --link(-l)                # make hard links instead of copies
    --dereference(-L)         # copy what symbolic links of SOURCE lead to (the default without -R)
    --no-clobber(-n)          # leave existing files as they are, without a word; overrides an earlier -i
    --no-dereference(-P)      # copy symbolic links of SOURCE as symbolic links (the default with -R)
    --no-preserve: string@"nu-complete zccp no-preserve" # do not preserve the attributes of LIST
    --one-file-system(-x)     # leave out what is mounted in a tree
    -p                        # same as --preserve=mode,ownership,timestamps
    --parents                 # make the directories of SOURCE's name below DIRECTORY
    --preserve: string@"nu-complete zccp preserve" # keep the attributes of LIST (mode, ownership and timestamps if there is none): also links, context, xattr, or all
    --progress(-g): string@"nu-complete zccp progress" # show how far the copy is, on standard error: auto (the default) on a terminal, always (if no WHEN is given) also elsewhere, or never
    --quiet(-q)               # show no progress, and say nothing but errors and what is asked for
    --recursive(-R)           # copy directories with everything in them
    -r                        # copy directories with everything in them
    --rate-limit: string      # move at most SIZE bytes per second, all files together; SIZE may have a suffix: K, M, G... of 1024, KB, MB, GB... of 1000
    --reflink: string@"nu-complete zccp reflink" # whether the copy shares its data with SOURCE
    --remove-destination      # remove an existing DEST before it is opened (unlike --force)
    --resume                  # go on with what a broken copy left at DEST: compare it with SOURCE, repair what differs, append what is missing
    --strip-trailing-slashes  # take no notice of slashes at the end of a SOURCE
    --symbolic-link(-s)       # make symbolic links instead of copies
    --suffix(-S): string      # what the name of a backup ends in, instead of ~; implies --backup
    --sparse: string@"nu-complete zccp sparse" # where the copy has holes
    --target-directory(-t): directory # copy every SOURCE into DIRECTORY
    --update: string@"nu-complete zccp update" # which existing files are replaced: all (the default), none, none-fail, or older than SOURCE (if no WHICH is given)
    -u                        # same as --update=older
    --no-target-directory(-T) # never take DEST for a directory
    --verbose(-v)             # name each file as it is copied
    --verify                  # read DEST back from the device and compare it with SOURCE
    -Z                        # give new files the SELinux context that is the default for them
    --help(-h)                # display this help and exit
    --version(-V)             # output version information and exit
    ...FILE: path
  ]

}

export use completions *
