import {readFileSync} from 'node:fs';
import {runReplica} from './replication.ts';

// Started by spawnReplica with the parameters in its one argument. Prints what it did, and the most memory it ever held.
const replicated = await runReplica(JSON.parse(process.argv[2] ?? ''));
const highWater = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
process.stdout.write(JSON.stringify({...replicated, residentKib: Number(highWater)}));
