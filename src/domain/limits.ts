/** Every fixed limit of the service. Units come last in each name. */
export const limits = {
  /** Path names and names in bodies: template, session, server, role, group. */
  nameCharactersMax: 100,
  /** Arrays and objects within each other in a body. */
  bodyDepthMax: 100,
  /** Scalars, arrays and objects in a body: what reading it costs goes by them. */
  bodyValuesMax: 25_000,
  /** Of one object in a body, and of a custom object in a session: large ones cost far more. */
  objectMembersMax: 5_000,
  /** Names in an array within a constant or a role type. */
  nameListMax: 100,
  /** In one subscription, repeated ones counted. */
  changeTypesMax: 100,
  /** Of the attributes of a match ticket, as JSON: each of its players gets a copy in the target session. */
  ticketAttributesCharactersMax: 16_384,
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
  /** People in one answer of the people hub. */
  hubPeopleMax: 1_000,
  /** Results of a search for gamertags. */
  gamertagResultsMax: 50,
  profileSettingsMax: 100,
  permissionUsersMax: 100,
  recentPlayersKeptMax: 100,
  /** Users in one query for presence. */
  presenceUsersMax: 1_100,
  richPresenceCharactersMax: 100,
  /** How often a title says that its user is there, and when one that has not counts as gone. */
  heartbeatSeconds: 300,
  presenceMsMax: 360_000,
  /** How long it is remembered where a user was last. */
  lastSeenMsMax: 2_592_000_000,
  /** The age at which an activity ends that is not set again. */
  activityMsMax: 86_400_000,
  activityPlayersMax: 100,
  activityQueryUsersMax: 30,
  connectionStringCharactersMax: 512,
  groupIdCharactersMax: 127,
  invitedUsersMax: 16,
  recentPlayersMax: 100,
  recentPlayerListsMax: 20,
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
  /** Of a ban: ten years. */
  banSecondsMax: 315_360_000,
} as const;
