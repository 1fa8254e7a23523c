/** The search attributes of every job and schedule, all of type Keyword. Each takes one of the ten slots of a namespace. */
export const SEARCH_ATTRIBUTE_NAMES = [
  'MillraceName',
  'MillraceState',
  'MillraceProcessor',
  'MillraceTenant',
  'MillraceSchedule',
] as const;

export type SearchAttributeName = (typeof SEARCH_ATTRIBUTE_NAMES)[number];
