# nushell completion for zccat

module "zccat completions" {
  def "nu-complete zccat" [spans: list<string>] {
    let options = [
      {value: "-A", description: "the same as -vET"}
      {value: "--show-all", description: "the same as -vET"}
      {value: "-b", description: "number the lines that are not empty; overrides -n"}
      {value: "--number-nonblank", description: "number the lines that are not empty; overrides -n"}
      {value: "-e", description: "the same as -vE"}
      {value: "-n", description: "number all lines, through all files"}
      {value: "--number", description: "number all lines, through all files"}
      {value: "-E", description: "show the end of each line as $, a carriage return before it as ^M"}
      {value: "--show-ends", description: "show the end of each line as $, a carriage return before it as ^M"}
      {value: "-v", description: "show control characters as ^X and bytes from 128 on as M-X, but not tabs and the ends of lines"}
      {value: "--show-nonprinting", description: "show control characters as ^X and bytes from 128 on as M-X, but not tabs and the ends of lines"}
      {value: "-T", description: "show tabs as ^I"}
      {value: "--show-tabs", description: "show tabs as ^I"}
      {value: "-s", description: "output only the first of empty lines in a row"}
      {value: "--squeeze-blank", description: "output only the first of empty lines in a row"}
      {value: "-t", description: "the same as -vT"}
      {value: "--connect=", description: "send to this socket instead of standard output, half-close it, and wait until the peer has closed it"}
      {value: "--durable", description: "success means that all is on the device standard output is on"}
      {value: "--engine=", description: "move bytes only by the engines of LIST, in its order: reflink, copy_file_range, sendfile, splice, zerocopy, mmap, read_write. Alone, help tries them all in DIRECTORY (or in this one), says how fast each is there, and copies nothing"}
      {value: "--explain", description: "say on standard error what is planned for each file, and then what was done: bytes by each engine, refusals, time"}
      {value: "--generate=", description: "print the completions for a shell, or the man page, and exit: bash, zsh, fish, elvish, powershell, nushell or man"}
      {value: "--json", description: "tell what is done in JSON, one object a line, in FILE (fd:N for a descriptor), or on standard error, which then has nothing else"}
      {value: "--json=", description: "tell what is done in JSON, one object a line, in FILE (fd:N for a descriptor), or on standard error, which then has nothing else"}
      {value: "--listen=", description: "as --connect, to the first who connects to ADDRESS"}
      {value: "--rate-limit=", description: "move at most SIZE bytes per second, all files together; SIZE may have a suffix: K, M, G... of 1024, KB, MB, GB... of 1000"}
      {value: "-g", description: "show how far it is, on standard error: auto (the default) on a terminal with --connect or --listen, always (if no WHEN is given) also without, or never"}
      {value: "--progress", description: "show how far it is, on standard error: auto (the default) on a terminal with --connect or --listen, always (if no WHEN is given) also without, or never"}
      {value: "--progress=", description: "show how far it is, on standard error: auto (the default) on a terminal with --connect or --listen, always (if no WHEN is given) also without, or never"}
      {value: "--size=", description: "how much is to be expected of a pipe or another FILE that does not tell its size, for what -g, --json and SIGUSR1 say; a SIZE may have a suffix as above"}
      {value: "--timeout=", description: "with --connect or --listen: fail if for SECONDS (0.5, say) nobody answers or connects, the peer takes nothing, or it does not close at the end; without it, 30 for answer and close, no limit for the others"}
      {value: "-u", description: "(no effect: output is never held back)"}
      {value: "-h", description: "display this help and exit"}
      {value: "--help", description: "display this help and exit"}
      {value: "-V", description: "output version information and exit"}
      {value: "--version", description: "output version information and exit"}
    ]
    let arguments = [
      {names: ["--engine=" "--engine"], list: true, words: ["reflink" "copy_file_range" "sendfile" "splice" "zerocopy" "mmap" "read_write" "help"]}
      {names: ["--generate=" "--generate"], list: false, words: ["bash" "zsh" "fish" "elvish" "powershell" "nushell" "man"]}
      {names: ["--progress="], list: false, words: ["auto" "always" "never"]}
    ]
    let word = $spans | last
    let before = $spans | drop 1
    if ("--" in $before) { return null }
    let given = $word | parse --regex '^(?<name>--[^=]+)=(?<value>.*)$'
    let name = if ($given | is-empty) { $before | last } else { $"($given.0.name)=" }
    let found = $arguments | where {|argument| $name in $argument.names }
    if ($found | is-not-empty) {
      let value = if ($given | is-empty) { $word } else { $given.0.value }
      let listed = if $found.0.list { $value | parse --regex '^(?<start>.*,)' | get --optional start.0 | default "" } else { "" }
      let start = (if ($given | is-empty) { "" } else { $name }) + $listed
      return ($found.0.words | each {|one| $start + $one } | where {|one| $one | str starts-with $word })
    }
    if not ($word | str starts-with "-") { return null }
    $options | where {|option| $option.value | str starts-with $word }
  }

  # Write each FILE to standard output, one after the other, by the kernel's best path.
  @complete "nu-complete zccat"
  export extern zccat [...FILE: glob]
}

export use "zccat completions" *
