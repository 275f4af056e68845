import {literal} from './sql.ts';

/**
 * What is woven into a dump at its second try. One psql runs it all, so temporary tables carry what is to be done later.
 * No name in here needs the search path: pg_temp and pg_catalog are always looked through.
 */

/**
 * Gives the functions that have no search path of their own that of the session: PostgreSQL 17 and newer build indexes,
 * fill views and gather statistics with an empty one. Those whose body was parsed when they were made need none.
 */
export const lendSearchPath = `
CREATE TEMPORARY TABLE IF NOT EXISTS timetiles_functions (id oid);
DO $timetiles$
DECLARE
  made record;
BEGIN
  FOR made IN SELECT p.oid, p.oid::regprocedure AS name FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
    WHERE p.oid >= 16384 AND p.prokind IN ('f', 'p', 'w') AND l.lanname NOT IN ('internal', 'c') AND to_jsonb(p)->>'prosqlbody' IS NULL
      AND NOT EXISTS (SELECT FROM unnest(p.proconfig) setting WHERE setting LIKE 'search_path=%')
      AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_proc'::regclass AND e.objid = p.oid AND e.deptype = 'e')
  LOOP
    EXECUTE format('ALTER ROUTINE %s SET search_path FROM CURRENT', made.name);
    INSERT INTO timetiles_functions VALUES (made.oid);
  END LOOP;
END $timetiles$;
`;

/** Takes it back, so that they are as they were. */
export const takeSearchPathBack = `
CREATE TEMPORARY TABLE IF NOT EXISTS timetiles_functions (id oid);
DO $timetiles$
DECLARE
  made record;
BEGIN
  FOR made IN SELECT id::regprocedure AS name FROM timetiles_functions LOOP
    EXECUTE format('ALTER ROUTINE %s RESET search_path', made.name);
  END LOOP;
END $timetiles$;
`;

/** The app's event triggers must not see what is still to be done. Who may make them may also set this. */
export const silenceEventTriggers = `
SET session_replication_role = replica;
`;

/**
 * Drops the check constraints that call functions of the database's own, before the first row: such a function may read
 * another table, whose rows come later. An inherited one comes up by itself once its parent's is gone.
 */
export const setChecksAside = `
CREATE TEMPORARY TABLE timetiles_checks (number int GENERATED ALWAYS AS IDENTITY, what text, restore text, validate text);
CREATE TEMPORARY TABLE timetiles_problems (what text, state text, message text);
DO $timetiles$
DECLARE
  kept record;
BEGIN
  LOOP
    SELECT format('%s on %s', k.conname, owner.name) AS what, format('ALTER %s', owner.name) AS alter, k.conname,
        pg_get_constraintdef(k.oid) AS definition, k.convalidated, obj_description(k.oid, 'pg_constraint') AS comment, owner.name,
        k.conrelid = 0 AS is_domain
      INTO kept
      FROM pg_constraint k CROSS JOIN LATERAL (
        SELECT format('TABLE %I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = k.conrelid
        UNION ALL
        SELECT format('DOMAIN %I.%I', n.nspname, t.typname) FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.oid = k.contypid) AS owner (name)
      WHERE k.contype = 'c' AND k.coninhcount = 0
        AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = k.conrelid AND e.deptype = 'e')
        AND EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_constraint'::regclass AND d.objid = k.oid
          AND d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass) AND d.refobjid >= 16384
          AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = d.refclassid AND e.objid = d.refobjid AND e.deptype = 'e'))
      LIMIT 1;
    EXIT WHEN NOT FOUND;
    INSERT INTO timetiles_checks (what, restore, validate) VALUES (
      kept.what,
      concat(
        format('%s ADD CONSTRAINT %I %s;', kept.alter, kept.conname, kept.definition || CASE WHEN kept.convalidated THEN ' NOT VALID' ELSE '' END),
        format('COMMENT ON CONSTRAINT %I ON %s IS %L;', kept.conname, CASE WHEN kept.is_domain THEN kept.name ELSE substr(kept.name, 7) END, kept.comment)),
      CASE WHEN kept.convalidated THEN format('%s VALIDATE CONSTRAINT %I', kept.alter, kept.conname) END);
    EXECUTE format('%s DROP CONSTRAINT %I', kept.alter, kept.conname);
  END LOOP;
END $timetiles$;
`;

/** Makes them again when all rows are there. One that the rows do not fulfil stays NOT VALID: it holds for new rows alone. */
export const bringChecksBack = `
DO $timetiles$
DECLARE
  kept record;
BEGIN
  FOR kept IN SELECT * FROM timetiles_checks ORDER BY number DESC LOOP
    EXECUTE kept.restore;
    IF kept.validate IS NOT NULL THEN
      BEGIN
        EXECUTE kept.validate;
      EXCEPTION WHEN OTHERS THEN
        INSERT INTO timetiles_problems VALUES ('the rows do not fulfil the check constraint ' || kept.what || ', which came back NOT VALID', SQLSTATE, SQLERRM);
      END;
    END IF;
  END LOOP;
END $timetiles$;
`;

/** Fills a materialised view, or leaves it empty where what it reads cannot be reached. */
export function refreshIfPossible(view: string): string {
  return `
CREATE TEMPORARY TABLE IF NOT EXISTS timetiles_problems (what text, state text, message text);
DO $timetiles$
BEGIN
  EXECUTE ${literal(`REFRESH MATERIALIZED VIEW ${view}`)};
EXCEPTION WHEN OTHERS THEN
  INSERT INTO timetiles_problems VALUES (${literal(`the materialised view ${view} is empty, since it could not be filled`)}, SQLSTATE, SQLERRM);
END $timetiles$;
`;
}

/** Prints what went wrong, a line of JSON each. */
export const tellProblems = `
CREATE TEMPORARY TABLE IF NOT EXISTS timetiles_problems (what text, state text, message text);
\\o
\\pset format unaligned
\\pset tuples_only on
SELECT to_json(p) FROM timetiles_problems p;
`;
