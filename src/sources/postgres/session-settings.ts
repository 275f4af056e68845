/** What decides which settings a session may be given: a server refuses those that it does not know, or that the role may not set. */
export interface SessionTraits {
  readonly versionNumber: number;
  readonly isSuperuser: boolean;
}

/** Every server since PostgreSQL 12 knows these, and every role may set them. */
const forAll = {
  client_min_messages: 'warning',
  statement_timeout: '0',
  lock_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  default_transaction_read_only: 'off',
  default_transaction_isolation: 'read committed',
  default_transaction_deferrable: 'off',
  // Policies then make a query fail, where they would otherwise hide rows.
  row_security: 'off',
  // pg_catalog comes before it; extensions are made in it.
  search_path: 'public',
  standard_conforming_strings: 'on',
  quote_all_identifiers: 'off',
  // With these an array or a comparison would be loaded as another than was dumped.
  array_nulls: 'on',
  transform_null_equals: 'off',
  DateStyle: 'ISO',
  IntervalStyle: 'postgres',
  // What has been reported as done must outlive a crash.
  synchronous_commit: 'local',
};

const forSuperusers = {
  role: 'none',
  // pg_dump does not print the SQLSTATE: its messages are at least to be in one language.
  lc_messages: 'C',
  session_replication_role: 'origin',
  temp_file_limit: '-1',
  // These would make damage pass unseen.
  zero_damaged_pages: 'off',
  ignore_checksum_failure: 'off',
};

/**
 * The settings of a session of ours. As options of the connection they come before what ALTER ROLE, ALTER DATABASE or the
 * server's configuration say. Pure.
 * @param traits undefined where the server has not been reached yet
 */
export function sessionSettings(traits: SessionTraits | undefined): Record<string, string> {
  const {versionNumber = 0, isSuperuser = false} = traits ?? {};
  return {
    ...forAll,
    ...(versionNumber >= 140_000 && {idle_session_timeout: '0'}),
    ...(versionNumber >= 170_000 && {transaction_timeout: '0'}),
    ...(isSuperuser && forSuperusers),
    ...(isSuperuser && versionNumber >= 170_000 && {event_triggers: 'off'}),
  };
}

/** As PGOPTIONS wants it, where a space in a value needs a backslash. Pure. */
export function optionsText(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `-c ${name}=${value.replaceAll(/([\\\s])/g, '\\$1')}`)
    .join(' ');
}
