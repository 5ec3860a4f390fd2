
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
            cand --context 'like -Z, or set the SELinux context of new files to CTX'
            cand --engine 'move bytes by these engines only, tried in this order: reflink, copy_file_range, sendfile, splice, zerocopy, mmap, read_write, or try them all in DIRECTORY, or in this one, and say how fast each is there (help)'
            cand --exclude 'with -R, leave out what in a SOURCE directory is named so, as a line of .gitignore would; may be given more than once'
            cand --generate 'print the completions for a shell, or the man page, and exit: bash, zsh, fish, elvish, powershell, nushell or man'
            cand --json 'tell what is done in JSON, one object a line, in FILE (fd:N for a descriptor), or on standard error, which then has nothing else'
            cand -j 'copy a tree with N threads, or as many as pay (auto, the default)'
            cand --jobs 'copy a tree with N threads, or as many as pay (auto, the default)'
            cand --no-preserve 'do not preserve the attributes of LIST'
            cand --preserve 'keep the attributes of LIST (mode, ownership and timestamps if there is none): also links, context, xattr, or all'
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
            cand -a 'same as -dR --preserve=all, but attributes that DEST cannot hold are no failure'
            cand --archive 'same as -dR --preserve=all, but attributes that DEST cannot hold are no failure'
            cand --attributes-only 'copy no data, only the attributes that are to be preserved'
            cand --atomic 'whoever opens DEST finds the old file or the whole new one'
            cand -b 'like --backup without an argument'
            cand --copy-contents 'with -R, read FIFOs and devices instead of making them anew'
            cand -d 'same as -P --preserve=links'
            cand --debug 'say on standard output how each file was copied; implies -v'
            cand --dry-run 'say on standard output what would be done with each SOURCE, and by which engines, and touch nothing'
            cand --durable 'success means that data and names are on the device'
            cand --explain 'say on standard error what is planned for each file, and then what was done: bytes by each engine, refusals, time'
            cand -f 'if an existing DEST cannot be opened, remove it and try again'
            cand --force 'if an existing DEST cannot be opened, remove it and try again'
            cand -H 'follow symbolic links among the SOURCE operands'
            cand -i 'ask before an existing DEST is replaced; overrides an earlier -n'
            cand --interactive 'ask before an existing DEST is replaced; overrides an earlier -n'
            cand --keep-directory-symlink 'take an existing symbolic link to a directory for a directory to copy a directory into'
            cand -l 'make hard links instead of copies'
            cand --link 'make hard links instead of copies'
            cand -L 'copy what symbolic links of SOURCE lead to (the default without -R)'
            cand --dereference 'copy what symbolic links of SOURCE lead to (the default without -R)'
            cand -n 'leave existing files as they are, without a word; overrides an earlier -i'
            cand --no-clobber 'leave existing files as they are, without a word; overrides an earlier -i'
            cand -P 'copy symbolic links of SOURCE as symbolic links (the default with -R)'
            cand --no-dereference 'copy symbolic links of SOURCE as symbolic links (the default with -R)'
            cand -x 'leave out what is mounted in a tree'
            cand --one-file-system 'leave out what is mounted in a tree'
            cand -p 'same as --preserve=mode,ownership,timestamps'
            cand --parents 'make the directories of SOURCE''s name below DIRECTORY'
            cand -q 'show no progress, and say nothing but errors and what is asked for'
            cand --quiet 'show no progress, and say nothing but errors and what is asked for'
            cand -R 'copy directories with everything in them'
            cand -r 'copy directories with everything in them'
            cand --recursive 'copy directories with everything in them'
            cand --remove-destination 'remove an existing DEST before it is opened (unlike --force)'
            cand --resume 'go on with what a broken copy left at DEST: compare it with SOURCE, repair what differs, append what is missing'
            cand --strip-trailing-slashes 'take no notice of slashes at the end of a SOURCE'
            cand -s 'make symbolic links instead of copies'
            cand --symbolic-link 'make symbolic links instead of copies'
            cand -u 'same as --update=older'
            cand -T 'never take DEST for a directory'
            cand --no-target-directory 'never take DEST for a directory'
            cand -v 'name each file as it is copied'
            cand --verbose 'name each file as it is copied'
            cand --verify 'read DEST back from the device and compare it with SOURCE'
            cand -Z 'give new files the SELinux context that is the default for them'
            cand -h 'display this help and exit'
            cand --help 'display this help and exit'
            cand -V 'output version information and exit'
            cand --version 'output version information and exit'
        }
    ]
    $completions[$command]
}
