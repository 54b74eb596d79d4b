# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion of vconv for bash. It asks vconv itself, so it knows what that knows.

# The commands, those of vma behind it.
_vconv_commands() {
    "$1" --help 2>/dev/null | sed -n 's/^  \([a-z][a-z-]*\).*/\1/p'
}

# The options of a command.
_vconv_options() {
    "$@" --help 2>/dev/null | sed -n \
        -e 's/^  \(-.\), \(--[a-z0-9-]*\).*/\1\n\2/p' -e 's/^  \(--[a-z0-9-]*\).*/\1/p'
}

# The formats are what the pairs <a>-to-<b> are made of.
_vconv_formats() {
    _vconv_commands "$1" | sed -n 's/^\(.*\)-to-\(.*\)$/\1\n\2/p' | sort -u
}

_vconv() {
    local program=${COMP_WORDS[0]} word=${COMP_WORDS[COMP_CWORD]}
    local before=${COMP_WORDS[COMP_CWORD - 1]} words=''
    local command=("$program" "${COMP_WORDS[1]}")
    [ "${COMP_WORDS[1]}" = vma ] && command+=("${COMP_WORDS[2]}")

    case $before in
    -f | -F | -O | --format | --second-format | --target-format)
        words=$(_vconv_formats "$program") ;;
    -t | -T | --cache | --source-cache) words='none directsync writeback writethrough unsafe' ;;
    --output) words='human json' ;;
    --reflink) words='auto always never' ;;
    --compress) words='zstd gzip lzo none' ;;
    --bios) words='seabios ovmf' ;;
    vma) [ "$COMP_CWORD" = 2 ] && words=$(_vconv_commands_of_vma "$program") ;;
    *)
        if [ "$COMP_CWORD" = 1 ]; then
            words="$(_vconv_commands "$program") --help --version"
        elif [ "${word#-}" != "$word" ]; then
            words=$(_vconv_options "${command[@]}")
        fi
        ;;
    esac
    # shellcheck disable=SC2207 # words without blanks
    COMPREPLY=($(compgen -W "$words" -- "$word"))
}

_vconv_commands_of_vma() {
    "$1" vma --help 2>/dev/null | sed -n 's/^  \([a-z][a-z-]*\).*/\1/p'
}

complete -o default -F _vconv vconv
