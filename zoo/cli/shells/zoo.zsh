#compdef zoo
# Completion of zoo for zsh. It asks zoo itself, which answers from an index.
_zoo() {
    local line
    local -a names shown
    for line in "${(@f)$("${words[1]}" --complete "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
        if [[ $line == :file ]]; then
            _files
        elif [[ -n $line ]]; then
            names+=("${line%%$'\t'*}")
            shown+=("${line/$'\t'/  -- }")
        fi
    done
    compadd -l -d shown -a names
}
compdef _zoo zoo
