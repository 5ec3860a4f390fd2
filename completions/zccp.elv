
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
            cand --engine 'move bytes by these engines only, tried in this order: reflink, copy_file_range, sendfile, splice, zerocopy, mmap, read_write'
            cand --reflink 'whether the copy shares its data with SOURCE'
            cand --sparse 'where the copy has holes'
            cand -t 'copy every SOURCE into DIRECTORY'
            cand --target-directory 'copy every SOURCE into DIRECTORY'
            cand --debug 'say on standard output how each file was copied; implies -v'
            cand --explain 'say on standard error what is planned for each file, and then what was done: bytes by each engine, refusals, time'
            cand -f 'if an existing DEST cannot be opened, remove it and try again'
            cand --force 'if an existing DEST cannot be opened, remove it and try again'
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
