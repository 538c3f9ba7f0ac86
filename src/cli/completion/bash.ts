import { quotedWord } from '../../shell-word.ts';
import { type CommandNode, type PlacedCommand, placedCommands, type Value } from './command-tree.ts';

const INDENT = '      ';

/** The command of the script that offers what may stand in a value's place. */
function offer(value: Value): string {
  switch (value.kind) {
    case 'choices':
      return `offer ${value.choices.map(quotedWord).join(' ')}`;
    case 'file':
      return 'offer_paths -f';
    case 'folder':
      return 'offer_paths -d';
    default:
      return ':';
  }
}

const placeOf = ({ path }: PlacedCommand) => path.join(' ');

/** For each place, the options that take the next word. */
function valueOptions(commands: readonly PlacedCommand[]): readonly string[] {
  return commands.flatMap((command) =>
    command.options.flatMap(({ names, value, isRequired }) =>
      value === null || !isRequired ? [] : names.map((name) => `${placeOf(command)}:${name}`),
    ),
  );
}

function optionValueCases(commands: readonly PlacedCommand[]): readonly string[] {
  return commands.flatMap((command) =>
    command.options.flatMap(({ names, value }) => {
      const patterns = names.map((name) => quotedWord(`${placeOf(command)}:${name}`)).join(' | ');
      return value === null ? [] : [`${INDENT}${patterns}) ${offer(value)} ;;`];
    }),
  );
}

function optionCases(commands: readonly PlacedCommand[]): readonly string[] {
  return commands.map((command) => {
    const names = command.options.flatMap((option) => option.names);
    return `${INDENT}${quotedWord(placeOf(command))}) ${offer({ kind: 'choices', choices: names })} ;;`;
  });
}

/** What a word without a dash may be: the kinds of a command's arguments differ too seldom to count them. */
function wordCases(commands: readonly PlacedCommand[]): readonly string[] {
  return commands.flatMap((command) => {
    const names = command.commands.map(({ name }) => name);
    const offered: Value | undefined =
      names.length > 0 ? { kind: 'choices', choices: [...names, 'help'] } : command.values.at(-1);
    return offered === undefined ? [] : [`${INDENT}${quotedWord(placeOf(command))}) ${offer(offered)} ;;`];
  });
}

const patternsOf = (texts: readonly string[]) =>
  texts.length === 0 ? "''" : texts.map(quotedWord).join(' | ');

/** A completion script for bash 3.2 and newer, which wants no other package. */
export function bashCompletion(program: CommandNode): string {
  const commands = placedCommands(program);
  const groups = commands
    .filter(({ path }) => path.length > 0)
    .map(({ path }) => `${path.slice(0, -1).join(' ')}:${path.at(-1)}`);
  const name = `_${program.name.replaceAll('-', '_')}_completion`;
  return `# Completion of ${program.name} for bash. Load it with: source <(${program.name} completion bash)
${name}() {
  local current=\${COMP_WORDS[COMP_CWORD]} place='' option='' word index IFS=$'\\n'
  [[ $current == '=' ]] && current=''
  COMPREPLY=()
  offer() {
    for word in "$@"; do
      [[ $word == "$current"* ]] && COMPREPLY+=("$(printf '%q' "$word")")
    done
  }
  offer_paths() {
    COMPREPLY=($(compgen "$1" -- "$current"))
    compopt -o filenames 2>/dev/null || true
  }
  for ((index = 1; index < COMP_CWORD; index += 1)); do
    word=\${COMP_WORDS[index]}
    if [[ -n $option ]]; then
      [[ $word == '=' ]] || option=''
      continue
    fi
    [[ $word == help && $place != *' '* ]] && continue
    case "$place:$word" in
      ${patternsOf(valueOptions(commands))}) option=$word ;;
      ${patternsOf(groups)}) place="\${place:+$place }$word" ;;
    esac
  done
  # --option= offers values, also of an option whose value may be left out.
  if [[ -z $option && COMP_CWORD -ge 2 ]]; then
    [[ \${COMP_WORDS[COMP_CWORD]} == '=' ]] && option=\${COMP_WORDS[COMP_CWORD - 1]}
    [[ \${COMP_WORDS[COMP_CWORD - 1]} == '=' ]] && option=\${COMP_WORDS[COMP_CWORD - 2]}
  fi
  if [[ -n $option ]]; then
    case "$place:$option" in
${optionValueCases(commands).join('\n')}
    esac
  elif [[ $current == -* ]]; then
    case "$place" in
${optionCases(commands).join('\n')}
    esac
  else
    case "$place" in
${wordCases(commands).join('\n')}
    esac
  fi
  unset -f offer offer_paths
}
complete -F ${name} ${program.name}
`;
}
