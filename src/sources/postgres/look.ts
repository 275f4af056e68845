import {runExec} from '../../docker/exec.ts';
import type {Access} from './programs.ts';

/** Between the words of a command line, or the lines of a file, in one line of the answer. */
const separator = '\u001F';
const lookLimit = 30;

/**
 * Looks through a container for servers, the sockets they listen on, the files in which they note their ports, and
 * PostgreSQL's programs of every version. Reads alone; the shell and the tools of the smallest images are enough.
 */
const script = String.raw`
directories="$PGDATA
$DATADIR
/var/lib/postgresql/data
/bitnami/postgresql/data
/var/lib/pgsql/data"
for process in /proc/[0-9]*; do
  read -r name <"$process/comm" || continue
  case $name in postgres*|postmaster|edb-postgres) ;; *) continue ;; esac
  words=$(tr '\0\n' '\037 ' <"$process/cmdline")
  case $words in ''|postgres:*) continue ;; esac
  uid=$(sed -n 's/^Uid:[[:space:]]*\([0-9]*\).*/\1/p' "$process/status")
  user=$(sed -n "s/^\([^:]*\):[^:]*:$uid:.*/\1/p" /etc/passwd | head -n 1)
  echo "server $(basename "$process") $uid $user $words"
  directories="$directories
$(printf %s "$words" | tr '\037' '\n' | sed -n -e '/^-D$/{n;p' -e '}' -e 's/^-D\(..*\)/\1/p' -e 's/^--pgdata=//p' -e 's/^data_directory=//p')"
  case $words in /*) programs="$programs $(dirname "$(printf %s "$words" | tr '\037' '\n' | head -n 1)")" ;; esac
done
for directory in /var/lib/postgresql/*/*; do directories="$directories
$directory"; done
echo "$directories" | sort -u | while read -r directory; do
  [ -n "$directory" ] && [ -r "$directory/postmaster.pid" ] && echo "pidfile $(tr '\n' '\037' <"$directory/postmaster.pid")"
done
while read -r _ _ _ flags _ _ _ path; do
  # Those that listen; a connection is listed in its client's network under the server's path.
  [ "$flags" = 00010000 ] || continue
  case $path in */.s.PGSQL.*) [ -S "$path" ] && echo "socket $path" ;; esac
done </proc/net/unix
for directory in $programs /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /usr/libexec/postgresql*/ /opt/bitnami/postgresql/bin /usr/local/pgsql/bin /usr/local/bin /usr/bin; do
  [ -x "$directory/pg_dump" ] && [ -x "$directory/psql" ] && echo "programs $directory $("$directory/pg_dump" --version)"
done
true`;

export interface Seen {
  readonly servers: readonly {readonly pid: string; readonly uid: string; readonly user: string; readonly words: readonly string[]}[];
  /** The lines of each postmaster.pid ("postmaster.pid" in PostgreSQL's miscadmin.h). */
  readonly pidFiles: readonly {readonly pid: string; readonly port: string; readonly socketDirectory: string}[];
  readonly sockets: readonly {readonly directory: string; readonly port: string}[];
  readonly programs: readonly {readonly directory: string; readonly major: number}[];
}

/** A server of the container, as far as it can be told from outside. */
export interface SeenServer {
  readonly port: string;
  /** Of its sockets. */
  readonly directories: readonly string[];
  /** Whom it runs as; undefined where that is not certain. */
  readonly uid: string | undefined;
  readonly user: string | undefined;
  readonly pid: string | undefined;
}

/** Looks into the container. Where it has no shell, nothing is seen. */
export async function lookInto(access: Pick<Access, 'docker' | 'container'>): Promise<Seen> {
  const result = await runExec(access.docker, {container: access.container.id, command: ['sh', '-c', script], environment: {}, limit: lookLimit});
  return parseLook(result.exitCode === 0 ? result.stdout : '');
}

/** Pure. */
export function parseLook(text: string): Seen {
  const lines = (kind: string) => text.split('\n').filter((line) => line.startsWith(`${kind} `)).map((line) => line.slice(kind.length + 1));
  return {
    servers: lines('server').map((line) => {
      const [, pid = '', uid = '', user = '', words = ''] = /^(\d+) (\d*) (\S*) (.*)$/.exec(line) ?? [];
      return {pid, uid, user, words: words.split(separator)};
    }),
    pidFiles: lines('pidfile').map((line) => {
      const [pid = '', , , port = '', socketDirectory = ''] = line.split(separator);
      return {pid, port, socketDirectory};
    }),
    sockets: lines('socket').map((path) => {
      const slash = path.lastIndexOf('/');
      return {directory: path.slice(0, slash) || '/', port: path.slice(slash + '/.s.PGSQL.'.length)};
    }),
    programs: lines('programs').flatMap((line) => {
      const [, directory = '', major = ''] = /^(\S+) .*?\) (\d+)/.exec(line) ?? [];
      return directory === '' ? [] : [{directory: directory.replace(/\/$/, ''), major: Number(major)}];
    }),
  };
}

/** The servers that were seen, by port. Pure. */
export function serversIn({servers, pidFiles, sockets}: Seen): SeenServer[] {
  const notes = pidFiles.filter(({pid}) => servers.length === 0 || servers.some((server) => server.pid === pid));
  const said = servers.flatMap(({words}) => portIn(words) ?? []);
  const ports = [...new Set([...sockets.map(({port}) => port), ...notes.map(({port}) => port), ...said])].filter((port) => /^\d+$/.test(port));
  return ports.map((port) => {
    const note = notes.find((candidate) => candidate.port === port);
    const process = servers.find(({pid, words}) => pid === note?.pid || portIn(words) === port) ?? (ports.length === 1 && servers.length === 1 ? servers[0] : undefined);
    const directories = [...sockets.filter((socket) => socket.port === port).map(({directory}) => directory), ...(note && note.socketDirectory !== '' ? [note.socketDirectory] : [])];
    return {port, directories: [...new Set(directories)], uid: process?.uid, user: process?.user, pid: process?.pid};
  });
}

/** The port on a server's command line, in any of the ways to say it. */
function portIn(words: readonly string[]): string | undefined {
  return words.flatMap((word, index) => (word === '-p' ? words[index + 1] : /^(?:-p|--port=|-cport=|port=)(\d+)$/.exec(word)?.[1]) ?? []).at(-1);
}
