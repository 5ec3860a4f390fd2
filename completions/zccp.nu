module completions {

  def "nu-complete zccp engine" [] {
    [ "reflink" "copy_file_range" "sendfile" "splice" "zerocopy" "mmap" "read_write" ]
  }

  def "nu-complete zccp reflink" [] {
    [ "auto" "always" "never" ]
  }

  def "nu-complete zccp sparse" [] {
    [ "never" "auto" "always" ]
  }

  # Copy SOURCE to DEST, or each SOURCE into DIRECTORY, by the kernel's best path.
  export extern zccp [
    --debug                   # say on standard output how each file was copied; implies -v
    --engine: string@"nu-complete zccp engine" # move bytes by these engines only, tried in this order: reflink, copy_file_range, sendfile, splice, zerocopy, mmap, read_write
    --explain                 # say on standard error what is planned for each file, and then what was done: bytes by each engine, refusals, time
    --force(-f)               # if an existing DEST cannot be opened, remove it and try again
    --reflink: string@"nu-complete zccp reflink" # whether the copy shares its data with SOURCE
    --sparse: string@"nu-complete zccp sparse" # where the copy has holes
    --target-directory(-t): directory # copy every SOURCE into DIRECTORY
    --no-target-directory(-T) # never take DEST for a directory
    --verbose(-v)             # name each file as it is copied
    --help(-h)                # display this help and exit
    --version(-V)             # output version information and exit
    ...FILE: path
  ]

}

export use completions *
