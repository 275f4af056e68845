import {mkdirSync, symlinkSync} from 'node:fs';
import {join} from 'node:path';
import {execa} from 'execa';
import {checkout} from './paths.ts';
import {openProgram, type Terminal} from './terminal.ts';

/** The shells that timetiles completes in. */
export type ShellName = 'bash' | 'zsh' | 'fish';

/** What shells are started with: nothing of the user's, but the tool and its completions. */
export interface ShellOptions {
  /** A directory of the test's own, for the tool's name on the path and the terminal's files. */
  scratch: string;
  environment: Record<string, string>;
}

const share = join(checkout, 'share');
/** Each shell's script, as the build made it. */
export const scripts = {
  bash: join(share, 'bash-completion/completions/timetiles'),
  zsh: join(share, 'zsh/site-functions/_timetiles'),
  fish: join(share, 'fish/vendor_completions.d/timetiles.fish'),
};

/** Makes `timetiles` a command, as the installation does. @returns the environment for shells */
export function commandOnPath({scratch, environment}: ShellOptions): Record<string, string> {
  const bin = join(scratch, 'bin');
  mkdirSync(bin, {recursive: true});
  symlinkSync(join(checkout, 'bin', 'run.js'), join(bin, 'timetiles'));
  return {...environment, PATH: `${bin}:${environment['PATH']}`};
}

/**
 * What bash offers for each command line, by the function itself, called as readline does.
 * @param type 9 for Tab, 63 for the listing of a second Tab
 */
export async function completeInBash(lines: readonly string[], environment: Record<string, string>, type = 9): Promise<string[][]> {
  const script = `
    source ${scripts.bash}
    compopt() { case "$*" in '-o default') COMPREPLY+=(FILES) ;; '-o dirnames') COMPREPLY+=(DIRECTORIES) ;; esac; }
    COMP_TYPE=${type} COLUMNS=200
    while IFS= read -r line; do
      read -ra COMP_WORDS <<<"\${line//=/ = }"
      case $line in *' ') COMP_WORDS+=('') ;; esac
      COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)) current=\${COMP_WORDS[-1]}
      [ "$current" != = ] || current=
      _timetiles timetiles "$current" ''
      printf '%s\\n' "\${COMPREPLY[@]}" ==
    done`;
  return answersOf('bash', ['-c', script], lines, environment);
}

/** What fish offers for each command line: words, each with a tab and its description where there is one. */
export async function completeInFish(lines: readonly string[], environment: Record<string, string>): Promise<string[][]> {
  const script = `source ${scripts.fish}; while read -l line; complete -C "$line"; echo ==; end`;
  return answersOf('fish', ['--no-config', '-c', script], lines, environment);
}

async function answersOf(shell: ShellName, args: string[], lines: readonly string[], environment: Record<string, string>): Promise<string[][]> {
  const {stdout, stderr} = await execa(shell, args, {env: environment, extendEnv: false, input: lines.map((line) => `${line}\n`).join('')});
  if (stderr !== '') throw new Error(`${shell} says: ${stderr}`);
  const answers = stdout.split(/^==\n?/m).map((answer) => answer.split('\n').filter((word) => word !== ''));
  return answers.slice(0, lines.length);
}

/** A shell at work on a terminal, with completions of timetiles. */
export async function openShell(shell: ShellName, {scratch, environment}: ShellOptions): Promise<Terminal> {
  const start = {bash: ['bash', '--norc', '--noprofile', '-i'], zsh: ['zsh', '-f', '-i'], fish: ['fish', '--no-config', '-i']}[shell];
  const load = {
    bash: `source ${scripts.bash}; PS1='ready> '`,
    zsh: `fpath=(${join(share, 'zsh/site-functions')} $fpath); autoload -Uz compinit; compinit -D -u; PS1='ready> '`,
    fish: `source ${scripts.fish}; function fish_prompt; echo -n 'ready> '; end`,
  }[shell];
  const terminal = await openProgram(start, {scratch, environment, cwd: scratch, size: [200, 60]});
  await terminal.type(`${load}; clear`);
  await terminal.press('Enter');
  await terminal.waitFor(/^ready> ?$/m);
  return terminal;
}
