/** From the least to the most that it may do. */
export const ROLES = ['viewer', 'operator', 'admin'] as const;

/** `viewer` looks; `operator` starts and steers jobs and schedules too; `admin` reads the audit log too. */
export type Role = (typeof ROLES)[number];

/** Whose jobs and schedules are those of callers who name no tenant. */
export const DEFAULT_TENANT = 'default';

/** Who asks. */
export interface Principal {
  /** `token:<id>`, `oidc:<subject>`, or `anonymous` where nobody is asked who they are. */
  subject: string;
  role: Role;
  /** Jobs and schedules of other tenants do not exist for this caller. */
  tenant: string;
  /** Milliseconds since the epoch; absent: not by itself. */
  expiresAt?: number;
}

export function mayAct(role: Role, needed: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(needed);
}

export function isRole(text: unknown): text is Role {
  return ROLES.some((role) => role === text);
}

/** Tenants are in ids of the server, so they are as plain as those. */
export function isTenant(text: string): boolean {
  return /^[a-z0-9][a-z0-9-]{0,62}$/.test(text);
}

const SEPARATOR = ':';

/**
 * The id by which the server knows a tenant's schedule. No schedule has a colon in the id that its tenant gave, so no two tenants
 * share one; doubled, a colon that is asked for leads to no other tenant's.
 */
export function serverScheduleId(tenant: string, id: string): string {
  const own = id.replaceAll(SEPARATOR, SEPARATOR + SEPARATOR);
  return tenant === DEFAULT_TENANT ? own : `${tenant}${SEPARATOR}${own}`;
}

/** The id by which its tenant knows a schedule. */
export function ownScheduleId(serverId: string): string {
  return serverId.slice(serverId.indexOf(SEPARATOR) + 1);
}
