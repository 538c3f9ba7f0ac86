import { spawnSync } from 'node:child_process';

/** Whether a program answers on this machine. */
export function isPresent(program: string, ...words: readonly string[]): boolean {
  return spawnSync(program, words, { stdio: 'ignore' }).error === undefined;
}

/**
 * In zsh, completion works at a prompt only: this types the line there, asks for the list, and prints what is shown.
 * The editor itself says that it reads keys: what is typed before, the terminal would take as whole lines, and drop at ^U.
 */
const AT_A_PROMPT = `
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z "cd '$3'; PROMPT=; stty -echo; autoload -Uz compinit; compinit -u -D; source '$1'; bindkey '^I' list-choices
zle-line-init() { print RE''ADY }; zle -N zle-line-init"
while zpty -r z out; do [[ $out == *READY* ]] && break; done
zpty -w -n z "$2"$'\\t\\x15'
zpty -w z "print DO''NE"
while zpty -r z out; do print -r -- "$out"; [[ $out == *DONE* ]] && break; done
`;

const PROGRAMS = {
  bash: `source "$1"; IFS=$'\\x1f' read -r -a COMP_WORDS <<< "$2"; [[ $2 == *$'\\x1f' ]] && COMP_WORDS+=('')
COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); cd "$3"
function=$(complete -p "\${COMP_WORDS[0]}"); function=\${function#*-F }; "\${function% *}"
printf '%s\\n' "\${COMPREPLY[@]}"`,
  zsh: AT_A_PROMPT,
  fish: 'source $argv[1]; cd $argv[3]; complete -C $argv[2]',
} as const;

/** A shell that programs complete in. */
export type CompletingShell = keyof typeof PROGRAMS;

const COMMAND_LINES: Readonly<Record<CompletingShell, readonly string[]>> = {
  bash: ['--norc', '-c', PROGRAMS.bash, 'bash'],
  zsh: ['-fc', PROGRAMS.zsh, 'zsh'],
  fish: ['--no-config', '-c', PROGRAMS.fish],
};

/** What a shell offers for the last of these words, in a folder, after it has loaded a script. */
export function offeredBy(
  shell: CompletingShell,
  script: string,
  folder: string,
  words: readonly string[],
): string {
  const line = words.join(shell === 'bash' ? '\u001F' : ' ');
  const { status, stdout, stderr } = spawnSync(shell, [...COMMAND_LINES[shell], script, line, folder], {
    encoding: 'utf8',
    timeout: 30_000,
  });
  if (status !== 0 || stderr !== '') throw new Error(`${shell} ended with ${status}: ${stderr}`);
  // zsh shows the line that was typed as well.
  return stdout.replaceAll(line.trim(), '');
}
