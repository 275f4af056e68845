/**
 * What protects where the offsite repository is not on S3. Sources: restic documentation, "Preparing a new repository";
 * rest-server's README on --append-only and --private-repos; sshd_config(5) on ForceCommand; rclone documentation, "rclone serve restic".
 */
const protections: Readonly<Record<string, string>> = {
  rest: 'A REST server protects by itself: start rest-server with --append-only (and --private-repos with a user for each host), and nobody can delete or change snapshots through it; prune on its own machine. Its disk and its login must be out of the reach of this host.',
  sftp: 'SFTP has no append-only mode: whoever holds the SSH key can delete everything. Take filesystem snapshots on the other side (ZFS, Btrfs, or those of the storage provider) that this login cannot remove, or run rest-server --append-only or "rclone serve restic --append-only --stdio" there, the latter as the forced command of the SSH key.',
  b2: 'restic\'s own B2 backend needs a key that lists and reads. For write-only uploads use the S3 address of the same bucket, s3:https://s3.REGION.backblazeb2.com/BUCKET/PREFIX, and run this command again with --provider b2.',
  rclone: 'Here rclone\'s remote decides what this host may do: give its configuration a key with as few permissions as the provider has, and protect the bucket with versions and locks. For an S3 provider use an s3: URL instead, then this command prints the policies.',
  azure: 'timetiles has no write-only path to Azure: use a SAS token without delete permission, and switch on blob versioning and an immutability policy for the container.',
  gs: 'timetiles has no write-only path to Google Cloud Storage: use a service account without storage.objects.delete, and switch on object versioning and a retention policy for the bucket.',
  swift: 'timetiles has no write-only path to Swift: keep versions in the container, with a login that this host does not know.',
};

const path =
  'A path is only as safe as this host: whoever is root here can delete it. Take snapshots of that disk on another machine, exchange disks by hand, or use an s3: URL with a write-only key or a rest-server with --append-only.';

/** The name of the backend in a repository URL, such as `rest` or `sftp`; `local` for a path. */
export function backendOf(url: string): string {
  return /^([a-z0-9]+):/.exec(url)?.[1] ?? 'local';
}

/** One paragraph for a repository that is not on S3. */
export function protectionOf(backend: string): string {
  return protections[backend] ?? path;
}
