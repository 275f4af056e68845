import {homedir} from 'node:os';
import {join, resolve} from 'node:path';
import {composeLabels, listProject} from '../../docker/containers.ts';
import type {SourceContext} from '../source.ts';

/** A directory as compose takes it for a bind mount: `~` is this user's home, and a relative one begins at the project's directory. Pure. */
export function resolveHostPath(path: string, projectDirectory: string, home: string): string {
  return path.startsWith('~') ? join(home, path.slice(1)) : resolve(projectDirectory, path);
}

/**
 * UPLOAD_HOST_DIR as an absolute path; undefined when it is not set. Where the project's directory is, its containers know;
 * without any, it is taken for the directory of the file that sets the key.
 */
export async function uploadHostDirectory(context: SourceContext): Promise<string | undefined> {
  const {UPLOAD_HOST_DIR: path, COMPOSE_PROJECT_NAME: project} = context.settings;
  if (path === undefined || path.startsWith('/')) return path;
  const containers = await listProject(await context.docker(), project);
  const directory = containers.map(({labels}) => labels[composeLabels.directory]).find(Boolean);
  return resolveHostPath(path, directory ?? context.baseDirectory, homedir());
}
