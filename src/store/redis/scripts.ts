import { createHash } from 'node:crypto';

/** A Lua script, and the digest by which servers that have it know it. */
export type Script = { readonly text: string; readonly digest: string };

/**
 * What is done in one step on a server. Each script works on keys of one slot, and all of these are
 * declared, since a server may be handing the slot over to another. `readEach` alone reads keys of many
 * slots, and says which of them it could not read.
 *
 * `strict` scripts write something even when they change nothing, so that a WAIT after them covers
 * what they read.
 *
 * Each script says by its flags what a server whose memory is full is to do with it (see `scripts`).
 */

/** The time of the server in milliseconds. */
const now = `
local function nowMs()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
`;

/** A session keeps the ids of so many of its last commits, times the length of an id. */
const commitIdsLength = 12 * 8;

/**
 * Checks what a commit expects of a session. Ends the script with
 *
 *     late                             it comes after its deadline, when its sender has given it up
 *     done, 0                          it was made before, and its answer was lost
 *     conflict, revision, ids, text    what is there instead
 */
const check = `${now}
local letters, name, expected, id = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local before, deadlineMs, isStrict = ARGV[5], tonumber(ARGV[6]), ARGV[7] == '1'
local keyAt = 3
local function key(letter)
  if not string.find(letters, letter, 1, true) then return nil end
  keyAt = keyAt + 1
  return KEYS[keyAt]
end
local session, due, meta = KEYS[1], KEYS[2], KEYS[3]
local function fence()
  if isStrict then redis.call('HSET', meta, 'fence', id) end
end
local time = nowMs()
if time > deadlineMs then return {'late'} end
local found = redis.call('HMGET', session, 'r', 'c')
local revision, ids = tonumber(found[1] or 0), found[2] or ''
if string.find(ids, id, 1, true) then
  fence()
  return {'done', string.sub(ids, 1, #id) == id and revision or 0}
end
`;

const refuse = `
if revision ~= expected or (before ~= '' and string.sub(ids, 1, #before) ~= before) then
  fence()
  if revision == 0 then return {'conflict'} end
  return {'conflict', revision, ids, redis.call('HGET', session, 'd')}
end
`;

/**
 * Remembers that the session is another for searches; the key is that of the changes. Their numbers follow the
 * time: after a failover that lost some, new ones are above those that nodes have read.
 */
const noteSearchChange = `
local function noteSearchChange(search)
  local last = tonumber(redis.call('HGET', meta, 'search') or 0)
  local number = string.format('%.0f', math.max(last + 1, time))
  redis.call('HSET', meta, 'search', number)
  redis.call('ZADD', search, number, name)
end
local function storePendingTaps(pending, texts, text, at)
  redis.call('ZADD', pending, time, name .. '\\n' .. at)
  redis.call('HSET', texts, name .. '\\n' .. at, text)
end
`;

/**
 * Adds a change to the history of a branch. What is too old goes, some at a time; a branch to which
 * nothing is added goes as a whole.
 */
const keepHistory = `
local function keepHistory(changes, branches, at, revision)
  local branch, atMs, text, max, keptMs = unpack(ARGV, at, at + 4)
  local beforeMs = string.format('%.0f', atMs - keptMs)
  redis.call('RPUSH', changes, string.format('%d', revision) .. ' ' .. atMs .. ' ' .. text)
  redis.call('LTRIM', changes, -max, -1)
  for _ = 1, 16 do
    local oldest = redis.call('LINDEX', changes, 0)
    if tonumber(string.match(oldest, '^%d+ (%S+)')) > tonumber(beforeMs) then break end
    redis.call('LPOP', changes)
  end
  redis.call('PEXPIRE', changes, keptMs)
  redis.call('ZADD', branches, atMs, branch)
  redis.call('ZREMRANGEBYSCORE', branches, '-inf', beforeMs)
  redis.call('PEXPIRE', branches, keptMs)
end
`;

/**
 * Keys: session, due times, meta; then h: hints; r: member rows, their due times, their order;
 * s: search changes, deleted ones; a: its handles; o: pending taps, their texts; t: changes of the
 * branch, branches.
 *
 * Answers done, revision, and pairs of a hint and the commit that had added it, to be taken away.
 */
const put = (guard: string): string => `${check}${refuse}${noteSearchChange}${keepHistory}
local document, dueMs = ARGV[8], ARGV[9]
${guard}
local at = 9
local function take()
  at = at + 1
  return ARGV[at]
end
if expected == 0 then revision = tonumber(redis.call('HGET', meta, 'floor') or 0) end
revision = revision + 1
redis.call('HSET', session, 'r', revision, 'c', string.sub(id .. ids, 1, ${commitIdsLength}), 'd', document)
if dueMs == '' then redis.call('ZREM', due, name) else redis.call('ZADD', due, dueMs, name) end
local answer = {'done', revision}
local hints = key('h')
if hints then
  for _ = 1, tonumber(take()) do
    local hint = take()
    local former = redis.call('HGET', hints, hint)
    redis.call('HSET', hints, hint, id)
    if former then answer[#answer + 1] = hint answer[#answer + 1] = former end
  end
  for _ = 1, tonumber(take()) do
    local hint = take()
    local former = redis.call('HGET', hints, hint)
    redis.call('HDEL', hints, hint)
    if former then answer[#answer + 1] = hint answer[#answer + 1] = former end
  end
end
local rows = key('r')
if rows then
  local rowsDue = key('r')
  local rowsOrder = key('r')
  for _ = 1, tonumber(take()) do
    local xuid, rowDueMs, row = take(), take(), take()
    redis.call('HSET', rows, xuid, row)
    redis.call('ZADD', rowsOrder, 0, xuid)
    if rowDueMs == '' then
      redis.call('ZREM', rowsDue, xuid)
    else
      redis.call('ZADD', rowsDue, rowDueMs, xuid)
    end
  end
  for _ = 1, tonumber(take()) do
    local xuid = take()
    redis.call('HDEL', rows, xuid)
    redis.call('ZREM', rowsDue, xuid)
    redis.call('ZREM', rowsOrder, xuid)
  end
end
local search = key('s')
if search then
  local gone = key('s')
  noteSearchChange(search)
  redis.call('ZREM', gone, name)
end
local handles = key('a')
if handles then redis.call('SADD', handles, take()) end
local pending = key('o')
if pending then storePendingTaps(pending, key('o'), take(), revision) end
local changes = key('t')
if changes then keepHistory(changes, key('t'), at + 1, revision) end
return answer
`;

/**
 * A request that leaves may write other things too. Beyond a mark at each member, that is not for a
 * server without room.
 */
const grownBytesMax = 16_384;
const refuseGrowth = `
if #document > redis.call('HSTRLEN', session, 'd') + ${grownBytesMax} then
  return redis.error_reply("OOM the session grows by too much for what is to make room")
end
`;

/** For so long searches learn of deleted sessions; a node that was away for longer reads everything. */
const goneKeptMs = 10 * 60_000;
/** A delete whose answer got lost is recognized for so long. */
const deleteKnownMs = 60_000;

/**
 * Keys: session, due times, meta, hints, member rows, their due times, their order, search changes,
 * deleted ones, who deleted it; then o and t as above. Answers as put does.
 */
const remove = `${check}
local hints, rows, rowsDue, rowsOrder = KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local search, gone, deleter = KEYS[8], KEYS[9], KEYS[10]
keyAt = 10
if revision == 0 and (expected == 0 or redis.call('GET', deleter) == id) then
  fence()
  return {'done', 0}
end
${refuse}${noteSearchChange}${keepHistory}
if expected + 1 > tonumber(redis.call('HGET', meta, 'floor') or 0) then
  redis.call('HSET', meta, 'floor', expected + 1)
end
local answer = {'done', 0}
for _, part in ipairs(redis.call('HGETALL', hints)) do answer[#answer + 1] = part end
redis.call('DEL', session, hints, rows, rowsDue, rowsOrder)
redis.call('ZREM', due, name)
if ARGV[8] == '1' or redis.call('ZSCORE', search, name) then
  noteSearchChange(search)
  redis.call('ZADD', gone, time, name)
end
local old = redis.call('ZRANGEBYSCORE', gone, '-inf', time - ${goneKeptMs}, 'LIMIT', 0, 20)
for _, each in ipairs(old) do
  redis.call('ZREM', search, each)
  redis.call('ZREM', gone, each)
end
redis.call('SET', deleter, id, 'PX', ${deleteKnownMs})
local pending = key('o')
if pending then storePendingTaps(pending, key('o'), ARGV[9], expected + 1) end
local changes = key('t')
if changes then keepHistory(changes, key('t'), 10, expected + 1) end
return answer
`;

/** Keys: session, meta. The session, unless it is still the one of the commit that is known. */
const session = `
local found = redis.call('HMGET', KEYS[1], 'r', 'c')
local known = ARGV[1]
if known ~= '' and found[2] and string.sub(found[2], 1, #known) == known then return {'same'} end
if ARGV[2] == '1' then redis.call('HSET', KEYS[2], 'fence', 'read') end
if not found[1] then return {'none'} end
return {'found', found[1], found[2], redis.call('HGET', KEYS[1], 'd')}
`;

/** Keys: handle, expirations. The handle that has the id already; nothing: this one is stored. */
const putHandle = `
local there = redis.call('HGET', KEYS[1], 'd')
if there then
  redis.call('HSET', KEYS[1], 'd', there)
  return there
end
redis.call('HSET', KEYS[1], 'd', ARGV[2])
if ARGV[3] ~= '' then redis.call('ZADD', KEYS[2], ARGV[3], ARGV[1]) end
return false
`;

/** Keys: handle, expirations. Removes the handle if it is still the one of this text. */
const removeHandle = `
if redis.call('HGET', KEYS[1], 'd') ~= ARGV[2] then return 0 end
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[1])
return 1
`;

/** Keys: a hint. */
const addHint = `
return redis.call('ZADD', KEYS[1], 0, ARGV[1])
`;

/** Keys: branches by a name. Adds one; those of this age go. */
const nameHistory = `
redis.call('ZADD', KEYS[1], ARGV[1], ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', ARGV[1] - ARGV[3]))
return redis.call('PEXPIRE', KEYS[1], ARGV[3])
`;

/** Keys: pointers of a user. Sets that of a service config; the handle that it named if another. */
const setPointer = `
local former = redis.call('HGET', KEYS[1], ARGV[1])
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return former ~= ARGV[2] and former
`;

/** Keys: pointers of a user. Removes those of a service config that still name this handle. */
const removePointer = `
if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then redis.call('HDEL', KEYS[1], ARGV[1]) end
return 1
`;

/** Keys: entries, their order. Puts pairs of a xuid and an entry, then removes others. */
const changeList = `
local at = 1
for _ = 1, tonumber(ARGV[1]) do
  local xuid, entry = ARGV[at + 1], ARGV[at + 2]
  at = at + 2
  if not redis.call('ZSCORE', KEYS[2], xuid) then
    redis.call('ZADD', KEYS[2], redis.call('HINCRBY', KEYS[1], 'count', 1), xuid)
  end
  redis.call('HSET', KEYS[1], xuid, entry)
end
for n = at + 1, #ARGV do
  redis.call('HDEL', KEYS[1], ARGV[n])
  redis.call('ZREM', KEYS[2], ARGV[n])
end
return 1
`;

/** Keys: values by name, names in order. The values of the names, ARGV: range of the names. */
const valuesInOrder = `
local names = redis.call('ZRANGE', KEYS[2], unpack(ARGV))
if #names == 0 then return {} end
local values = {}
for from = 1, #names, 1000 do
  local part = {unpack(names, from, math.min(#names, from + 999))}
  for _, value in ipairs(redis.call('HMGET', KEYS[1], unpack(part))) do
    values[#values + 1] = value
  end
end
return values
`;

/** Keys: pending taps, their texts. Triples of name, time and text, of those older than an age. */
const pendingTaps = `${now}
local found = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', nowMs() - tonumber(ARGV[1]), 'WITHSCORES', 'LIMIT', 0, ARGV[2])
local answer = {}
for n = 1, #found, 2 do
  answer[#answer + 1] = found[n]
  answer[#answer + 1] = found[n + 1]
  answer[#answer + 1] = redis.call('HGET', KEYS[2], found[n])
end
return answer
`;

/** Keys: pending taps, their texts. */
const forgetTaps = `
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
return 1
`;

/** Keys: nodes, lease of the node. */
const renewNode = `
if redis.call('EXISTS', KEYS[2]) == 0 then
  if redis.call('SISMEMBER', KEYS[1], ARGV[1]) == 1 then return 'lost' end
  redis.call('SADD', KEYS[1], ARGV[1])
end
redis.call('SET', KEYS[2], '1', 'PX', ARGV[2])
return 'held'
`;

/**
 * Keys: nodes, leases of those that are known. Pairs of a node and whether its lease runs: 1, 0, or
 * -1 where its lease is not among the keys.
 */
const nodes = `
local alive = {}
for n, node in ipairs(ARGV) do alive[node] = redis.call('EXISTS', KEYS[n + 1]) end
local answer = {}
for _, node in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  answer[#answer + 1] = node
  answer[#answer + 1] = alive[node] or -1
end
return answer
`;

/** Keys: values by id, meta. A record, and a mark for the WAIT. */
const recordFenced = `
redis.call('HSET', KEYS[2], 'fence', 'read')
return redis.call('HGET', KEYS[1], ARGV[1])
`;

/** A batch whose answer got lost is recognized until its deadline, and so much longer. */
const recordsKnownMs = 10_000;

/**
 * Keys: values by id, ids in order, due times of the table, meta, mark of this batch. Values: id of the
 * batch, deadline, strict, group; then for each change its id, the revision it expects, its due time and
 * its text, each of which may be empty. A value is revision, due time, id and text.
 *
 * A revision is the time in microseconds, or more where that was given already: so a server that has lost
 * changes in a failover does not give their revisions to others. Answers
 *
 *     late                 it comes after its deadline, when its sender has given it up
 *     done, revision       the changes are made, now or before
 *     conflict, id, value  what is there instead; no value: nothing
 */
const changeRecords = `${now}
local commitId, deadlineMs, isStrict, group = ARGV[1], tonumber(ARGV[2]), ARGV[3] == '1', ARGV[4]
local values, order, due, meta, mark = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local time = nowMs()
if time > deadlineMs then return {'late'} end
local known = redis.call('GET', mark)
if known then
  if isStrict then redis.call('HSET', meta, 'fence', commitId) end
  return {'done', known}
end
for at = 5, #ARGV, 4 do
  if ARGV[at + 1] ~= '' then
    local found = redis.call('HGET', values, ARGV[at])
    local revision = found and string.match(found, '^%d+') or '0'
    if revision ~= ARGV[at + 1] then
      if isStrict then redis.call('HSET', meta, 'fence', commitId) end
      return {'conflict', ARGV[at], found or nil}
    end
  end
end
local last = tonumber(redis.call('HGET', meta, 'records') or 0)
local clock = redis.call('TIME')
local revision = string.format('%d', math.max(last + 1, clock[1] * 1000000 + clock[2]))
redis.call('HSET', meta, 'records', revision)
for at = 5, #ARGV, 4 do
  local id, dueMs, text = ARGV[at], ARGV[at + 2], ARGV[at + 3]
  local name = group .. ' ' .. id
  if text == '' then
    redis.call('HDEL', values, id)
    redis.call('ZREM', order, id)
    redis.call('ZREM', due, name)
  else
    redis.call('HSET', values, id, revision .. ' ' .. dueMs .. ' ' .. id .. ' ' .. text)
    redis.call('ZADD', order, 0, id)
    if dueMs == '' then redis.call('ZREM', due, name) else redis.call('ZADD', due, dueMs, name) end
  end
end
redis.call('SET', mark, revision, 'PX', math.ceil(deadlineMs - time) + ${recordsKnownMs})
return {'done', revision}
`;

/**
 * Keys: any one of the server. ARGV: a command that reads, the number of words after its key, these words,
 * then the keys that it is to read. Pairs of the number of a key and the reply, where something is there; the
 * number alone, below zero, of a key that only its own command can read: its slot moves, or it is damaged.
 */
const readEach = `
local command, count = ARGV[1], tonumber(ARGV[2])
local rest = {unpack(ARGV, 3, 2 + count)}
local answer = {}
for at = 3 + count, #ARGV do
  local number = at - 2 - count
  local reply = redis.pcall(command, ARGV[at], unpack(rest))
  if type(reply) == 'table' and reply.err then
    answer[#answer + 1] = -number
  elseif reply and reply ~= 0 and not (type(reply) == 'table' and #reply == 0) then
    answer[#answer + 1] = number
    answer[#answer + 1] = reply
  end
end
return answer
`;

/** Adds to a count, which is forgotten some time after it began. */
const addCount = `
local count = redis.call('INCRBY', KEYS[1], ARGV[1])
if count == tonumber(ARGV[1]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return count
`;

/**
 * What a server does with a script when its memory is full:
 *
 *     takes    refuses it, before any of it is done
 *     frees    carries it out: it makes room, or takes next to none
 *     reads    carries it out, also while the server cannot write
 *     sweeps   as reads, of keys in any slot that the server has
 */
type Room = 'takes' | 'frees' | 'reads' | 'sweeps';

const flagsOf: Readonly<Record<Room, string>> = {
  takes: '#!lua',
  frees: '#!lua flags=allow-oom',
  reads: '#!lua flags=no-writes',
  sweeps: '#!lua flags=no-writes,allow-cross-slot-keys',
};

function script(room: Room, text: string): Script {
  const flagged = `${flagsOf[room]}\n${text}`;
  return { text: flagged, digest: createHash('sha1').update(flagged).digest('hex') };
}

export const scripts = {
  put: script('takes', put('')),
  /** A put that makes room, as `SessionPut.frees` says. */
  putFreeing: script('frees', put(refuseGrowth)),
  remove: script('frees', remove),
  /** A remove that keeps the session in its history. */
  removeKeeping: script('takes', remove),
  nameHistory: script('takes', nameHistory),
  addHint: script('frees', addHint),
  /** A read that leads the way of a WAIT. */
  sessionFenced: script('frees', session),
  session: script('reads', session),
  putHandle: script('takes', putHandle),
  removeHandle: script('frees', removeHandle),
  setPointer: script('takes', setPointer),
  removePointer: script('frees', removePointer),
  changeList: script('takes', changeList),
  shortenList: script('frees', changeList),
  valuesInOrder: script('reads', valuesInOrder),
  recordFenced: script('frees', recordFenced),
  changeRecords: script('takes', changeRecords),
  /** As changeRecords, of a batch that only removes. */
  removeRecords: script('frees', changeRecords),
  pendingTaps: script('reads', pendingTaps),
  forgetTaps: script('frees', forgetTaps),
  renewNode: script('frees', renewNode),
  nodes: script('reads', nodes),
  addCount: script('frees', addCount),
  readEach: script('sweeps', readEach),
} as const;
