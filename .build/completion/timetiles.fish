# Completion of timetiles for fish. The tool itself says what may follow: timetiles completion --help

function __timetiles_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l flag (string match -r -- '^--[^=]*=' "$current")
    set -l value (string replace -r -- '^--[^=]*=' '' "$current")
    set -l answers ($words[1] --complete-words $words[2..-1] "$current" 2>/dev/null </dev/null)
    switch "$answers[1]"
        case :files
            set answers (__fish_complete_path "$value")
        case :directories
            set answers (__fish_complete_directories "$value" '')
    end
    for answer in $answers
        echo -- "$flag$answer"
    end
end

complete --command timetiles --no-files --keep-order --arguments '(__timetiles_complete)'
