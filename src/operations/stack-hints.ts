import {z} from 'zod';
import {composeLabels, listProject, listProjectVolumes} from '../docker/containers.ts';
import {messageOf} from '../shared/errors.ts';
import type {Context} from './context.ts';

/** What a person needs to set the same stack up again; no environment, which holds secrets. */
export const stackHintsSchema = z.object({
  /** Where the compose file was, and its name; null for containers that compose did not make. */
  directory: z.string().nullable(),
  files: z.string().nullable(),
  containers: z.array(
    z.object({
      name: z.string(),
      service: z.string().nullable(),
      image: z.string(),
      imageId: z.string(),
      /** `source` is the volume's name or the directory on the host, `key` the volume's name in the compose file. */
      mounts: z.array(z.object({type: z.string(), source: z.string(), key: z.string().nullable(), destination: z.string()})),
    }),
  ),
});
export type StackHints = z.output<typeof stackHintsSchema>;

/** Asks Docker how the project is set up. No backup fails for want of it: then there are no hints. */
export async function collectStackHints(context: Context): Promise<StackHints | undefined> {
  try {
    const docker = await context.docker();
    const {COMPOSE_PROJECT_NAME: project} = context.settings;
    const [containers, volumes] = await Promise.all([listProject(docker, project), listProjectVolumes(docker, project)]);
    const label = (name: string) => containers.find(({labels}) => labels[name] !== undefined)?.labels[name] ?? null;
    return {
      directory: label(composeLabels.directory),
      files: label(composeLabels.files),
      containers: containers.map(({name, service, image, imageId, mounts}) => ({
        name,
        service: service ?? null,
        image,
        imageId,
        mounts: mounts.map(({type, volume, source, destination}) => ({type, source: volume ?? source, key: volumes.find((candidate) => candidate.name === volume)?.key ?? null, destination})),
      })),
    };
  } catch (error) {
    context.log.debug(`the manifest goes without a description of the stack: ${messageOf(error)}`);
    return undefined;
  }
}
