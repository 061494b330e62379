/** Every fixed limit of the service. Units come last in each name. */
export const limits = {
  /** Path names and names in bodies: template, session, server, role, group. */
  nameCharactersMax: 100,
  /** Arrays and objects within each other in a body. */
  bodyDepthMax: 100,
  /** Scalars, arrays and objects in a body: what reading it costs goes by them. */
  bodyValuesMax: 25_000,
  /** Names in an array within a constant or a role type. */
  nameListMax: 100,
  /** In one subscription, repeated ones counted. */
  changeTypesMax: 100,
  /** Parameters of the query of a URL. */
  queryParametersMax: 100,
  keywordsMax: 10,
  keywordCharactersMax: 100,
  membersMax: 100,
  membersLargeMax: 10_000,
  /** Users who left are remembered for `locked`, and removed users, newest first. */
  formerMembersMax: 200,
  inviteContextEncodedCharactersMax: 256,
  inviteContextStringCharactersMax: 100,
  /** Transfer handles to one life of a session. */
  transfersPerSessionMax: 1_000,
  handleQueryResultsMax: 100,
  handleQueryXuidsMax: 1_000,
  sessionQueryResultsMax: 100,
  batchXuidsMax: 1_000,
  /** Sessions that one query looks at before it answers with what it has found. */
  sessionQueryLookedAtMax: 10_000,
  /** Entries of lists of people. */
  followsMax: 2_000,
  /** Followers that a summary counts; there may be more. */
  followersCountedMax: 100_000,
  avoidsMax: 1_000,
  mutesMax: 250,
  filterCharactersMax: 4_096,
  /** Parentheses, `not`, `any( )` and `tolower( )` within each other. */
  filterDepthMax: 32,
  searchTagsMax: 100,
  searchAttributesMax: 100,
  /** Characters of a tag, a name, a value: clients keep no more. */
  searchCharactersMax: 99,
  /** Races that one write may lose before it is refused as tooBusy. */
  commitAttemptsMax: 10,
  /** One message of an RTA client. */
  frameBytesMax: 16_384,
  /** Without a frame in either direction, before an RTA connection is sent a pong. */
  silenceMsMax: 10_000,
  /** Between two pongs of an RTA connection, however much it is used. */
  pongGapMsMax: 20_000,
  /** Without a sign of an RTA client, before it counts as gone; it is pinged at half of it. */
  unheardMsMax: 60_000,
  /** The age at which an RTA connection ends. */
  connectionMsMax: 7_200_000,
} as const;
