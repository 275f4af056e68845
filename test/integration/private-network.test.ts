import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {symlink} from 'node:fs/promises';
import {join} from 'node:path';
import {afterAll, beforeAll, expect, it, onTestFinished} from 'vitest';
import {copyCheckout} from '../support/fresh-server.ts';
import {startOtherMachine, type OtherMachine} from '../support/other-machine.ts';
import {checkout, scratchDirectory} from '../support/paths.ts';
import {waitUntil} from '../support/processes.ts';
import {useBench} from '../support/use-bench.ts';

const copy = join(scratchDirectory, 'copy-of-the-checkout');
let machine: OtherMachine;

beforeAll(async () => {
  machine = await startOtherMachine(useBench());
  await copyCheckout(copy);
  await symlink(join(checkout, 'node_modules'), join(copy, 'node_modules'));
});

afterAll(() => machine.stop());

it('leaves the engine of the machine as it is, its bridge and its containers, before, during and after a run of the bench', async () => {
  await machine.greet('earlier');
  const [interfaces, processes] = [await machine.interfaces(), await machine.processes()];

  const bench = startBenchIn(machine);
  expect(await bench.says('running')).toBe('running');
  expect(await machine.ask('earlier'), 'during').toBe('here');
  await machine.greet('meanwhile');

  expect(await bench.end()).toBe(0);
  expect(await machine.ask('earlier'), 'after').toBe('here');
  expect(await machine.ask('meanwhile'), 'after').toBe('here');
  await machine.greet('later');

  expect(await waitUntil(async () => (await machine.processes()).join() === processes.join(), 5000), 'processes that stay').toBe(true);
  const veths = (names: string[]) => names.filter((name) => name.startsWith('veth'));
  const others = (names: string[]) => names.filter((name) => !name.startsWith('veth'));
  const after = await machine.interfaces();
  expect(others(after)).toEqual(others(interfaces));
  expect(others(after)).toContain('docker0');
  expect(veths(after)).toHaveLength(veths(interfaces).length + 2);
});

it('ends the engine of a run that was killed, and starts its own', async () => {
  const killed = startBenchIn(machine);
  expect(await killed.says('running')).toBe('running');
  await killed.kill();
  const next = startBenchIn(machine);
  expect(await next.says('running')).toBe('running');
  expect(await machine.ask('earlier')).toBe('here');
  expect(await next.end()).toBe(0);
});

/** Starts the bench of another checkout by hand, on that machine, and stops it at the end of its input. */
function startBenchIn({inNetwork: [file = '', ...words]}: OtherMachine) {
  const script = `
    import {startEngine} from ${JSON.stringify(join(copy, 'test/support/engine.ts'))};
    const engine = await startEngine();
    console.log('running');
    process.stdin.resume().on('end', () => void engine.stop());`;
  const child = spawn(file, [...words, process.execPath, '--input-type=module', '-e', script], {stdio: ['pipe', 'pipe', 'inherit'], cwd: copy});
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  const exited = once(child, 'exit');
  const end = async () => {
    child.stdin.end();
    return (await exited)[0];
  };
  onTestFinished(async () => void (await end()));
  return {
    end,
    says: async (word: string) => {
      await waitUntil(() => said.includes(word) || child.exitCode !== null, 60_000);
      return said.trim();
    },
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
