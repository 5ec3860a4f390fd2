
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'zccp' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'zccp'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'zccp' {
            [CompletionResult]::new('--backup', '--backup', [CompletionResultType]::ParameterName, 'keep an existing DEST under another name; CONTROL is none or off, simple or never, existing or nil, numbered or t')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'like -Z, or set the SELinux context of new files to CTX')
            [CompletionResult]::new('--engine', '--engine', [CompletionResultType]::ParameterName, 'move bytes by these engines only, tried in this order: reflink, copy_file_range, sendfile, splice, zerocopy, mmap, read_write, or try them all in DIRECTORY, or in this one, and say how fast each is there (help)')
            [CompletionResult]::new('--exclude', '--exclude', [CompletionResultType]::ParameterName, 'with -R, leave out what in a SOURCE directory is named so, as a line of .gitignore would; may be given more than once')
            [CompletionResult]::new('--generate', '--generate', [CompletionResultType]::ParameterName, 'print the completions for a shell, or the man page, and exit: bash, zsh, fish, elvish, powershell, nushell or man')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'tell what is done in JSON, one object a line, in FILE (fd:N for a descriptor), or on standard error, which then has nothing else')
            [CompletionResult]::new('-j', '-j', [CompletionResultType]::ParameterName, 'copy a tree with N threads, or as many as pay (auto, the default)')
            [CompletionResult]::new('--jobs', '--jobs', [CompletionResultType]::ParameterName, 'copy a tree with N threads, or as many as pay (auto, the default)')
            [CompletionResult]::new('--no-preserve', '--no-preserve', [CompletionResultType]::ParameterName, 'do not preserve the attributes of LIST')
            [CompletionResult]::new('--preserve', '--preserve', [CompletionResultType]::ParameterName, 'keep the attributes of LIST (mode, ownership and timestamps if there is none): also links, context, xattr, or all')
            [CompletionResult]::new('-g', '-g', [CompletionResultType]::ParameterName, 'show how far the copy is, on standard error: auto (the default) on a terminal, always (if no WHEN is given) also elsewhere, or never')
            [CompletionResult]::new('--progress', '--progress', [CompletionResultType]::ParameterName, 'show how far the copy is, on standard error: auto (the default) on a terminal, always (if no WHEN is given) also elsewhere, or never')
            [CompletionResult]::new('--rate-limit', '--rate-limit', [CompletionResultType]::ParameterName, 'move at most SIZE bytes per second, all files together; SIZE may have a suffix: K, M, G... of 1024, KB, MB, GB... of 1000')
            [CompletionResult]::new('--reflink', '--reflink', [CompletionResultType]::ParameterName, 'whether the copy shares its data with SOURCE')
            [CompletionResult]::new('-S', '-S ', [CompletionResultType]::ParameterName, 'what the name of a backup ends in, instead of ~; implies --backup')
            [CompletionResult]::new('--suffix', '--suffix', [CompletionResultType]::ParameterName, 'what the name of a backup ends in, instead of ~; implies --backup')
            [CompletionResult]::new('--sparse', '--sparse', [CompletionResultType]::ParameterName, 'where the copy has holes')
            [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'copy every SOURCE into DIRECTORY')
            [CompletionResult]::new('--target-directory', '--target-directory', [CompletionResultType]::ParameterName, 'copy every SOURCE into DIRECTORY')
            [CompletionResult]::new('--update', '--update', [CompletionResultType]::ParameterName, 'which existing files are replaced: all (the default), none, none-fail, or older than SOURCE (if no WHICH is given)')
            [CompletionResult]::new('-a', '-a', [CompletionResultType]::ParameterName, 'same as -dR --preserve=all, but attributes that DEST cannot hold are no failure')
            [CompletionResult]::new('--archive', '--archive', [CompletionResultType]::ParameterName, 'same as -dR --preserve=all, but attributes that DEST cannot hold are no failure')
            [CompletionResult]::new('--attributes-only', '--attributes-only', [CompletionResultType]::ParameterName, 'copy no data, only the attributes that are to be preserved')
            [CompletionResult]::new('--atomic', '--atomic', [CompletionResultType]::ParameterName, 'whoever opens DEST finds the old file or the whole new one')
            [CompletionResult]::new('-b', '-b', [CompletionResultType]::ParameterName, 'like --backup without an argument')
            [CompletionResult]::new('--copy-contents', '--copy-contents', [CompletionResultType]::ParameterName, 'with -R, read FIFOs and devices instead of making them anew')
            [CompletionResult]::new('-d', '-d', [CompletionResultType]::ParameterName, 'same as -P --preserve=links')
            [CompletionResult]::new('--debug', '--debug', [CompletionResultType]::ParameterName, 'say on standard output how each file was copied; implies -v')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'say on standard output what would be done with each SOURCE, and by which engines, and touch nothing')
            [CompletionResult]::new('--durable', '--durable', [CompletionResultType]::ParameterName, 'success means that data and names are on the device')
            [CompletionResult]::new('--explain', '--explain', [CompletionResultType]::ParameterName, 'say on standard error what is planned for each file, and then what was done: bytes by each engine, refusals, time')
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'if an existing DEST cannot be opened, remove it and try again')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'if an existing DEST cannot be opened, remove it and try again')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'follow symbolic links among the SOURCE operands')
            [CompletionResult]::new('-i', '-i', [CompletionResultType]::ParameterName, 'ask before an existing DEST is replaced; overrides an earlier -n')
            [CompletionResult]::new('--interactive', '--interactive', [CompletionResultType]::ParameterName, 'ask before an existing DEST is replaced; overrides an earlier -n')
            [CompletionResult]::new('--keep-directory-symlink', '--keep-directory-symlink', [CompletionResultType]::ParameterName, 'take an existing symbolic link to a directory for a directory to copy a directory into')
            [CompletionResult]::new('-l', '-l', [CompletionResultType]::ParameterName, 'make hard links instead of copies')
            [CompletionResult]::new('--link', '--link', [CompletionResultType]::ParameterName, 'make hard links instead of copies')
            [CompletionResult]::new('-L', '-L ', [CompletionResultType]::ParameterName, 'copy what symbolic links of SOURCE lead to (the default without -R)')
            [CompletionResult]::new('--dereference', '--dereference', [CompletionResultType]::ParameterName, 'copy what symbolic links of SOURCE lead to (the default without -R)')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'leave existing files as they are, without a word; overrides an earlier -i')
            [CompletionResult]::new('--no-clobber', '--no-clobber', [CompletionResultType]::ParameterName, 'leave existing files as they are, without a word; overrides an earlier -i')
            [CompletionResult]::new('-P', '-P ', [CompletionResultType]::ParameterName, 'copy symbolic links of SOURCE as symbolic links (the default with -R)')
            [CompletionResult]::new('--no-dereference', '--no-dereference', [CompletionResultType]::ParameterName, 'copy symbolic links of SOURCE as symbolic links (the default with -R)')
            [CompletionResult]::new('-x', '-x', [CompletionResultType]::ParameterName, 'leave out what is mounted in a tree')
            [CompletionResult]::new('--one-file-system', '--one-file-system', [CompletionResultType]::ParameterName, 'leave out what is mounted in a tree')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'same as --preserve=mode,ownership,timestamps')
            [CompletionResult]::new('--parents', '--parents', [CompletionResultType]::ParameterName, 'make the directories of SOURCE''s name below DIRECTORY')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'show no progress, and say nothing but errors and what is asked for')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'show no progress, and say nothing but errors and what is asked for')
            [CompletionResult]::new('-R', '-R ', [CompletionResultType]::ParameterName, 'copy directories with everything in them')
            [CompletionResult]::new('-r', '-r', [CompletionResultType]::ParameterName, 'copy directories with everything in them')
            [CompletionResult]::new('--recursive', '--recursive', [CompletionResultType]::ParameterName, 'copy directories with everything in them')
            [CompletionResult]::new('--remove-destination', '--remove-destination', [CompletionResultType]::ParameterName, 'remove an existing DEST before it is opened (unlike --force)')
            [CompletionResult]::new('--resume', '--resume', [CompletionResultType]::ParameterName, 'go on with what a broken copy left at DEST: compare it with SOURCE, repair what differs, append what is missing')
            [CompletionResult]::new('--strip-trailing-slashes', '--strip-trailing-slashes', [CompletionResultType]::ParameterName, 'take no notice of slashes at the end of a SOURCE')
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'make symbolic links instead of copies')
            [CompletionResult]::new('--symbolic-link', '--symbolic-link', [CompletionResultType]::ParameterName, 'make symbolic links instead of copies')
            [CompletionResult]::new('-u', '-u', [CompletionResultType]::ParameterName, 'same as --update=older')
            [CompletionResult]::new('-T', '-T ', [CompletionResultType]::ParameterName, 'never take DEST for a directory')
            [CompletionResult]::new('--no-target-directory', '--no-target-directory', [CompletionResultType]::ParameterName, 'never take DEST for a directory')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'name each file as it is copied')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'name each file as it is copied')
            [CompletionResult]::new('--verify', '--verify', [CompletionResultType]::ParameterName, 'read DEST back from the device and compare it with SOURCE')
            [CompletionResult]::new('-Z', '-Z ', [CompletionResultType]::ParameterName, 'give new files the SELinux context that is the default for them')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'display this help and exit')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'display this help and exit')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'output version information and exit')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'output version information and exit')
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
