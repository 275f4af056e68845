// The completion scripts go to where the packages of distributions have theirs below share/; part of `npm run build`.
import {cpSync} from 'node:fs';

const paths = {
  'timetiles.bash': 'bash-completion/completions/timetiles',
  'timetiles.zsh': 'zsh/site-functions/_timetiles',
  'timetiles.fish': 'fish/vendor_completions.d/timetiles.fish',
};

/** Copies the script of each shell into share/. */
export function writeCompletionScripts(root) {
  for (const [name, path] of Object.entries(paths)) cpSync(`${root}/.build/completion/${name}`, `${root}/share/${path}`);
}
