
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'zccat' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $command = 'zccat'

    $completions = @(switch ($command) {
        'zccat' {
            [CompletionResult]::new('--connect', '--connect', [CompletionResultType]::ParameterName, 'send to this socket instead of standard output, half-close it, and wait until the peer has closed it')
            [CompletionResult]::new('--engine', '--engine', [CompletionResultType]::ParameterName, 'move bytes only by the engines of LIST, in its order: reflink, copy_file_range, sendfile, splice, zerocopy, mmap, read_write. Alone, help tries them all in DIRECTORY (or in this one), says how fast each is there, and copies nothing')
            [CompletionResult]::new('--generate', '--generate', [CompletionResultType]::ParameterName, 'print the completions for a shell, or the man page, and exit: bash, zsh, fish, elvish, powershell, nushell or man')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'tell what is done in JSON, one object a line, in FILE (fd:N for a descriptor), or on standard error, which then has nothing else')
            [CompletionResult]::new('--listen', '--listen', [CompletionResultType]::ParameterName, 'as --connect, to the first who connects to ADDRESS')
            [CompletionResult]::new('--rate-limit', '--rate-limit', [CompletionResultType]::ParameterName, 'move at most SIZE bytes per second, all files together; SIZE may have a suffix: K, M, G... of 1024, KB, MB, GB... of 1000')
            [CompletionResult]::new('-g', '-g', [CompletionResultType]::ParameterName, 'show how far it is, on standard error: auto (the default) on a terminal with --connect or --listen, always (if no WHEN is given) also without, or never')
            [CompletionResult]::new('--progress', '--progress', [CompletionResultType]::ParameterName, 'show how far it is, on standard error: auto (the default) on a terminal with --connect or --listen, always (if no WHEN is given) also without, or never')
            [CompletionResult]::new('--size', '--size', [CompletionResultType]::ParameterName, 'how much is to be expected of a pipe or another FILE that does not tell its size, for what -g, --json and SIGUSR1 say; a SIZE may have a suffix as above')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'with --connect or --listen: fail if for SECONDS (0.5, say) nobody answers or connects, the peer takes nothing, or it does not close at the end; without it, 30 for answer and close, no limit for the others')
            [CompletionResult]::new('-A', '-A ', [CompletionResultType]::ParameterName, 'the same as -vET')
            [CompletionResult]::new('--show-all', '--show-all', [CompletionResultType]::ParameterName, 'the same as -vET')
            [CompletionResult]::new('-b', '-b', [CompletionResultType]::ParameterName, 'number the lines that are not empty; overrides -n')
            [CompletionResult]::new('--number-nonblank', '--number-nonblank', [CompletionResultType]::ParameterName, 'number the lines that are not empty; overrides -n')
            [CompletionResult]::new('-e', '-e', [CompletionResultType]::ParameterName, 'the same as -vE')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'number all lines, through all files')
            [CompletionResult]::new('--number', '--number', [CompletionResultType]::ParameterName, 'number all lines, through all files')
            [CompletionResult]::new('-E', '-E ', [CompletionResultType]::ParameterName, 'show the end of each line as $, a carriage return before it as ^M')
            [CompletionResult]::new('--show-ends', '--show-ends', [CompletionResultType]::ParameterName, 'show the end of each line as $, a carriage return before it as ^M')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'show control characters as ^X and bytes from 128 on as M-X, but not tabs and the ends of lines')
            [CompletionResult]::new('--show-nonprinting', '--show-nonprinting', [CompletionResultType]::ParameterName, 'show control characters as ^X and bytes from 128 on as M-X, but not tabs and the ends of lines')
            [CompletionResult]::new('-T', '-T ', [CompletionResultType]::ParameterName, 'show tabs as ^I')
            [CompletionResult]::new('--show-tabs', '--show-tabs', [CompletionResultType]::ParameterName, 'show tabs as ^I')
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'output only the first of empty lines in a row')
            [CompletionResult]::new('--squeeze-blank', '--squeeze-blank', [CompletionResultType]::ParameterName, 'output only the first of empty lines in a row')
            [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'the same as -vT')
            [CompletionResult]::new('--durable', '--durable', [CompletionResultType]::ParameterName, 'success means that all is on the device standard output is on')
            [CompletionResult]::new('--explain', '--explain', [CompletionResultType]::ParameterName, 'say on standard error what is planned for each file, and then what was done: bytes by each engine, refusals, time')
            [CompletionResult]::new('-u', '-u', [CompletionResultType]::ParameterName, '(no effect: output is never held back)')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'display this help and exit')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'display this help and exit')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'output version information and exit')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'output version information and exit')
            [CompletionResult]::new('--engine=reflink', '--engine=reflink', [CompletionResultType]::ParameterValue, 'reflink')
            [CompletionResult]::new('--engine=copy_file_range', '--engine=copy_file_range', [CompletionResultType]::ParameterValue, 'copy_file_range')
            [CompletionResult]::new('--engine=sendfile', '--engine=sendfile', [CompletionResultType]::ParameterValue, 'sendfile')
            [CompletionResult]::new('--engine=splice', '--engine=splice', [CompletionResultType]::ParameterValue, 'splice')
            [CompletionResult]::new('--engine=zerocopy', '--engine=zerocopy', [CompletionResultType]::ParameterValue, 'zerocopy')
            [CompletionResult]::new('--engine=mmap', '--engine=mmap', [CompletionResultType]::ParameterValue, 'mmap')
            [CompletionResult]::new('--engine=read_write', '--engine=read_write', [CompletionResultType]::ParameterValue, 'read_write')
            [CompletionResult]::new('--engine=help', '--engine=help', [CompletionResultType]::ParameterValue, 'help')
            [CompletionResult]::new('--generate=bash', '--generate=bash', [CompletionResultType]::ParameterValue, 'bash')
            [CompletionResult]::new('--generate=zsh', '--generate=zsh', [CompletionResultType]::ParameterValue, 'zsh')
            [CompletionResult]::new('--generate=fish', '--generate=fish', [CompletionResultType]::ParameterValue, 'fish')
            [CompletionResult]::new('--generate=elvish', '--generate=elvish', [CompletionResultType]::ParameterValue, 'elvish')
            [CompletionResult]::new('--generate=powershell', '--generate=powershell', [CompletionResultType]::ParameterValue, 'powershell')
            [CompletionResult]::new('--generate=nushell', '--generate=nushell', [CompletionResultType]::ParameterValue, 'nushell')
            [CompletionResult]::new('--generate=man', '--generate=man', [CompletionResultType]::ParameterValue, 'man')
            [CompletionResult]::new('--progress=auto', '--progress=auto', [CompletionResultType]::ParameterValue, 'auto')
            [CompletionResult]::new('--progress=always', '--progress=always', [CompletionResultType]::ParameterValue, 'always')
            [CompletionResult]::new('--progress=never', '--progress=never', [CompletionResultType]::ParameterValue, 'never')
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" -and ($wordToComplete.Contains('=') -or -not $_.CompletionText.Contains('=')) } |
        Sort-Object -Property ListItemText
}
