
use builtin;
use str;

set edit:completion:arg-completer[zccat] = {|@words|
    fn spaces {|n|
        builtin:repeat $n ' ' | str:join ''
    }
    fn cand {|text desc|
        edit:complex-candidate $text &display=$text' '(spaces (- 14 (wcswidth $text)))$desc
    }
    var command = 'zccat'
    for word $words[1..-1] {
        if (str:has-prefix $word '-') {
            break
        }
        set command = $command';'$word
    }
    var completions = [
        &'zccat'= {
            cand --connect 'send to this socket instead of standard output, half-close it, and wait until the peer has closed it'
            cand --engine 'move bytes by these engines only, tried in this order: reflink, copy_file_range, sendfile, splice, zerocopy, mmap, read_write, or try them all in DIRECTORY, or in this one, and say how fast each is there (help)'
            cand --generate 'print the completions for a shell, or the man page, and exit: bash, zsh, fish, elvish, powershell, nushell or man'
            cand --json 'tell what is done in JSON, one object a line, in FILE (fd:N for a descriptor), or on standard error, which then has nothing else'
            cand --listen 'as --connect, to the first who connects to ADDRESS'
            cand --rate-limit 'move at most SIZE bytes per second, all files together; SIZE may have a suffix: K, M, G... of 1024, KB, MB, GB... of 1000'
            cand -g 'show how far it is, on standard error: auto (the default) on a terminal with --connect or --listen, always (if no WHEN is given) also without, or never'
            cand --progress 'show how far it is, on standard error: auto (the default) on a terminal with --connect or --listen, always (if no WHEN is given) also without, or never'
            cand --size 'how much is to be expected of a pipe or another FILE that does not tell its size, for what -g, --json and SIGUSR1 say; a SIZE may have a suffix as above'
            cand --timeout 'with --connect or --listen: fail if for SECONDS (0.5, say) nobody answers or connects, the peer takes nothing, or it does not close at the end; without it, 30 for answer and close, no limit for the others'
            cand -A 'the same as -vET'
            cand --show-all 'the same as -vET'
            cand -b 'number the lines that are not empty; overrides -n'
            cand --number-nonblank 'number the lines that are not empty; overrides -n'
            cand -e 'the same as -vE'
            cand -n 'number all lines, through all files'
            cand --number 'number all lines, through all files'
            cand -E 'show the end of each line as $, a carriage return before it as ^M'
            cand --show-ends 'show the end of each line as $, a carriage return before it as ^M'
            cand -v 'show control characters as ^X and bytes from 128 on as M-X, but not tabs and the ends of lines'
            cand --show-nonprinting 'show control characters as ^X and bytes from 128 on as M-X, but not tabs and the ends of lines'
            cand -T 'show tabs as ^I'
            cand --show-tabs 'show tabs as ^I'
            cand -s 'output only the first of empty lines in a row'
            cand --squeeze-blank 'output only the first of empty lines in a row'
            cand -t 'the same as -vT'
            cand --durable 'success means that all is on the device standard output is on'
            cand --explain 'say on standard error what is planned for each file, and then what was done: bytes by each engine, refusals, time'
            cand -u '(no effect: output is never held back)'
            cand -h 'display this help and exit'
            cand --help 'display this help and exit'
            cand -V 'output version information and exit'
            cand --version 'output version information and exit'
        }
    ]
    $completions[$command]
}
