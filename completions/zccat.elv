# elvish completion for zccat

use str

set edit:completion:arg-completer[zccat] = {|@words|
    var options = [
        ['-A' 'the same as -vET']
        ['--show-all' 'the same as -vET']
        ['-b' 'number the lines that are not empty; overrides -n']
        ['--number-nonblank' 'number the lines that are not empty; overrides -n']
        ['-e' 'the same as -vE']
        ['-n' 'number all lines, through all files']
        ['--number' 'number all lines, through all files']
        ['-E' 'show the end of each line as $, a carriage return before it as ^M']
        ['--show-ends' 'show the end of each line as $, a carriage return before it as ^M']
        ['-v' 'show control characters as ^X and bytes from 128 on as M-X, but not tabs and the ends of lines']
        ['--show-nonprinting' 'show control characters as ^X and bytes from 128 on as M-X, but not tabs and the ends of lines']
        ['-T' 'show tabs as ^I']
        ['--show-tabs' 'show tabs as ^I']
        ['-s' 'output only the first of empty lines in a row']
        ['--squeeze-blank' 'output only the first of empty lines in a row']
        ['-t' 'the same as -vT']
        ['--connect' 'send to this socket instead of standard output, half-close it, and wait until the peer has closed it']
        ['--durable' 'success means that all is on the device standard output is on']
        ['--engine' 'move bytes only by the engines of LIST, in its order: reflink, copy_file_range, sendfile, splice, zerocopy, mmap, read_write. Alone, help tries them all in DIRECTORY (or in this one), says how fast each is there, and copies nothing']
        ['--explain' 'say on standard error what is planned for each file, and then what was done: bytes by each engine, refusals, time']
        ['--generate' 'print the completions for a shell, or the man page, and exit: bash, zsh, fish, elvish, powershell, nushell or man']
        ['--json' 'tell what is done in JSON, one object a line, in FILE (fd:N for a descriptor), or on standard error, which then has nothing else']
        ['--json=' 'tell what is done in JSON, one object a line, in FILE (fd:N for a descriptor), or on standard error, which then has nothing else']
        ['--listen' 'as --connect, to the first who connects to ADDRESS']
        ['--rate-limit' 'move at most SIZE bytes per second, all files together; SIZE may have a suffix: K, M, G... of 1024, KB, MB, GB... of 1000']
        ['-g' 'show how far it is, on standard error: auto (the default) on a terminal with --connect or --listen, always (if no WHEN is given) also without, or never']
        ['--progress' 'show how far it is, on standard error: auto (the default) on a terminal with --connect or --listen, always (if no WHEN is given) also without, or never']
        ['--progress=' 'show how far it is, on standard error: auto (the default) on a terminal with --connect or --listen, always (if no WHEN is given) also without, or never']
        ['--size' 'how much is to be expected of a pipe or another FILE that does not tell its size, for what -g, --json and SIGUSR1 say; a SIZE may have a suffix as above']
        ['--timeout' 'with --connect or --listen: fail if for SECONDS (0.5, say) nobody answers or connects, the peer takes nothing, or it does not close at the end; without it, 30 for answer and close, no limit for the others']
        ['-u' '(no effect: output is never held back)']
        ['-h' 'display this help and exit']
        ['--help' 'display this help and exit']
        ['-V' 'output version information and exit']
        ['--version' 'output version information and exit']
    ]
    var arguments = [
        &'--engine='=['reflink' 'copy_file_range' 'sendfile' 'splice' 'zerocopy' 'mmap' 'read_write' 'help']
        &'--engine'=['reflink' 'copy_file_range' 'sendfile' 'splice' 'zerocopy' 'mmap' 'read_write' 'help']
        &'--generate='=['bash' 'zsh' 'fish' 'elvish' 'powershell' 'nushell' 'man']
        &'--generate'=['bash' 'zsh' 'fish' 'elvish' 'powershell' 'nushell' 'man']
        &'--progress='=['auto' 'always' 'never']
    ]
    var lists = ['--engine=' '--engine']
    var word = $words[-1]
    var name start value = $words[-2] '' $word
    if (and (str:has-prefix $word --) (str:contains $word '=')) {
        var parts = [(str:split &max=2 '=' $word)]
        set name start value = $parts[0]'=' $parts[0]'=' $parts[1]
    }
    if (has-value $words[..-1] --) {
        edit:complete-filename $@words
    } elif (has-key $arguments $name) {
        if (and (has-value $lists $name) (str:contains $value ,)) {
            set start = $start(str:join , [(str:split , $value)][..-1]),
        }
        for one $arguments[$name] { put $start$one }
    } elif (str:has-prefix $word -) {
        for option $options {
            var text about = $@option
            var behind = ' '
            if (str:has-suffix $text '=') { set behind = '' }
            edit:complex-candidate $text &code-suffix=$behind &display=$text'  '$about
        }
    } else {
        edit:complete-filename $@words
    }
}
