_podpass() {
    # bash splits words at = and : too; a flag and its value, or the parts of a context's name, are joined again.
    local line="$COMP_LINE" words=() word i last=0
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word="${COMP_WORDS[i]}"
        if ((i > 0)) && [[ -n $word && $line == "$word"* ]]; then
            words[last]+="$word"
        else
            line="${line#"${line%%[![:blank:]]*}"}"
            last=${#words[@]}
            words+=("$word")
        fi
        line="${line#"$word"}"
    done
    local joined="${words[last]%"$2"}" IFS=$'\n'
    COMPREPLY=($(_CLAP_IFS="$IFS" _CLAP_COMPLETE_INDEX="$last" PODPASS_COMPLETE=bash podpass -- "${words[@]}"))
    COMPREPLY=("${COMPREPLY[@]#"$joined"}")
    if [[ ${#COMPREPLY[@]} -ne 1 || ${COMPREPLY[0]} != *[=/] ]]; then
        compopt +o nospace 2> /dev/null
    fi
}
complete -o nospace -o bashdefault -F _podpass podpass
