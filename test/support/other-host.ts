/** A command as a host of another name runs it; the same process in the end. */
export function underHostName(name: string, command: readonly string[]): string[] {
  return ['unshare', '--uts', 'sh', '-c', `hostname ${name}; exec "$@"`, 'sh', ...command];
}
