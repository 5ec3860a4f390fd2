
use builtin;
use str;

set edit:completion:arg-completer[zccp] = {|@words|
    fn spaces {|n|
        builtin:repeat $n ' ' | str:join ''
    }
    fn cand {|text desc|
        edit:complex-candidate $text &display=$text' '(spaces (- 14 (wcswidth $text)))$desc
    }
    var command = 'zccp'
    for word $words[1..-1] {
        if (str:has-prefix $word '-') {
            break
        }
        set command = $command';'$word
    }
    var completions = [
        &'zccp'= {
            cand --backup 'keep an existing DEST under another name; CONTROL is none or off, simple or never, existing or nil, numbered or t'
            cand --engine 'move bytes by these engines only, tried in this order: reflink, copy_file_range, sendfile, splice, zerocopy, mmap, read_write'
            cand --json 'tell what is done in JSON, one object a line, in FILE (fd:N for a descriptor), or on standard error, which then has nothing else'
            cand -g 'show how far the copy is, on standard error: auto (the default) on a terminal, always (if no WHEN is given) also elsewhere, or never'
            cand --progress 'show how far the copy is, on standard error: auto (the default) on a terminal, always (if no WHEN is given) also elsewhere, or never'
            cand --rate-limit 'move at most SIZE bytes per second, all files together; SIZE may have a suffix: K, M, G... of 1024, KB, MB, GB... of 1000'
            cand --reflink 'whether the copy shares its data with SOURCE'
            cand -S 'what the name of a backup ends in, instead of ~; implies --backup'
            cand --suffix 'what the name of a backup ends in, instead of ~; implies --backup'
            cand --sparse 'where the copy has holes'
            cand -t 'copy every SOURCE into DIRECTORY'
            cand --target-directory 'copy every SOURCE into DIRECTORY'
            cand --update 'which existing files are replaced: all (the default), none, none-fail, or older than SOURCE (if no WHICH is given)'
            cand -b 'like --backup without an argument'
            cand -d 'same as -P, and names of one file stay names of one file'
            cand --debug 'say on standard output how each file was copied; implies -v'
            cand --dry-run 'say on standard output what would be done with each SOURCE, and by which engines, and touch nothing'
            cand --explain 'say on standard error what is planned for each file, and then what was done: bytes by each engine, refusals, time'
            cand -f 'if an existing DEST cannot be opened, remove it and try again'
            cand --force 'if an existing DEST cannot be opened, remove it and try again'
            cand -i 'ask before an existing DEST is replaced; overrides an earlier -n'
            cand --interactive 'ask before an existing DEST is replaced; overrides an earlier -n'
            cand -l 'make hard links instead of copies'
            cand --link 'make hard links instead of copies'
            cand -L 'copy what a symbolic link SOURCE leads to (the default)'
            cand --dereference 'copy what a symbolic link SOURCE leads to (the default)'
            cand -n 'leave existing files as they are, without a word; overrides an earlier -i'
            cand --no-clobber 'leave existing files as they are, without a word; overrides an earlier -i'
            cand -P 'copy a symbolic link SOURCE as a symbolic link'
            cand --no-dereference 'copy a symbolic link SOURCE as a symbolic link'
            cand -q 'show no progress, and say nothing but errors and what is asked for'
            cand --quiet 'show no progress, and say nothing but errors and what is asked for'
            cand --remove-destination 'remove an existing DEST before it is opened (unlike --force)'
            cand -s 'make symbolic links instead of copies'
            cand --symbolic-link 'make symbolic links instead of copies'
            cand -u 'same as --update=older'
            cand -T 'never take DEST for a directory'
            cand --no-target-directory 'never take DEST for a directory'
            cand -v 'name each file as it is copied'
            cand --verbose 'name each file as it is copied'
            cand -h 'display this help and exit'
            cand --help 'display this help and exit'
            cand -V 'output version information and exit'
            cand --version 'output version information and exit'
        }
    ]
    $completions[$command]
}
