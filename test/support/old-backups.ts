import {existsSync} from 'node:fs';
import {mkdir, readdir} from 'node:fs/promises';
import {join} from 'node:path';
import {execa} from 'execa';
import {z} from 'zod';
import {timetiles, expectExit} from './cli.ts';
import {repositoryFiles} from './plain-restic.ts';
import type {ResticAge} from './restic.ts';
import type {Stack} from './stack.ts';

const snapshot = z.object({source: z.string(), id: z.string(), file: z.string(), kind: z.string(), notes: z.array(z.string()), unreadable: z.array(z.string())});
const importReport = z.object({
  state: z.string(),
  sets: z.array(z.object({set: z.string(), time: z.string(), state: z.string(), snapshots: z.array(snapshot)})),
  skipped: z.array(z.object({file: z.string(), as: z.string()})),
  refused: z.array(z.object({file: z.string(), message: z.string(), next: z.string()})),
  warnings: z.array(z.string()),
});
type ImportReport = z.output<typeof importReport>;

/** Backups as the scripts of other people make them, in a directory that goes away with the stack. */
export interface OldBackups {
  directory: string;
  path(name: string): string;
  /**
   * Writes what a script of bash prints: `pg_dump` and `pg_dumpall` are those of the stack's container, `$UPLOADS` its
   * uploads, and `$OLD` is the directory. @returns the file's path
   */
  make(name: string, script: string): Promise<string>;
  /** Imports files without a question, and tells what came of it. */
  importOld(files: string[], options?: {restic?: ResticAge; exitCode?: number}): Promise<ImportReport>;
  /** What must not change when nothing may be stored: the snapshots, and what an import keeps beside the tool's state. */
  traces(): Promise<string[]>;
}

export async function openOldBackups(stack: Stack): Promise<OldBackups> {
  const directory = join(stack.scratch, 'old');
  await mkdir(directory);
  const path = (name: string) => join(directory, name);
  const credentials = `--env PGUSER=${stack.user} --env PGPASSWORD=${stack.password} --env PGDATABASE=${stack.database}`;
  const programs = ['pg_dump', 'pg_dumpall'].map((program) => `${program}() { docker exec ${credentials} ${stack.postgres} ${program} "$@"; }`).join('; ');
  return {
    directory,
    path,
    make: async (name, script) => {
      const env = {DOCKER_HOST: stack.bench.dockerHost, UPLOADS: stack.uploadsPath, OLD: directory};
      await execa('bash', ['-euo', 'pipefail', '-c', `${programs}; ${script}`], {env, stdout: {file: path(name)}, buffer: false});
      return path(name);
    },
    importOld: async (files, {restic = 'newest', exitCode = 0} = {}) => {
      const result = await timetiles(['backup', 'import', ...files, '--yes', '--json'], {stack, restic});
      expectExit(result, exitCode);
      return importReport.parse(result.json());
    },
    traces: async () => {
      const state = join(stack.home, 'state');
      const names = existsSync(state) ? await readdir(state) : [];
      return [...repositoryFiles(stack.repository, 'snapshots'), ...names.filter((name) => name.includes('import'))];
    },
  };
}
