# nushell completion for zccp

module "zccp completions" {
  def "nu-complete zccp" [spans: list<string>] {
    let options = [
      {value: "-a", description: "same as -dR --preserve=all, but attributes that DEST cannot hold are no failure"}
      {value: "--archive", description: "same as -dR --preserve=all, but attributes that DEST cannot hold are no failure"}
      {value: "--attributes-only", description: "copy no data, only the attributes that are to be preserved"}
      {value: "--atomic", description: "whoever opens DEST finds the old file or the whole new one"}
      {value: "--backup", description: "keep an existing DEST under another name; CONTROL is none or off, simple or never, existing or nil, numbered or t"}
      {value: "--backup=", description: "keep an existing DEST under another name; CONTROL is none or off, simple or never, existing or nil, numbered or t"}
      {value: "-b", description: "like --backup without an argument"}
      {value: "--context", description: "like -Z, or set the SELinux context of new files to CTX"}
      {value: "--context=", description: "like -Z, or set the SELinux context of new files to CTX"}
      {value: "--copy-contents", description: "with -R, read FIFOs and devices instead of making them anew"}
      {value: "-d", description: "same as -P --preserve=links"}
      {value: "--debug", description: "say on standard output how each file was copied; implies -v"}
      {value: "--dry-run", description: "say on standard output what would be done with each SOURCE, and by which engines, and touch nothing"}
      {value: "--durable", description: "success means that data and names are on the device"}
      {value: "--engine=", description: "move bytes only by the engines of LIST, in its order: reflink, copy_file_range, sendfile, splice, zerocopy, mmap, read_write. Alone, help tries them all in DIRECTORY (or in this one), says how fast each is there, and copies nothing"}
      {value: "--exclude=", description: "with -R, leave out what in a SOURCE directory is named so, as a line of .gitignore would; may be given more than once"}
      {value: "--explain", description: "say on standard error what is planned for each file, and then what was done: bytes by each engine, refusals, time"}
      {value: "-f", description: "if an existing DEST cannot be opened, remove it and try again"}
      {value: "--force", description: "if an existing DEST cannot be opened, remove it and try again"}
      {value: "--generate=", description: "print the completions for a shell, or the man page, and exit: bash, zsh, fish, elvish, powershell, nushell or man"}
      {value: "-H", description: "follow symbolic links among the SOURCE operands"}
      {value: "-i", description: "ask before an existing DEST is replaced; overrides an earlier -n"}
      {value: "--interactive", description: "ask before an existing DEST is replaced; overrides an earlier -n"}
      {value: "--json", description: "tell what is done in JSON, one object a line, in FILE (fd:N for a descriptor), or on standard error, which then has nothing else"}
      {value: "--json=", description: "tell what is done in JSON, one object a line, in FILE (fd:N for a descriptor), or on standard error, which then has nothing else"}
      {value: "-j", description: "copy many files with N threads, or as many as pay (auto, the default)"}
      {value: "--jobs=", description: "copy many files with N threads, or as many as pay (auto, the default)"}
      {value: "--keep-directory-symlink", description: "take an existing symbolic link to a directory for a directory to copy a directory into"}
      {value: "-l", description: "make hard links instead of copies"}
      {value: "--link", description: "make hard links instead of copies"}
      {value: "-L", description: "copy what symbolic links of SOURCE lead to (the default without -R)"}
      {value: "--dereference", description: "copy what symbolic links of SOURCE lead to (the default without -R)"}
      {value: "-n", description: "leave existing files as they are, without a word; overrides an earlier -i"}
      {value: "--no-clobber", description: "leave existing files as they are, without a word; overrides an earlier -i"}
      {value: "-P", description: "copy symbolic links of SOURCE as symbolic links (the default with -R)"}
      {value: "--no-dereference", description: "copy symbolic links of SOURCE as symbolic links (the default with -R)"}
      {value: "--no-preserve=", description: "do not preserve the attributes of LIST"}
      {value: "-x", description: "leave out what is mounted in a tree"}
      {value: "--one-file-system", description: "leave out what is mounted in a tree"}
      {value: "-p", description: "same as --preserve=mode,ownership,timestamps"}
      {value: "--parents", description: "make the directories of SOURCE's name below DIRECTORY"}
      {value: "--preserve", description: "keep the attributes of LIST (mode, ownership and timestamps if there is none): also links, context, xattr, or all"}
      {value: "--preserve=", description: "keep the attributes of LIST (mode, ownership and timestamps if there is none): also links, context, xattr, or all"}
      {value: "-g", description: "show how far the copy is, on standard error: auto (the default) on a terminal, always (if no WHEN is given) also elsewhere, or never"}
      {value: "--progress", description: "show how far the copy is, on standard error: auto (the default) on a terminal, always (if no WHEN is given) also elsewhere, or never"}
      {value: "--progress=", description: "show how far the copy is, on standard error: auto (the default) on a terminal, always (if no WHEN is given) also elsewhere, or never"}
      {value: "-q", description: "show no progress, and say nothing but errors and what is asked for"}
      {value: "--quiet", description: "show no progress, and say nothing but errors and what is asked for"}
      {value: "-R", description: "copy directories with everything in them"}
      {value: "-r", description: "copy directories with everything in them"}
      {value: "--recursive", description: "copy directories with everything in them"}
      {value: "--rate-limit=", description: "move at most SIZE bytes per second, all files together; SIZE may have a suffix: K, M, G... of 1024, KB, MB, GB... of 1000"}
      {value: "--reflink", description: "whether the copy shares its data with SOURCE"}
      {value: "--reflink=", description: "whether the copy shares its data with SOURCE"}
      {value: "--remove-destination", description: "remove an existing DEST before it is opened (unlike --force)"}
      {value: "--resume", description: "go on with what a broken copy left at DEST: compare it with SOURCE, repair what differs, append what is missing"}
      {value: "--strip-trailing-slashes", description: "take no notice of slashes at the end of a SOURCE"}
      {value: "-s", description: "make symbolic links instead of copies"}
      {value: "--symbolic-link", description: "make symbolic links instead of copies"}
      {value: "-S", description: "what the name of a backup ends in, instead of ~; implies --backup"}
      {value: "--suffix=", description: "what the name of a backup ends in, instead of ~; implies --backup"}
      {value: "--sparse=", description: "where the copy has holes"}
      {value: "-t", description: "copy every SOURCE into DIRECTORY"}
      {value: "--target-directory=", description: "copy every SOURCE into DIRECTORY"}
      {value: "--update", description: "which existing files are replaced: all (the default), none, none-fail, or older than SOURCE (if no WHICH is given)"}
      {value: "--update=", description: "which existing files are replaced: all (the default), none, none-fail, or older than SOURCE (if no WHICH is given)"}
      {value: "-u", description: "same as --update=older"}
      {value: "-T", description: "never take DEST for a directory"}
      {value: "--no-target-directory", description: "never take DEST for a directory"}
      {value: "-v", description: "name each file as it is copied"}
      {value: "--verbose", description: "name each file as it is copied"}
      {value: "--verify", description: "read DEST back from the device and compare it with SOURCE"}
      {value: "-Z", description: "give new files the SELinux context that is the default for them"}
      {value: "-h", description: "display this help and exit"}
      {value: "--help", description: "display this help and exit"}
      {value: "-V", description: "output version information and exit"}
      {value: "--version", description: "output version information and exit"}
    ]
    let arguments = [
      {names: ["--backup="], list: false, words: ["none" "off" "simple" "never" "existing" "nil" "numbered" "t"]}
      {names: ["--engine=" "--engine"], list: true, words: ["reflink" "copy_file_range" "sendfile" "splice" "zerocopy" "mmap" "read_write" "help"]}
      {names: ["--generate=" "--generate"], list: false, words: ["bash" "zsh" "fish" "elvish" "powershell" "nushell" "man"]}
      {names: ["--no-preserve=" "--no-preserve"], list: true, words: ["mode" "timestamps" "ownership" "links" "context" "xattr" "all"]}
      {names: ["--preserve="], list: true, words: ["mode" "timestamps" "ownership" "links" "context" "xattr" "all"]}
      {names: ["--progress="], list: false, words: ["auto" "always" "never"]}
      {names: ["--reflink="], list: false, words: ["auto" "always" "never"]}
      {names: ["--sparse=" "--sparse"], list: false, words: ["never" "auto" "always"]}
      {names: ["--update="], list: false, words: ["all" "none" "none-fail" "older"]}
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

  # Copy SOURCE to DEST, or each SOURCE into DIRECTORY, by the kernel's best path.
  @complete "nu-complete zccp"
  export extern zccp [...FILE: glob]
}

export use "zccp completions" *
