import {startExec, type ExecRequest} from './exec.ts';
import type {DockerHandle} from './client.ts';

/** A file system as `df` in a container shows it. */
export interface ContainerDisk {
  readonly path: string;
  /** The number that the kernel has for it. */
  readonly device: number | undefined;
  /** Such as `/dev/sda1`, `overlay` or `tmpfs`. */
  readonly source: string;
  readonly totalBytes: number;
  readonly freeBytes: number;
}

/** For each path a line of `stat` and one of `df`, then a full stop; again for each line of input. Works with busybox, and ends with its input. */
const script = 'while read -r _; do for p; do stat -L -c %d "$p" 2>/dev/null || echo; LC_ALL=C df -P -k "$p" 2>/dev/null | tail -n 1; done; echo .; done';

/** `/dev/sda1  264212084 31986448  74404464  31% /var/lib/…`; the source and the place may hold blanks. */
const dfLine = /^(.*?)\s+(\d+)\s+\d+\s+(\d+)\s+\S+\s+\/.*$/;

/** Reads one answer of the script. Paths that cannot be looked at are left out. Pure. */
export function parseDisks(paths: readonly string[], lines: readonly string[]): ContainerDisk[] {
  return paths.flatMap((path, index) => {
    const device = /^\d+$/.exec(lines[2 * index] ?? '')?.[0];
    const [, source, total, free] = dfLine.exec(lines[2 * index + 1] ?? '') ?? [];
    if (source === undefined) return [];
    return [{path, device: device === undefined ? undefined : Number(device), source, totalBytes: Number(total) * 1024, freeBytes: Number(free) * 1024}];
  });
}

/** A file system that does not answer any more, such as one of another machine, holds its `df` for ever; milliseconds. */
const lookLimit = 30_000;

/** Somebody who looks at file systems in a container, again and again, without a new process each time. */
export interface DiskWatcher {
  /** How the disks are now; empty where the container has no shell or no `df`, where a disk does not answer, or the container is gone. */
  look(): Promise<ContainerDisk[]>;
  /** Ends it. */
  close(): Promise<void>;
}

/** Starts to look at the file systems of some paths of a container. The process in it ends with this one, however that ends. */
export function watchDisks(docker: DockerHandle, container: string, paths: readonly string[]): DiskWatcher {
  let lines: string[] = [];
  let answer: ((disks: ContainerDisk[]) => void) | undefined;
  let isOver = false;
  const onLine: Extract<NonNullable<ExecRequest['stdout']>, {onLine: unknown}>['onLine'] = (line) => {
    if (line !== '.') {
      lines.push(line);
      return;
    }
    answer?.(parseDisks(paths, lines));
    lines = [];
  };
  const shell = startExec({...docker, signal: undefined}, {container, command: ['sh', '-c', script, 'sh', ...paths], environment: {}, stdin: 'pipe', stdout: {onLine}});
  const waitForEnd = async () => {
    await Promise.allSettled([shell.result]);
    isOver = true;
    answer?.([]);
  };
  const ended = waitForEnd();
  return {
    async look() {
      if (isOver) return [];
      const disks = new Promise<ContainerDisk[]>((resolve) => {
        answer = resolve;
      });
      shell.write('\n');
      const impatience = setTimeout(() => shell.stop('SIGKILL'), lookLimit);
      try {
        return await disks;
      } finally {
        clearTimeout(impatience);
      }
    },
    async close() {
      shell.closeInput();
      const impatience = setTimeout(() => shell.stop('SIGKILL'), 2000);
      await ended;
      clearTimeout(impatience);
    },
  };
}
