
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
            [CompletionResult]::new('--engine', '--engine', [CompletionResultType]::ParameterName, 'move bytes by these engines only, tried in this order: reflink, copy_file_range, sendfile, splice, zerocopy, mmap, read_write')
            [CompletionResult]::new('--reflink', '--reflink', [CompletionResultType]::ParameterName, 'whether the copy shares its data with SOURCE')
            [CompletionResult]::new('--sparse', '--sparse', [CompletionResultType]::ParameterName, 'where the copy has holes')
            [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'copy every SOURCE into DIRECTORY')
            [CompletionResult]::new('--target-directory', '--target-directory', [CompletionResultType]::ParameterName, 'copy every SOURCE into DIRECTORY')
            [CompletionResult]::new('--debug', '--debug', [CompletionResultType]::ParameterName, 'say on standard output how each file was copied; implies -v')
            [CompletionResult]::new('--explain', '--explain', [CompletionResultType]::ParameterName, 'say on standard error what is planned for each file, and then what was done: bytes by each engine, refusals, time')
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'if an existing DEST cannot be opened, remove it and try again')
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'if an existing DEST cannot be opened, remove it and try again')
            [CompletionResult]::new('-T', '-T ', [CompletionResultType]::ParameterName, 'never take DEST for a directory')
            [CompletionResult]::new('--no-target-directory', '--no-target-directory', [CompletionResultType]::ParameterName, 'never take DEST for a directory')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'name each file as it is copied')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'name each file as it is copied')
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
