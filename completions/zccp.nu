module completions {

  def "nu-complete zccp engine" [] {
    [ "reflink" "copy_file_range" "sendfile" "splice" "zerocopy" "mmap" "read_write" ]
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
    --backup: string          # keep an existing DEST under another name; CONTROL is none or off, simple or never, existing or nil, numbered or t
    -b                        # like --backup without an argument
    -d                        # same as -P, and names of one file stay names of one file
    --debug                   # say on standard output how each file was copied; implies -v
    --dry-run                 # say on standard output what would be done with each SOURCE, and by which engines, and touch nothing
    --engine: string@"nu-complete zccp engine" # move bytes by these engines only, tried in this order: reflink, copy_file_range, sendfile, splice, zerocopy, mmap, read_write
    --explain                 # say on standard error what is planned for each file, and then what was done: bytes by each engine, refusals, time
    --force(-f)               # if an existing DEST cannot be opened, remove it and try again
    --interactive(-i)         # ask before an existing DEST is replaced; overrides an earlier -n
    --json: path              # tell what is done in JSON, one object a line, in FILE (fd:N for a descriptor), or on standard error, which then has nothing else
    --link(-l)                # make hard links instead of copies
    --dereference(-L)         # copy what a symbolic link SOURCE leads to (the default)
    --no-clobber(-n)          # leave existing files as they are, without a word; overrides an earlier -i
    --no-dereference(-P)      # copy a symbolic link SOURCE as a symbolic link
    --progress(-g): string@"nu-complete zccp progress" # show how far the copy is, on standard error: auto (the default) on a terminal, always (if no WHEN is given) also elsewhere, or never
    --quiet(-q)               # show no progress, and say nothing but errors and what is asked for
    --rate-limit: string      # move at most SIZE bytes per second, all files together; SIZE may have a suffix: K, M, G... of 1024, KB, MB, GB... of 1000
    --reflink: string@"nu-complete zccp reflink" # whether the copy shares its data with SOURCE
    --remove-destination      # remove an existing DEST before it is opened (unlike --force)
    --symbolic-link(-s)       # make symbolic links instead of copies
    --suffix(-S): string      # what the name of a backup ends in, instead of ~; implies --backup
    --sparse: string@"nu-complete zccp sparse" # where the copy has holes
    --target-directory(-t): directory # copy every SOURCE into DIRECTORY
    --update: string@"nu-complete zccp update" # which existing files are replaced: all (the default), none, none-fail, or older than SOURCE (if no WHICH is given)
    -u                        # same as --update=older
    --no-target-directory(-T) # never take DEST for a directory
    --verbose(-v)             # name each file as it is copied
    --help(-h)                # display this help and exit
    --version(-V)             # output version information and exit
    ...FILE: path
  ]

}

export use completions *
