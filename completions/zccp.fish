complete -c zccp -l backup -d 'keep an existing DEST under another name; CONTROL is none or off, simple or never, existing or nil, numbered or t' -f -a "none\t''
off\t''
simple\t''
never\t''
existing\t''
nil\t''
numbered\t''
t\t''"
complete -c zccp -l context -d 'like -Z, or set the SELinux context of new files to CTX' -r -f
complete -c zccp -l engine -d 'move bytes only by the engines of LIST, in its order: reflink, copy_file_range, sendfile, splice, zerocopy, mmap, read_write. Alone, help tries them all in DIRECTORY (or in this one), says how fast each is there, and copies nothing' -r -f -a "(__fish_complete_list , 'string split , reflink,copy_file_range,sendfile,splice,zerocopy,mmap,read_write,help')"
complete -c zccp -l exclude -d 'with -R, leave out what in a SOURCE directory is named so, as a line of .gitignore would; may be given more than once' -r -f
complete -c zccp -l generate -d 'print the completions for a shell, or the man page, and exit: bash, zsh, fish, elvish, powershell, nushell or man' -r -f -a "bash\t''
zsh\t''
fish\t''
elvish\t''
powershell\t''
nushell\t''
man\t''"
complete -c zccp -l json -d 'tell what is done in JSON, one object a line, in FILE (fd:N for a descriptor), or on standard error, which then has nothing else' -r -F
complete -c zccp -s j -l jobs -d 'copy many files with N threads, or as many as pay (auto, the default)' -r -f
complete -c zccp -l no-preserve -d 'do not preserve the attributes of LIST' -r -f -a "(__fish_complete_list , 'string split , mode,timestamps,ownership,links,context,xattr,all')"
complete -c zccp -l preserve -d 'keep the attributes of LIST (mode, ownership and timestamps if there is none): also links, context, xattr, or all' -r -f -a "(__fish_complete_list , 'string split , mode,timestamps,ownership,links,context,xattr,all')"
complete -c zccp -s g -l progress -d 'show how far the copy is, on standard error: auto (the default) on a terminal, always (if no WHEN is given) also elsewhere, or never' -f -a "auto\t''
always\t''
never\t''"
complete -c zccp -l rate-limit -d 'move at most SIZE bytes per second, all files together; SIZE may have a suffix: K, M, G... of 1024, KB, MB, GB... of 1000' -r -f
complete -c zccp -l reflink -d 'whether the copy shares its data with SOURCE' -f -a "auto\t''
always\t''
never\t''"
complete -c zccp -s S -l suffix -d 'what the name of a backup ends in, instead of ~; implies --backup' -r -f
complete -c zccp -l sparse -d 'where the copy has holes' -r -f -a "never\t''
auto\t''
always\t''"
complete -c zccp -s t -l target-directory -d 'copy every SOURCE into DIRECTORY' -r -f -a "(__fish_complete_directories)"
complete -c zccp -l update -d 'which existing files are replaced: all (the default), none, none-fail, or older than SOURCE (if no WHICH is given)' -f -a "all\t''
none\t''
none-fail\t''
older\t''"
complete -c zccp -s a -l archive -d 'same as -dR --preserve=all, but attributes that DEST cannot hold are no failure'
complete -c zccp -l attributes-only -d 'copy no data, only the attributes that are to be preserved'
complete -c zccp -l atomic -d 'whoever opens DEST finds the old file or the whole new one'
complete -c zccp -s b -d 'like --backup without an argument'
complete -c zccp -l copy-contents -d 'with -R, read FIFOs and devices instead of making them anew'
complete -c zccp -s d -d 'same as -P --preserve=links'
complete -c zccp -l debug -d 'say on standard output how each file was copied; implies -v'
complete -c zccp -l dry-run -d 'say on standard output what would be done with each SOURCE, and by which engines, and touch nothing'
complete -c zccp -l durable -d 'success means that data and names are on the device'
complete -c zccp -l explain -d 'say on standard error what is planned for each file, and then what was done: bytes by each engine, refusals, time'
complete -c zccp -s f -l force -d 'if an existing DEST cannot be opened, remove it and try again'
complete -c zccp -s H -d 'follow symbolic links among the SOURCE operands'
complete -c zccp -s i -l interactive -d 'ask before an existing DEST is replaced; overrides an earlier -n'
complete -c zccp -l keep-directory-symlink -d 'take an existing symbolic link to a directory for a directory to copy a directory into'
complete -c zccp -s l -l link -d 'make hard links instead of copies'
complete -c zccp -s L -l dereference -d 'copy what symbolic links of SOURCE lead to (the default without -R)'
complete -c zccp -s n -l no-clobber -d 'leave existing files as they are, without a word; overrides an earlier -i'
complete -c zccp -s P -l no-dereference -d 'copy symbolic links of SOURCE as symbolic links (the default with -R)'
complete -c zccp -s x -l one-file-system -d 'leave out what is mounted in a tree'
complete -c zccp -s p -d 'same as --preserve=mode,ownership,timestamps'
complete -c zccp -l parents -d 'make the directories of SOURCE\'s name below DIRECTORY'
complete -c zccp -s q -l quiet -d 'show no progress, and say nothing but errors and what is asked for'
complete -c zccp -s R -s r -l recursive -d 'copy directories with everything in them'
complete -c zccp -l remove-destination -d 'remove an existing DEST before it is opened (unlike --force)'
complete -c zccp -l resume -d 'go on with what a broken copy left at DEST: compare it with SOURCE, repair what differs, append what is missing'
complete -c zccp -l strip-trailing-slashes -d 'take no notice of slashes at the end of a SOURCE'
complete -c zccp -s s -l symbolic-link -d 'make symbolic links instead of copies'
complete -c zccp -s u -d 'same as --update=older'
complete -c zccp -s T -l no-target-directory -d 'never take DEST for a directory'
complete -c zccp -s v -l verbose -d 'name each file as it is copied'
complete -c zccp -l verify -d 'read DEST back from the device and compare it with SOURCE'
complete -c zccp -s Z -d 'give new files the SELinux context that is the default for them'
complete -c zccp -s h -l help -d 'display this help and exit'
complete -c zccp -s V -l version -d 'output version information and exit'
