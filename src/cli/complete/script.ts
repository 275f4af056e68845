import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {TimetilesError} from '../../shared/errors.ts';

/** Where each shell looks for completions, below share/. */
const paths = {
  bash: 'bash-completion/completions/timetiles',
  zsh: 'zsh/site-functions/_timetiles',
  fish: 'fish/vendor_completions.d/timetiles.fish',
} as const;

export type Shell = keyof typeof paths;
export const shells = ['bash', 'zsh', 'fish'] as const satisfies readonly Shell[];

/** The completion script of a shell, as the build put it into share/. */
export function readCompletionScript(root: string, shell: Shell): string {
  const path = join(root, 'share', paths[shell]);
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new TimetilesError('unexpected', `${path} cannot be read`, 'Install timetiles again; in a checkout: npm run build', {cause: error});
  }
}
