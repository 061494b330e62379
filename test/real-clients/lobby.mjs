// @ts-nocheck: these packages are installed apart.
/**
 * Two players in a lobby, by public packages as they are. No line here is about this server but the
 * one that cuts a connection.
 *
 *   prismarine-auth            Ada's login; Cleo's, who has never signed in
 *   @xboxreplay/xboxlive-auth  Ben's login and requests
 *   @xboxreplay/xboxlive-api   Ada's requests
 *   websocket, reconnecting-websocket   RTA of both
 */

import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import XboxLiveApi from '@xboxreplay/xboxlive-api';
import { xnet, XSAPIClient } from '@xboxreplay/xboxlive-auth';
import prismarine from 'prismarine-auth';
import ReconnectingWebSocket from 'reconnecting-websocket';
import websocket from 'websocket';

const scid = 'bd6c41c3-01c3-468a-a3b5-3e0fe8133862';
const directory = 'https://sessiondirectory.xboxlive.com';
const templateName = 'LobbySession';
const say = (...words) => console.log(words.join(' '));

/** What is kept of logins: the Microsoft account, as after a sign-in in a browser, or nothing yet. */
function cacheOf(ticket) {
  return () => {
    const known = { refresh_token: 'r', expires_in: 86_400_000, obtainedOn: Date.now() };
    let cached = ticket === undefined ? {} : { token: { access_token: ticket, ...known } };
    return {
      getCached: async () => cached,
      async setCachedPartial(value) {
        cached = { ...cached, ...value };
      },
    };
  };
}

async function loginByPrismarine(ticket) {
  const { Authflow, Titles } = prismarine;
  const options = {
    flow: 'live',
    authTitle: Titles.MinecraftNintendoSwitch,
    deviceType: 'Nintendo',
  };
  const { userXUID, userHash, XSTSToken } = await new Authflow(
    'ada',
    cacheOf(ticket),
    options,
  ).getXboxToken();
  return { xuid: userXUID, userHash, XSTSToken };
}

/** A first login: a device code at Microsoft, then sisu. */
async function loginAnew() {
  const { Authflow, Titles } = prismarine;
  const options = {
    flow: 'sisu',
    authTitle: Titles.MinecraftNintendoSwitch,
    deviceType: 'Nintendo',
  };
  const codes = [];
  const account = new Authflow('cleo', cacheOf(), options, ({ user_code }) =>
    codes.push(user_code),
  );
  const { userXUID } = await account.getXboxToken();
  return /^\d{16,20}$/.test(userXUID) && codes.length === 1;
}

async function loginByReplay(ticket) {
  const user = await xnet.exchangeRpsTicketForUserToken(ticket);
  const { DisplayClaims, Token } = await xnet.exchangeTokenForXSTSToken(user.Token);
  const [{ uhs, xid }] = DisplayClaims.xui;
  return { xuid: xid, userHash: uhs, XSTSToken: Token };
}

/** RTA: subscribes to the connection anew each time that the line is there again. */
class Rta extends EventEmitter {
  constructor({ userHash, XSTSToken }) {
    super();
    this.taps = [];
    const headers = { Authorization: `XBL3.0 x=${userHash};${XSTSToken}` };
    const WebSocket = class extends websocket.w3cwebsocket {
      constructor(url, protocols) {
        super(url, protocols, undefined, headers);
      }
    };
    const options = { WebSocket, minReconnectionDelay: 10, maxReconnectionDelay: 100 };
    this.socket = new ReconnectingWebSocket(
      'wss://rta.xboxlive.com/connect',
      'rta.xboxlive.com.V2',
      options,
    );
    // Each of the two packages knows but one kind by itself.
    this.socket.binaryType = 'arraybuffer';
    this.socket.addEventListener('open', () =>
      this.socket.send(`[1,1,"${directory}/connections/"]`),
    );
    this.socket.addEventListener('message', ({ data }) => {
      const [kind, , ...rest] = JSON.parse(data);
      if (kind === 1) this.emit('connection', rest[2].ConnectionId);
      if (kind === 3) this.taps.push(...rest[0].shoulderTaps);
      if (kind === 3) this.emit('tap');
    });
  }

  /** Waits for the tap of this change, or of a later one; whether it names the session. */
  async tapOf(changeNumber) {
    for (;;) {
      const tap = this.taps.find((one) => one.changeNumber >= changeNumber);
      if (tap !== undefined) return tap.resource === resource.toLowerCase();
      await once(this, 'tap');
    }
  }
}

/** The member that a player writes of himself. */
const me = (xuid, connection) => ({
  constants: { system: { xuid, initialize: true } },
  properties: {
    system: {
      active: true,
      connection,
      subscription: { id: randomUUID(), changeTypes: ['everything'] },
    },
  },
});

const ada = await loginByPrismarine('xuid=2814600000000011&gtg=Ada');
say('Ada is', ada.xuid);
const ben = await loginByReplay('xuid=2814600000000012&gtg=Ben');
say('Ben is', ben.xuid);

say('Cleo is', (await loginAnew()) ? 'somebody' : 'nobody');

const byAda = (method, path, data) =>
  XboxLiveApi.call({ url: `${directory}${path}`, method, data }, ada, 107);
const byBen = async (method, path, body) => {
  const options = { XSTSToken: ben.XSTSToken, userHash: ben.userHash, contractVersion: 107 };
  const { data } = await XSAPIClient.fetch(`${directory}${path}`, { method, body, options });
  return data;
};

const rtaOfAda = new Rta(ada);
const [connectionOfAda] = await once(rtaOfAda, 'connection');
const rtaOfBen = new Rta(ben);
const [connectionOfBen] = await once(rtaOfBen, 'connection');

const sessionRef = { scid, templateName, name: randomUUID() };
const resource = [scid, templateName, sessionRef.name].join('~');
const path = `/serviceconfigs/${scid}/sessionTemplates/${templateName}/sessions/${sessionRef.name}`;
const created = await byAda('PUT', path, {
  members: { me: me(ada.xuid, connectionOfAda) },
});
say('session', created.changeNumber, Object.keys(created.members).length);
const activity = await byAda('POST', '/handles', { version: 1, type: 'activity', sessionRef });

const query = { type: 'activity', scid, owners: { xuids: [ada.xuid] } };
const { results } = await byBen('POST', '/handles/query?include=relatedInfo', query);
say('activity found', results.length, results[0].id === activity.id);
const invite = await byAda('POST', '/handles', {
  version: 1,
  type: 'invite',
  sessionRef,
  invitedXuid: ben.xuid,
  inviteAttributes: { titleId: '1234567890' },
});
const joined = await byBen('PUT', `/handles/${invite.id}/session`, {
  members: { me: me(ben.xuid, connectionOfBen) },
});
say('members', Object.keys(joined.members).length);
const settings = await XboxLiveApi.getPlayerSettings(ben.xuid, ada, ['Gamertag']);
say('Ben is called', settings.find(({ id }) => id === 'Gamertag').value);
say('Ada is tapped', await rtaOfAda.tapOf(joined.changeNumber));

const reconnected = once(rtaOfAda, 'connection');
const dropped = `${process.env.OPENMPSD_URL}/control/connections/${connectionOfAda}/drop`;
await fetch(dropped, { method: 'POST', headers: { authorization: 'XBL3.0 x=-;svc=tests' } });
const [again] = await reconnected;
say('Ada has another connection', again !== connectionOfAda);
const back = await byAda('PUT', path, { members: { me: me(ada.xuid, again) } });
say('Ada is', back.members[0].properties.system.active ? 'active' : 'inactive');

const gone = await byBen('PUT', path, { members: { me: null } });
await rtaOfAda.tapOf(gone.changeNumber);
const left = await byAda('GET', path);
say('members', Object.keys(left.members).length);
await byAda('PUT', path, { members: { me: null } });
say('everybody has left');
rtaOfAda.socket.close();
rtaOfBen.socket.close();
