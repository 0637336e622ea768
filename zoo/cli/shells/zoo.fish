# Completion of zoo for fish. It asks zoo itself, which answers from an index.
function __zoo_complete
    set -l words (commandline -opc)
    for line in ($words[1] --complete $words[2..-1] (commandline -ct) 2>/dev/null)
        if test "$line" = ":file"
            __fish_complete_path (commandline -ct)
        else
            printf '%s\n' $line
        end
    end
end
complete -c zoo -f -a '(__zoo_complete)'
