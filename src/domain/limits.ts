/** Every bound of the service that is not a setting. Units come last in each name. */
export const limits = {
  /** Path names and names in bodies: template, session, server, role, group. */
  nameCharactersMax: 100,
  /** Arrays and objects within each other in a body. */
  bodyDepthMax: 100,
  keywordsMax: 10,
  keywordCharactersMax: 100,
  membersMax: 100,
  membersLargeMax: 10_000,
  /** Users who left are remembered for `locked`, and who was kicked, newest first. */
  formerMembersMax: 200,
  inviteContextEncodedCharactersMax: 256,
  inviteContextStringCharactersMax: 100,
  handleQueryResultsMax: 100,
  handleQueryXuidsMax: 1_000,
  filterCharactersMax: 4_096,
  /** Parentheses, `not`, `any( )` and `tolower( )` within each other. */
  filterDepthMax: 32,
  searchTagsMax: 100,
  searchAttributesMax: 100,
  /** Of a tag, a name, a value: clients keep no more. */
  searchCharactersMax: 99,
  /** Lost races of one write before it is refused as tooBusy. */
  commitAttemptsMax: 10,
} as const;
