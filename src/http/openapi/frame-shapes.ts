/** The shapes of the frames of RTA, for their description. @source docs/wire/rta.md "Frames" */

import * as v from 'valibot';
import { answerShapes, count, guid, time, xuid } from './answer-shapes.ts';

const sequence = v.pipe(
  v.number(),
  v.integer(),
  v.description('chosen by the client; the answer has it again'),
);
const subscriptionId = v.pipe(count, v.description('counted from 0 on each connection'));
const why = v.pipe(count, v.minValue(1), v.description('why not: docs/wire/rta.md'));

/** What subscribing answers, and what events say. By name; each is a schema of the description. */
export const dataShapes = {
  ConnectionId: v.looseObject({ ConnectionId: guid }),
  Presence: answerShapes.Presence,
  Taps: v.looseObject({
    ncid: guid,
    shoulderTaps: v.array(
      v.looseObject({
        timestamp: time,
        subscription: v.string(),
        resourceType: v.literal('mpsd/session'),
        resource: v.pipe(v.string(), v.description('<scid>~<template>~<session>, lower-case')),
        branch: guid,
        changeNumber: v.pipe(v.optional(count), v.description('absent: the session has ended')),
      }),
    ),
  }),
  GameInvite: v.looseObject({
    inviteHandle: v.looseObject({ id: guid, invitedXuid: xuid, senderXuid: xuid }),
  }),
  ActivityInvite: v.looseObject({
    notificationData: v.looseObject({ invitedUser: xuid, connectionString: v.string() }),
  }),
  FriendsChange: v.looseObject({ NotificationType: v.string(), Xuids: v.array(xuid) }),
  PresenceChange: v.pipe(
    v.string(),
    v.description('<device type>:true or false, started:<title id> or ended:<title id>'),
  ),
} as const;

const { ConnectionId, Presence, ...events } = dataShapes;

/** Each frame is an array of these parts. */
export const frameShapes = {
  subscribe: {
    summary: 'Subscribe to a resource',
    from: 'client',
    shape: v.strictTuple([
      v.literal(1),
      sequence,
      v.pipe(v.string(), v.description('a resource of docs/wire/rta.md: an http or https URL')),
    ]),
  },
  subscribed: {
    summary: 'The answer to subscribe',
    from: 'server',
    shape: v.strictTuple([
      v.literal(1),
      sequence,
      v.literal(0),
      subscriptionId,
      v.union([ConnectionId, Presence, v.null()]),
    ]),
  },
  notSubscribed: {
    summary: 'Subscribe is refused',
    from: 'server',
    shape: v.strictTuple([v.literal(1), sequence, why, v.string(), v.null()]),
  },
  unsubscribe: {
    summary: 'End a subscription',
    from: 'client',
    shape: v.strictTuple([v.literal(2), sequence, subscriptionId]),
  },
  unsubscribed: {
    summary: 'The answer to unsubscribe',
    from: 'server',
    shape: v.strictTuple([
      v.literal(2),
      sequence,
      v.pipe(count, v.description('0 done, else why not: docs/wire/rta.md')),
    ]),
  },
  event: {
    summary: 'An event of a subscription, such as taps',
    from: 'server',
    shape: v.strictTuple([v.literal(3), subscriptionId, v.union(Object.values(events))]),
  },
  resync: {
    summary: 'Something may be missing: read what is followed again',
    from: 'server',
    shape: v.strictTuple([v.literal(4)]),
  },
} as const;
