# bash completion for zccat

_zccat()
{
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} before= i
    COMPREPLY=()
    # After "--" there are operands only.
    for ((i = 1; i < COMP_CWORD; i++)); do
        [[ ${COMP_WORDS[i]} == -- ]] && return
    done
    # "--name=value" is cut at "=" unless somebody took that out of COMP_WORDBREAKS.
    if [[ $cur == "=" ]]; then
        prev+="=" cur=
    elif [[ $prev == "=" ]]; then
        prev=${COMP_WORDS[COMP_CWORD-2]}=
    elif [[ $cur == --*=* ]]; then
        prev=${cur%%=*}= before=$prev cur=${cur#*=}
    fi
    case $prev in
        --connect= | --connect)
            COMPREPLY=($(compgen -P "$before" -W "" -- "$cur"))
            return
            ;;
        --engine= | --engine)
            [[ $cur == *,* ]] && before+=${cur%,*},
            COMPREPLY=($(compgen -P "$before" -W "reflink copy_file_range sendfile splice zerocopy mmap read_write help" -- "${cur##*,}"))
            compopt -o nospace
            return
            ;;
        --generate= | --generate)
            COMPREPLY=($(compgen -P "$before" -W "bash zsh fish elvish powershell nushell man" -- "$cur"))
            return
            ;;
        --json=)
            COMPREPLY=($(compgen -P "$before" -W "" -- "$cur"))
            return
            ;;
        --listen= | --listen)
            COMPREPLY=($(compgen -P "$before" -W "" -- "$cur"))
            return
            ;;
        --rate-limit= | --rate-limit)
            COMPREPLY=($(compgen -P "$before" -W "" -- "$cur"))
            return
            ;;
        --progress=)
            COMPREPLY=($(compgen -P "$before" -W "auto always never" -- "$cur"))
            return
            ;;
        --size= | --size)
            COMPREPLY=($(compgen -P "$before" -W "" -- "$cur"))
            return
            ;;
        --timeout= | --timeout)
            COMPREPLY=($(compgen -P "$before" -W "" -- "$cur"))
            return
            ;;
    esac
    [[ $cur == -* ]] || return
    COMPREPLY=($(compgen -W "-A --show-all -b --number-nonblank -e -n --number -E --show-ends -v --show-nonprinting -T --show-tabs -s --squeeze-blank -t --connect= --durable --engine= --explain --generate= --json --json= --listen= --rate-limit= -g --progress --progress= --size= --timeout= -u -h --help -V --version" -- "$cur"))
    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace
}

complete -o bashdefault -o default -F _zccat zccat
