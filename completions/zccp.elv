# elvish completion for zccp

use str

set edit:completion:arg-completer[zccp] = {|@words|
    var options = [
        ['-a' 'same as -dR --preserve=all, but attributes that DEST cannot hold are no failure']
        ['--archive' 'same as -dR --preserve=all, but attributes that DEST cannot hold are no failure']
        ['--attributes-only' 'copy no data, only the attributes that are to be preserved']
        ['--atomic' 'whoever opens DEST finds the old file or the whole new one']
        ['--backup' 'keep an existing DEST under another name; CONTROL is none or off, simple or never, existing or nil, numbered or t']
        ['--backup=' 'keep an existing DEST under another name; CONTROL is none or off, simple or never, existing or nil, numbered or t']
        ['-b' 'like --backup without an argument']
        ['--context' 'like -Z, or set the SELinux context of new files to CTX']
        ['--context=' 'like -Z, or set the SELinux context of new files to CTX']
        ['--copy-contents' 'with -R, read FIFOs and devices instead of making them anew']
        ['-d' 'same as -P --preserve=links']
        ['--debug' 'say on standard output how each file was copied; implies -v']
        ['--dry-run' 'say on standard output what would be done with each SOURCE, and by which engines, and touch nothing']
        ['--durable' 'success means that data and names are on the device']
        ['--engine' 'move bytes only by the engines of LIST, in its order: reflink, copy_file_range, sendfile, splice, zerocopy, mmap, read_write. Alone, help tries them all in DIRECTORY (or in this one), says how fast each is there, and copies nothing']
        ['--exclude' 'with -R, leave out what in a SOURCE directory is named so, as a line of .gitignore would; may be given more than once']
        ['--explain' 'say on standard error what is planned for each file, and then what was done: bytes by each engine, refusals, time']
        ['-f' 'if an existing DEST cannot be opened, remove it and try again']
        ['--force' 'if an existing DEST cannot be opened, remove it and try again']
        ['--generate' 'print the completions for a shell, or the man page, and exit: bash, zsh, fish, elvish, powershell, nushell or man']
        ['-H' 'follow symbolic links among the SOURCE operands']
        ['-i' 'ask before an existing DEST is replaced; overrides an earlier -n']
        ['--interactive' 'ask before an existing DEST is replaced; overrides an earlier -n']
        ['--json' 'tell what is done in JSON, one object a line, in FILE (fd:N for a descriptor), or on standard error, which then has nothing else']
        ['--json=' 'tell what is done in JSON, one object a line, in FILE (fd:N for a descriptor), or on standard error, which then has nothing else']
        ['-j' 'copy many files with N threads, or as many as pay (auto, the default)']
        ['--jobs' 'copy many files with N threads, or as many as pay (auto, the default)']
        ['--keep-directory-symlink' 'take an existing symbolic link to a directory for a directory to copy a directory into']
        ['-l' 'make hard links instead of copies']
        ['--link' 'make hard links instead of copies']
        ['-L' 'copy what symbolic links of SOURCE lead to (the default without -R)']
        ['--dereference' 'copy what symbolic links of SOURCE lead to (the default without -R)']
        ['-n' 'leave existing files as they are, without a word; overrides an earlier -i']
        ['--no-clobber' 'leave existing files as they are, without a word; overrides an earlier -i']
        ['-P' 'copy symbolic links of SOURCE as symbolic links (the default with -R)']
        ['--no-dereference' 'copy symbolic links of SOURCE as symbolic links (the default with -R)']
        ['--no-preserve' 'do not preserve the attributes of LIST']
        ['-x' 'leave out what is mounted in a tree']
        ['--one-file-system' 'leave out what is mounted in a tree']
        ['-p' 'same as --preserve=mode,ownership,timestamps']
        ['--parents' 'make the directories of SOURCE''s name below DIRECTORY']
        ['--preserve' 'keep the attributes of LIST (mode, ownership and timestamps if there is none): also links, context, xattr, or all']
        ['--preserve=' 'keep the attributes of LIST (mode, ownership and timestamps if there is none): also links, context, xattr, or all']
        ['-g' 'show how far the copy is, on standard error: auto (the default) on a terminal, always (if no WHEN is given) also elsewhere, or never']
        ['--progress' 'show how far the copy is, on standard error: auto (the default) on a terminal, always (if no WHEN is given) also elsewhere, or never']
        ['--progress=' 'show how far the copy is, on standard error: auto (the default) on a terminal, always (if no WHEN is given) also elsewhere, or never']
        ['-q' 'show no progress, and say nothing but errors and what is asked for']
        ['--quiet' 'show no progress, and say nothing but errors and what is asked for']
        ['-R' 'copy directories with everything in them']
        ['-r' 'copy directories with everything in them']
        ['--recursive' 'copy directories with everything in them']
        ['--rate-limit' 'move at most SIZE bytes per second, all files together; SIZE may have a suffix: K, M, G... of 1024, KB, MB, GB... of 1000']
        ['--reflink' 'whether the copy shares its data with SOURCE']
        ['--reflink=' 'whether the copy shares its data with SOURCE']
        ['--remove-destination' 'remove an existing DEST before it is opened (unlike --force)']
        ['--resume' 'go on with what a broken copy left at DEST: compare it with SOURCE, repair what differs, append what is missing']
        ['--strip-trailing-slashes' 'take no notice of slashes at the end of a SOURCE']
        ['-s' 'make symbolic links instead of copies']
        ['--symbolic-link' 'make symbolic links instead of copies']
        ['-S' 'what the name of a backup ends in, instead of ~; implies --backup']
        ['--suffix' 'what the name of a backup ends in, instead of ~; implies --backup']
        ['--sparse' 'where the copy has holes']
        ['-t' 'copy every SOURCE into DIRECTORY']
        ['--target-directory' 'copy every SOURCE into DIRECTORY']
        ['--update' 'which existing files are replaced: all (the default), none, none-fail, or older than SOURCE (if no WHICH is given)']
        ['--update=' 'which existing files are replaced: all (the default), none, none-fail, or older than SOURCE (if no WHICH is given)']
        ['-u' 'same as --update=older']
        ['-T' 'never take DEST for a directory']
        ['--no-target-directory' 'never take DEST for a directory']
        ['-v' 'name each file as it is copied']
        ['--verbose' 'name each file as it is copied']
        ['--verify' 'read DEST back from the device and compare it with SOURCE']
        ['-Z' 'give new files the SELinux context that is the default for them']
        ['-h' 'display this help and exit']
        ['--help' 'display this help and exit']
        ['-V' 'output version information and exit']
        ['--version' 'output version information and exit']
    ]
    var arguments = [
        &'--backup='=['none' 'off' 'simple' 'never' 'existing' 'nil' 'numbered' 't']
        &'--engine='=['reflink' 'copy_file_range' 'sendfile' 'splice' 'zerocopy' 'mmap' 'read_write' 'help']
        &'--engine'=['reflink' 'copy_file_range' 'sendfile' 'splice' 'zerocopy' 'mmap' 'read_write' 'help']
        &'--generate='=['bash' 'zsh' 'fish' 'elvish' 'powershell' 'nushell' 'man']
        &'--generate'=['bash' 'zsh' 'fish' 'elvish' 'powershell' 'nushell' 'man']
        &'--no-preserve='=['mode' 'timestamps' 'ownership' 'links' 'context' 'xattr' 'all']
        &'--no-preserve'=['mode' 'timestamps' 'ownership' 'links' 'context' 'xattr' 'all']
        &'--preserve='=['mode' 'timestamps' 'ownership' 'links' 'context' 'xattr' 'all']
        &'--progress='=['auto' 'always' 'never']
        &'--reflink='=['auto' 'always' 'never']
        &'--sparse='=['never' 'auto' 'always']
        &'--sparse'=['never' 'auto' 'always']
        &'--update='=['all' 'none' 'none-fail' 'older']
    ]
    var lists = ['--engine=' '--engine' '--no-preserve=' '--no-preserve' '--preserve=']
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
