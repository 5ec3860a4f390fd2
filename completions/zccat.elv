
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
            cand --engine 'move bytes by these engines only, tried in this order: reflink, copy_file_range, sendfile, splice, zerocopy, mmap, read_write'
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
