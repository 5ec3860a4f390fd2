complete -c zccat -l connect -d 'send to this socket instead of standard output, half-close it, and wait until the peer has closed it' -r -f
complete -c zccat -l engine -d 'move bytes only by the engines of LIST, in its order: reflink, copy_file_range, sendfile, splice, zerocopy, mmap, read_write. Alone, help tries them all in DIRECTORY (or in this one), says how fast each is there, and copies nothing' -r -f -a "(__fish_complete_list , 'string split , reflink,copy_file_range,sendfile,splice,zerocopy,mmap,read_write,help')"
complete -c zccat -l generate -d 'print the completions for a shell, or the man page, and exit: bash, zsh, fish, elvish, powershell, nushell or man' -r -f -a "bash\t''
zsh\t''
fish\t''
elvish\t''
powershell\t''
nushell\t''
man\t''"
complete -c zccat -l json -d 'tell what is done in JSON, one object a line, in FILE (fd:N for a descriptor), or on standard error, which then has nothing else' -r -F
complete -c zccat -l listen -d 'as --connect, to the first who connects to ADDRESS' -r -f
complete -c zccat -l rate-limit -d 'move at most SIZE bytes per second, all files together; SIZE may have a suffix: K, M, G... of 1024, KB, MB, GB... of 1000' -r -f
complete -c zccat -s g -l progress -d 'show how far it is, on standard error: auto (the default) on a terminal with --connect or --listen, always (if no WHEN is given) also without, or never' -f -a "auto\t''
always\t''
never\t''"
complete -c zccat -l size -d 'how much is to be expected of a pipe or another FILE that does not tell its size, for what -g, --json and SIGUSR1 say; a SIZE may have a suffix as above' -r -f
complete -c zccat -l timeout -d 'with --connect or --listen: fail if for SECONDS (0.5, say) nobody answers or connects, the peer takes nothing, or it does not close at the end; without it, 30 for answer and close, no limit for the others' -r -f
complete -c zccat -s A -l show-all -d 'the same as -vET'
complete -c zccat -s b -l number-nonblank -d 'number the lines that are not empty; overrides -n'
complete -c zccat -s e -d 'the same as -vE'
complete -c zccat -s n -l number -d 'number all lines, through all files'
complete -c zccat -s E -l show-ends -d 'show the end of each line as $, a carriage return before it as ^M'
complete -c zccat -s v -l show-nonprinting -d 'show control characters as ^X and bytes from 128 on as M-X, but not tabs and the ends of lines'
complete -c zccat -s T -l show-tabs -d 'show tabs as ^I'
complete -c zccat -s s -l squeeze-blank -d 'output only the first of empty lines in a row'
complete -c zccat -s t -d 'the same as -vT'
complete -c zccat -l durable -d 'success means that all is on the device standard output is on'
complete -c zccat -l explain -d 'say on standard error what is planned for each file, and then what was done: bytes by each engine, refusals, time'
complete -c zccat -s u -d '(no effect: output is never held back)'
complete -c zccat -s h -l help -d 'display this help and exit'
complete -c zccat -s V -l version -d 'output version information and exit'
