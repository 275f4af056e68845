import {spawn} from 'node:child_process';
import {existsSync} from 'node:fs';
import {chmod, mkdir, rm, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {execa} from 'execa';
import {isRunning, waitUntil} from './processes.ts';
import type {Stack} from './stack.ts';

/** The real cron daemon with a private spool: nobody's own crontab is ever touched. */
export interface Cron {
  /** For the tool's environment: a PATH whose crontab(1) works on the private spool. */
  path: string;
  /** The bytes of the crontab; undefined when there is none. */
  read(): Promise<Buffer | undefined>;
  write(bytes: Buffer): Promise<void>;
  remove(): Promise<void>;
  stop(): Promise<void>;
}

// Of what the daemon reads, it shall see the private spool alone. It takes no two changes in one second for two.
const script = `set -e
mount -t tmpfs tmpfs /var/spool/cron/crontabs
chgrp crontab /var/spool/cron/crontabs
chmod 1730 /var/spool/cron/crontabs
mount -t tmpfs tmpfs /etc/cron.d
mount --bind /dev/null /etc/crontab
touch /run/crond.pid
mount --bind "$1" /run/crond.pid
touch "$2"
exec cron -f`;
const traces = ['/run/crond.pid', '/run/crond.reboot'];

/** Starts cron in a mount namespace of its own. */
export async function startCron(stack: Stack): Promise<Cron> {
  const directory = join(stack.scratch, `cron-${process.hrtime.bigint()}`);
  const bin = join(directory, 'bin');
  await mkdir(bin, {recursive: true});
  await writeFile(join(directory, 'pid'), '');
  const isNew = traces.filter((path) => !existsSync(path));
  const child = spawn('unshare', ['--mount', '--propagation', 'slave', 'sh', '-c', script, 'cron', join(directory, 'pid'), join(directory, 'ready')], {
    stdio: 'ignore',
    env: {PATH: '/usr/sbin:/usr/bin:/sbin:/bin'},
  });
  const pid = child.pid ?? 0;
  const stop = async () => {
    child.kill('SIGKILL');
    await waitUntil(async () => !(await isRunning(pid)), 5000);
    for (const path of isNew) await rm(path, {force: true});
  };
  const started = await waitUntil(() => existsSync(join(directory, 'ready')), 5000);
  await new Promise((resolve) => setTimeout(resolve, 1500));
  if (!started || !(await isRunning(pid))) {
    await stop();
    throw new Error('cron did not start');
  }
  const inside = ['--target', String(pid), '--mount', '/usr/bin/crontab'];
  await writeFile(join(bin, 'crontab'), `#!/bin/sh\nexec nsenter ${inside.join(' ')} "$@"\n`);
  await chmod(join(bin, 'crontab'), 0o755);
  return {
    path: bin,
    read: async () => {
      // Not by crontab -l, which shows carriage returns otherwise.
      const spool = ['--target', String(pid), '--mount', 'cat', '/var/spool/cron/crontabs/root'];
      const result = await execa('nsenter', spool, {encoding: 'buffer', reject: false, stripFinalNewline: false});
      if (result.exitCode !== 0) return undefined;
      return Buffer.from(Buffer.from(result.stdout).toString('latin1').replace(/^(# .*\n){3}/, ''), 'latin1');
    },
    remove: async () => void (await execa('nsenter', [...inside, '-r'])),
    write: async (bytes) => void (await execa('nsenter', [...inside, '-'], {input: bytes})),
    stop,
  };
}
