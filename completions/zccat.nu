module completions {

  def "nu-complete zccat engine" [] {
    [ "reflink" "copy_file_range" "sendfile" "splice" "zerocopy" "mmap" "read_write" "help" ]
  }

  def "nu-complete zccat generate" [] {
    [ "bash" "zsh" "fish" "elvish" "powershell" "nushell" "man" ]
  }

  def "nu-complete zccat progress" [] {
    [ "auto" "always" "never" ]
  }

  # Write each FILE to standard output, one after the other, by the kernel's best path.
  export extern zccat [
    --show-all(-A)            # the same as -vET
    --number-nonblank(-b)     # number the lines that are not empty; overrides -n
    -e                        # the same as -vE
    --number(-n)              # number all lines, through all files
    --show-ends(-E)           # show the end of each line as $, a carriage return before it as ^M
    --show-nonprinting(-v)    # show control characters as ^X and bytes from 128 on as M-X, but not tabs and the ends of lines
    --show-tabs(-T)           # show tabs as ^I
    --squeeze-blank(-s)       # output only the first of empty lines in a row
    -t                        # the same as -vT
    --connect: string         # send to this socket instead of standard output, half-close it, and wait until the peer has closed it
    --durable                 # success means that all is on the device standard output is on
    --engine: string@"nu-complete zccat engine" # move bytes by these engines only, tried in this order: reflink, copy_file_range, sendfile, splice, zerocopy, mmap, read_write, or try them all in DIRECTORY, or in this one, and say how fast each is there (help)
    --explain                 # say on standard error what is planned for each file, and then what was done: bytes by each engine, refusals, time
    --generate: string@"nu-complete zccat generate" # print the completions for a shell, or the man page, and exit: bash, zsh, fish, elvish, powershell, nushell or man
    --json: path              # tell what is done in JSON, one object a line, in FILE (fd:N for a descriptor), or on standard error, which then has nothing else
    --listen: string          # as --connect, to the first who connects to ADDRESS
    --rate-limit: string      # move at most SIZE bytes per second, all files together; SIZE may have a suffix: K, M, G... of 1024, KB, MB, GB... of 1000
    --progress(-g): string@"nu-complete zccat progress" # show how far it is, on standard error: auto (the default) on a terminal with --connect or --listen, always (if no WHEN is given) also without, or never
    --size: string            # how much is to be expected of a pipe or another FILE that does not tell its size, for what -g, --json and SIGUSR1 say; a SIZE may have a suffix as above
    --timeout: string         # with --connect or --listen: fail if for SECONDS (0.5, say) nobody answers or connects, the peer takes nothing, or it does not close at the end; without it, 30 for answer and close, no limit for the others
    -u                        # (no effect: output is never held back)
    --help(-h)                # display this help and exit
    --version(-V)             # output version information and exit
    ...FILE: path
  ]

}

export use completions *
