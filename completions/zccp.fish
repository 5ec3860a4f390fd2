complete -c zccp -l engine -d 'move bytes by these engines only, tried in this order: reflink, copy_file_range, sendfile, splice, zerocopy, mmap, read_write' -r -f -a "(__fish_complete_list , 'string split , reflink,copy_file_range,sendfile,splice,zerocopy,mmap,read_write')"
complete -c zccp -l reflink -d 'whether the copy shares its data with SOURCE' -f -a "auto\t''
always\t''
never\t''"
complete -c zccp -l sparse -d 'where the copy has holes' -r -f -a "never\t''
auto\t''
always\t''"
complete -c zccp -s t -l target-directory -d 'copy every SOURCE into DIRECTORY' -r -f -a "(__fish_complete_directories)"
complete -c zccp -l debug -d 'say on standard output how each file was copied; implies -v'
complete -c zccp -l explain -d 'say on standard error what is planned for each file, and then what was done: bytes by each engine, refusals, time'
complete -c zccp -s f -l force -d 'if an existing DEST cannot be opened, remove it and try again'
complete -c zccp -s T -l no-target-directory -d 'never take DEST for a directory'
complete -c zccp -s v -l verbose -d 'name each file as it is copied'
complete -c zccp -s h -l help -d 'display this help and exit'
complete -c zccp -s V -l version -d 'output version information and exit'
