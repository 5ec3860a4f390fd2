# bash completion for zccp

_zccp()
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
        --backup=)
            COMPREPLY=($(compgen -P "$before" -W "none off simple never existing nil numbered t" -- "$cur"))
            return
            ;;
        --context=)
            COMPREPLY=($(compgen -P "$before" -W "" -- "$cur"))
            return
            ;;
        --engine= | --engine)
            [[ $cur == *,* ]] && before+=${cur%,*},
            COMPREPLY=($(compgen -P "$before" -W "reflink copy_file_range sendfile splice zerocopy mmap read_write help" -- "${cur##*,}"))
            compopt -o nospace
            return
            ;;
        --exclude= | --exclude)
            COMPREPLY=($(compgen -P "$before" -W "" -- "$cur"))
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
        --jobs= | --jobs | -j)
            COMPREPLY=($(compgen -P "$before" -W "" -- "$cur"))
            return
            ;;
        --no-preserve= | --no-preserve)
            [[ $cur == *,* ]] && before+=${cur%,*},
            COMPREPLY=($(compgen -P "$before" -W "mode timestamps ownership links context xattr all" -- "${cur##*,}"))
            compopt -o nospace
            return
            ;;
        --preserve=)
            [[ $cur == *,* ]] && before+=${cur%,*},
            COMPREPLY=($(compgen -P "$before" -W "mode timestamps ownership links context xattr all" -- "${cur##*,}"))
            compopt -o nospace
            return
            ;;
        --progress=)
            COMPREPLY=($(compgen -P "$before" -W "auto always never" -- "$cur"))
            return
            ;;
        --rate-limit= | --rate-limit)
            COMPREPLY=($(compgen -P "$before" -W "" -- "$cur"))
            return
            ;;
        --reflink=)
            COMPREPLY=($(compgen -P "$before" -W "auto always never" -- "$cur"))
            return
            ;;
        --suffix= | --suffix | -S)
            COMPREPLY=($(compgen -P "$before" -W "" -- "$cur"))
            return
            ;;
        --sparse= | --sparse)
            COMPREPLY=($(compgen -P "$before" -W "never auto always" -- "$cur"))
            return
            ;;
        --target-directory= | --target-directory | -t)
            compopt +o bashdefault +o default -o dirnames
            return
            ;;
        --update=)
            COMPREPLY=($(compgen -P "$before" -W "all none none-fail older" -- "$cur"))
            return
            ;;
    esac
    [[ $cur == -* ]] || return
    COMPREPLY=($(compgen -W "-a --archive --attributes-only --atomic --backup --backup= -b --context --context= --copy-contents -d --debug --dry-run --durable --engine= --exclude= --explain -f --force --generate= -H -i --interactive --json --json= -j --jobs= --keep-directory-symlink -l --link -L --dereference -n --no-clobber -P --no-dereference --no-preserve= -x --one-file-system -p --parents --preserve --preserve= -g --progress --progress= -q --quiet -R -r --recursive --rate-limit= --reflink --reflink= --remove-destination --resume --strip-trailing-slashes -s --symbolic-link -S --suffix= --sparse= -t --target-directory= --update --update= -u -T --no-target-directory -v --verbose --verify -Z -h --help -V --version" -- "$cur"))
    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace
}

complete -o bashdefault -o default -F _zccp zccp
