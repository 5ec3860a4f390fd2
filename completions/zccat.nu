module completions {

  def "nu-complete zccat engine" [] {
    [ "reflink" "copy_file_range" "sendfile" "splice" "zerocopy" "mmap" "read_write" ]
  }

  # Write each FILE to standard output, one after the other, by the kernel's best path.
  export extern zccat [
    --engine: string@"nu-complete zccat engine" # move bytes by these engines only, tried in this order: reflink, copy_file_range, sendfile, splice, zerocopy, mmap, read_write
    --explain                 # say on standard error what is planned for each file, and then what was done: bytes by each engine, refusals, time
    -u                        # (no effect: output is never held back)
    --help(-h)                # display this help and exit
    --version(-V)             # output version information and exit
    ...FILE: path
  ]

}

export use completions *
