/**
 * What a shell loads. It asks `millrace complete` at each Tab, so it knows the commands of the version that is called, and is the
 * same for all versions. The answer has a line a candidate, `value<Tab>about`; the line `:files` lets the shell add files.
 */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** The line of an answer that is no candidate. */
export const FILES_LINE = ':files';

const BASH = `# Completion of millrace for bash. To load it: source <(millrace completion bash)
_millrace() {
  local line=\${COMP_LINE:0:COMP_POINT} words cursor answer candidates=() files=
  read -ra words <<< "$line"
  [[ $line == *[[:space:]] ]] && words+=('')
  cursor=\${words[-1]}
  while IFS=$'\\t' read -r answer _; do
    if [[ $answer == ${FILES_LINE} ]]; then files=1; else candidates+=("$answer"); fi
  done < <("\${words[0]}" complete -- "\${words[@]:1}" 2>/dev/null)
  # Bash takes what stands behind a colon or an equals sign for a word of its own, so that only this part is replaced.
  local before=\${cursor%"\${cursor##*[:=]}"}
  COMPREPLY=("\${candidates[@]#"$before"}")
  if [[ $files ]]; then
    compopt -o filenames 2>/dev/null
    while IFS= read -r answer; do COMPREPLY+=("$answer"); done < <(compgen -f -- "$cursor")
  fi
}
complete -o nosort -F _millrace millrace
`;

const ZSH = `#compdef millrace
# Completion of millrace for zsh. To load it, behind compinit: source <(millrace completion zsh)
_millrace() {
  local -a answers items
  local answer files=
  answers=("\${(@f)$("\${words[1]}" complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  for answer in $answers; do
    if [[ $answer == ${FILES_LINE} ]]; then
      files=1
    else
      items+=("\${\${answer%%$'\\t'*}//:/\\\\:}:\${answer#*$'\\t'}")
    fi
  done
  (( $#items )) && _describe -V 'millrace' items
  [[ -n $files ]] && _files
  return 0
}
if [[ $funcstack[1] == _millrace ]]; then _millrace "$@"; else compdef _millrace millrace; fi
`;

const FISH = `# Completion of millrace for fish. To load it: millrace completion fish | source
function __millrace_complete
    set -l words (commandline -opc) (commandline -ct)
    for answer in ($words[1] complete -- $words[2..-1] 2>/dev/null)
        if test "$answer" = '${FILES_LINE}'
            __fish_complete_path (commandline -ct)
        else
            echo $answer
        end
    end
end
complete -c millrace -f -k -a '(__millrace_complete)'
`;

export const SCRIPTS: Readonly<Record<Shell, string>> = { bash: BASH, zsh: ZSH, fish: FISH };
