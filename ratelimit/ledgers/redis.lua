-- Every decision of a ledger in Valkey or Redis, each one call of this script; `redis.py` beside it makes the calls.
--
-- KEYS: the clock of the subject; the hold, but for `levels`; then a state and a log for each counter; for `take`, where
-- the subject of the hold is noted, unless that is in another part of a cluster.
-- ARGV: the operation, the time ('' asks the server), then what the operation below reads. What it reads of each counter
-- is one text, rows ended by `;` with fields between commas: clients write and read one text faster than many.
--
-- A state is packed (keep, total, flight, newest, oldest, last, count, expires): the widest window in microseconds, the
-- units in the log, an entry {hold, since, amount, deadline, kept} for each hold in flight, of which `kept` stays
-- charged when its lease ends, the latest time from which any of them counts; and of the log, so that it is rarely
-- looked into, its first and last time, how many it has, and until when it surely stays. A log is a sorted set of what
-- is settled: scores are times, members are `amount:hold`. The arithmetic is that of `meter.py`; what a charge counts
-- from is `Demand.dated`.

local MAX_ENTRIES, SLOTS, REMEMBER_MS = 256, 128, 3600000
local FULL, TAKEN, KNOWN, FRESH = 0, 1, 2, 3
local HELD, ENDED = 0, 1
local UNKNOWN, BEFORE, DONE = -1, 0, 1

-- The default conversion of numbers keeps 14 digits; times have 16.
local function int(number)
  return string.format('%.0f', number)
end

local function milliseconds(microseconds)
  return int(math.ceil(microseconds / 1000))
end

local function amount_of(member)
  return tonumber(string.match(member, '^%d+'))
end

local function rows_of(text)
  local rows = {}
  for row in string.gmatch(text, '[^;]+') do
    local fields = {}
    for field in string.gmatch(row .. ',', '([^,]*),') do
      fields[#fields + 1] = field
    end
    rows[#rows + 1] = fields
  end
  return rows
end

-- An answer is lines: status, time, deadline, what the charges count from, levels, and the outcome of a known hold.
local function answer(status, at, deadline, since, levels, outcome)
  local times = {}
  for i, time in ipairs(since) do
    times[i] = int(time)
  end
  return table.concat({ status, int(at), int(deadline), table.concat(times, ' '), levels, outcome }, '\n')
end

local function read_clock()
  local wall = tonumber(ARGV[2])
  if not wall then
    local time = redis.call('TIME')
    wall = time[1] * 1000000 + time[2]
  end
  local last = redis.call('GET', KEYS[1])
  return math.max(wall, tonumber(last or '0')), not last
end

local function write_clock(now)
  redis.call('SET', KEYS[1], int(now), 'PX', REMEMBER_MS)
end

-- Learn again what is known of the log, after more than one addition has changed it.
local function look(counter)
  counter.oldest = tonumber(redis.call('ZRANGE', counter.log, 0, 0, 'WITHSCORES')[2]) or 0
  counter.last = tonumber(redis.call('ZRANGE', counter.log, -1, -1, 'WITHSCORES')[2]) or 0
  counter.count = redis.call('ZCARD', counter.log)
end

-- Above MAX_ENTRIES, merge the oldest of each slot into the newest one: it leaves late, so that no cap is exceeded.
local function merge(counter)
  local log = redis.call('ZRANGE', counter.log, 0, -1, 'WITHSCORES')
  local spare = #log / 2 - MAX_ENTRIES * 3 / 4
  local slot = math.max(1, math.floor(counter.keep / SLOTS))
  local parts, amount = {}, 0
  for i = 1, #log, 2 do
    local member, at, next_at = log[i], tonumber(log[i + 1]), tonumber(log[i + 3])
    parts[#parts + 1], amount = member, amount + amount_of(member)
    local goes_on = next_at and spare > 0 and math.floor(at / slot) == math.floor(next_at / slot)
    if goes_on then
      spare = spare - 1
    else
      if #parts > 1 then
        -- The mark keeps a late settle from finding one of the parts in the sum.
        local merged = int(amount) .. ':~' .. string.gsub(member, '^%d+:~?', '')
        redis.call('ZREM', counter.log, unpack(parts))
        redis.call('ZADD', counter.log, int(at), merged)
      end
      parts, amount = {}, 0
    end
  end
  look(counter)
end

local function add_settled(counter, hold, at, amount)
  if redis.call('ZADD', counter.log, int(at), int(amount) .. ':' .. hold) == 0 then
    return
  end
  if counter.count == 0 then
    counter.oldest, counter.last, counter.expires = at, at, 0
  end
  counter.total = counter.total + amount
  counter.count = counter.count + 1
  counter.oldest, counter.last = math.min(counter.oldest, at), math.max(counter.last, at)
  counter.newest = math.max(counter.newest, at)
  if counter.count > MAX_ENTRIES then
    merge(counter)
  end
end

local function widen(counter, window)
  local empty = counter.total == 0 and #counter.flight == 0
  counter.keep = empty and window or math.max(counter.keep, window)
end

-- Return a counter as it is now: what lapsed is settled, what has left the window is gone. Only `save` keeps the sums.
local function load(state, log, now)
  local counter = {
    state = state, log = log, keep = 0, total = 0, held = 0, newest = 0, flight = {}, oldest = 0, last = 0, count = 0,
    expires = 0 }
  local packed = redis.call('GET', state)
  if not packed then
    return counter
  end
  local flight
  counter.keep, counter.total, flight, counter.newest, counter.oldest, counter.last, counter.count, counter.expires =
    cmsgpack.unpack(packed)
  for _, entry in ipairs(flight) do
    if entry[4] > now then
      counter.flight[#counter.flight + 1] = entry
      counter.held = counter.held + entry[3]
    else
      counter.changed = true
      if entry[5] > 0 then
        add_settled(counter, entry[1], entry[2], entry[5])
      end
    end
  end
  if counter.total > 0 then
    local gone_until = now - counter.keep
    if counter.oldest <= gone_until then
      counter.changed = true
      local old = redis.call('ZRANGEBYSCORE', log, '-inf', int(gone_until))
      redis.call('ZREM', log, unpack(old))
      for _, member in ipairs(old) do
        counter.total = counter.total - amount_of(member)
      end
      look(counter)
    end
  end
  return counter
end

local function save(counter, now)
  if counter.total == 0 and #counter.flight == 0 then
    redis.call('DEL', counter.state, counter.log)
    return
  end
  local lasts = math.max(counter.keep, counter.newest + counter.keep - now)
  for _, entry in ipairs(counter.flight) do
    lasts = math.max(lasts, entry[4] - now)
  end
  -- The hour more is for a server whose clock is behind the ledger's.
  local hour = REMEMBER_MS * 1000
  if counter.total > 0 and counter.expires < now + lasts then
    -- Longer than needed, so that it need not be said again for an hour.
    redis.call('PEXPIRE', counter.log, milliseconds(lasts + 2 * hour))
    counter.expires = now + lasts + hour
  end
  local packed = cmsgpack.pack(
    counter.keep, counter.total, counter.flight, counter.newest, counter.oldest, counter.last, counter.count,
    counter.expires)
  redis.call('SET', counter.state, packed, 'PX', milliseconds(lasts + hour))
end

local function free_at(entry, window)
  return math.max(entry[2] + window, entry[4])
end

local function next_at(counter, now, window, missing)
  local frees = {}
  for _, entry in ipairs(counter.flight) do
    frees[#frees + 1] = { free_at(entry, window), entry[3] }
  end
  if counter.total > 0 then
    local log = redis.call('ZRANGEBYSCORE', counter.log, '(' .. int(now - window), '+inf', 'WITHSCORES')
    for i = 1, #log, 2 do
      frees[#frees + 1] = { tonumber(log[i + 1]) + window, amount_of(log[i]) }
    end
  end
  table.sort(frees, function(one, other) return one[1] < other[1] end)
  for _, free in ipairs(frees) do
    missing = missing - free[2]
    if missing <= 0 then
      return free[1]
    end
  end
end

-- Return the units of the log within the window, and when the oldest and the newest of them leave it.
local function settled(counter, now, window)
  local used, oldest = counter.total, counter.oldest
  if used == 0 then
    return 0
  end
  if window < counter.keep then
    local gone_until = int(now - window)
    for _, member in ipairs(redis.call('ZRANGEBYSCORE', counter.log, '-inf', gone_until)) do
      used = used - amount_of(member)
    end
    oldest = redis.call('ZRANGEBYSCORE', counter.log, '(' .. gone_until, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)[2]
    if not oldest then
      return used
    end
  end
  return used, tonumber(oldest) + window, counter.last + window
end

local function missing_of(counter, now, cap, window, amount)
  counter.settled = counter.settled or { settled(counter, now, window) }
  return counter.settled[1] + counter.held + amount - cap
end

-- Return the fields of a `Level` in their order, as one text, which a client reads faster than many numbers; -1 stands
-- for None. A decision does not change the log after the first look at it.
local function level(counter, now, cap, window, amount)
  local missing = missing_of(counter, now, cap, window, amount)
  local used, first, last = unpack(counter.settled)
  for _, entry in ipairs(counter.flight) do
    local free = free_at(entry, window)
    first, last = math.min(first or free, free), math.max(last or free, free)
  end
  local at = missing > 0 and amount <= cap and next_at(counter, now, window, missing) or -1
  local in_flight = counter.held > 0 and 1 or 0
  local fields = { cap, used, counter.held, missing <= 0 and 1 or 0, at, in_flight, first or -1, last or -1 }
  return string.format('%.0f %.0f %.0f %.0f %.0f %.0f %.0f %.0f', unpack(fields))
end

local function find_in_flight(counter, hold)
  for index, entry in ipairs(counter.flight) do
    if entry[1] == hold then
      return index, entry
    end
  end
end

local function keep_hold(ttl, state, at, deadline, outcome, kept, levels, since)
  redis.call('SET', KEYS[2], cmsgpack.pack(state, at, deadline, outcome, kept, levels, since), 'PX', ttl)
end

local function ttl_in_flight(widest, lasts)
  return milliseconds(math.max(widest, lasts + REMEMBER_MS * 1000) + REMEMBER_MS * 1000)
end

local function add_in_flight(counter, hold, since, window, amount, deadline)
  widen(counter, window)
  counter.flight[#counter.flight + 1] = { hold, since, amount, deadline, 0 }
  counter.held = counter.held + amount
  counter.newest = math.max(counter.newest, since)
end

-- Return what a charge counts from: `opens` is empty, `first`, or the times at which a calendar turns.
local function dated(counter, opens, now, window)
  if opens == 'first' then
    local newest = counter.total > 0 and counter.last or 0
    for _, entry in ipairs(counter.flight) do
      newest = math.max(newest, entry[2])
    end
    return newest > now - window and newest or now
  end
  for turn in string.gmatch(opens, '%d+') do
    if tonumber(turn) > now then
      return tonumber(turn) - window
    end
  end
  return now
end

-- ARGV: hold, lease, outcome, whether a fresh subject is known to be one, the subject; then cap, window, amount and what
-- the window opens with, by counter.
local function take(now, fresh)
  local hold, lease, outcome = ARGV[3], tonumber(ARGV[4]), ARGV[5]
  if fresh and ARGV[6] == '0' then
    return answer(FRESH, 0, 0, {}, '', '')
  end
  write_clock(now)
  local known = redis.call('GET', KEYS[2])
  if known then
    local _, at, deadline, first_outcome, _, levels, since = cmsgpack.unpack(known)
    return answer(KNOWN, at, deadline, since, levels, first_outcome)
  end
  local counters, levels, all_fit = {}, {}, true
  local rows = rows_of(ARGV[8])
  local function each(visit)
    for i, row in ipairs(rows) do
      visit(i, tonumber(row[1]), tonumber(row[2]), tonumber(row[3]), row[4])
    end
  end
  each(function(i, cap, window, amount)
    counters[i] = load(KEYS[1 + 2 * i], KEYS[2 + 2 * i], now)
    all_fit = all_fit and missing_of(counters[i], now, cap, window, amount) <= 0
  end)
  if not all_fit then
    each(function(i, cap, window, amount)
      levels[i] = level(counters[i], now, cap, window, amount)
      if counters[i].changed then
        save(counters[i], now)
      end
    end)
    return answer(FULL, now, 0, {}, table.concat(levels, ';'), '')
  end
  local deadline, lasts, kept, since = now + lease, 0, {}, {}
  each(function(i, cap, window, amount, opens)
    since[i] = dated(counters[i], opens, now, window)
    add_in_flight(counters[i], hold, since[i], window, amount, deadline)
    save(counters[i], now)
    levels[i] = level(counters[i], now, cap, window, 1)
    lasts, kept[i] = math.max(lasts, since[i] + window - now), 0
  end)
  local ttl, after = ttl_in_flight(lasts, lease), table.concat(levels, ';')
  if #KEYS % 2 == 1 then
    -- Whoever ends the hold, on any node, finds here whose it is.
    redis.call('SET', KEYS[#KEYS], ARGV[7], 'PX', ttl)
  end
  keep_hold(ttl, HELD, now, deadline, outcome, kept, after, since)
  return answer(TAKEN, now, deadline, since, after, '')
end

-- ARGV: hold; then window and final amount by counter. Releasing is settling at zero.
local function settle(now)
  local hold, packed = ARGV[3], redis.call('GET', KEYS[2])
  if not packed then
    return UNKNOWN
  end
  write_clock(now)
  local state, at, deadline, outcome, kept, levels, since = cmsgpack.unpack(packed)
  if state == ENDED then
    return BEFORE
  end
  for i, row in ipairs(rows_of(ARGV[4])) do
    local counter = load(KEYS[1 + 2 * i], KEYS[2 + 2 * i], now)
    local window, amount = tonumber(row[1]), tonumber(row[2])
    local index = find_in_flight(counter, hold)
    if index then
      table.remove(counter.flight, index)
    else
      widen(counter, window)
      if kept[i] > 0 and redis.call('ZREM', counter.log, int(kept[i]) .. ':' .. hold) == 1 then
        counter.total = counter.total - kept[i]
        look(counter)
      else
        amount = amount - kept[i]
      end
    end
    if amount > 0 then
      add_settled(counter, hold, since[i], amount)
    end
    save(counter, now)
  end
  keep_hold(REMEMBER_MS, ENDED, at, deadline, outcome, kept, levels, since)
  return DONE
end

-- ARGV: hold, lease; then window and what stays charged by counter, '' where that is as before.
local function renew(now)
  local hold, lease, packed = ARGV[3], tonumber(ARGV[4]), redis.call('GET', KEYS[2])
  if not packed then
    return UNKNOWN
  end
  write_clock(now)
  local state, at, deadline, outcome, kept, levels, since = cmsgpack.unpack(packed)
  if state == ENDED or deadline <= now then
    return BEFORE
  end
  deadline = math.max(deadline, now + lease)
  local lasts = 0
  for i, row in ipairs(rows_of(ARGV[5])) do
    local counter = load(KEYS[1 + 2 * i], KEYS[2 + 2 * i], now)
    kept[i] = tonumber(row[2]) or kept[i]
    local _, entry = find_in_flight(counter, hold)
    entry[4], entry[5] = deadline, kept[i]
    save(counter, now)
    lasts = math.max(lasts, since[i] + tonumber(row[1]) - now)
  end
  keep_hold(ttl_in_flight(lasts, deadline - now), state, at, deadline, outcome, kept, levels, since)
  return DONE
end

-- ARGV: whether a fresh subject is known to be one; then cap, window and amount by counter.
local function levels(now, fresh)
  if fresh and ARGV[3] == '0' then
    return answer(FRESH, 0, 0, {}, '', '')
  end
  write_clock(now)
  local found = {}
  for i, row in ipairs(rows_of(ARGV[4])) do
    local counter = load(KEYS[2 * i], KEYS[1 + 2 * i], now)
    if counter.changed then
      save(counter, now)
    end
    found[i] = level(counter, now, tonumber(row[1]), tonumber(row[2]), tonumber(row[3]))
  end
  return answer(FULL, now, 0, {}, table.concat(found, ';'), '')
end

-- ARGV: hold, at, deadline, state, outcome; then window, amount and what it counts from, by counter. Does not write the clock: the subject
-- stays fresh, so that nobody decides on the half of its holds that is there already.
local function restore(now)
  local hold, at, deadline, state, outcome = ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6], ARGV[7]
  if redis.call('EXISTS', KEYS[2]) == 1 then
    return BEFORE
  end
  local lasts, kept, since = 0, {}, {}
  for i, row in ipairs(rows_of(ARGV[8])) do
    local counter = load(KEYS[1 + 2 * i], KEYS[2 + 2 * i], now)
    local window, amount = tonumber(row[1]), tonumber(row[2])
    since[i] = tonumber(row[3])
    if state == 'held' then
      add_in_flight(counter, hold, since[i], window, amount, deadline)
    elseif since[i] + window > now and amount > 0 then
      widen(counter, window)
      add_settled(counter, hold, since[i], amount)
    end
    save(counter, now)
    lasts, kept[i] = math.max(lasts, since[i] + window - now), 0
  end
  if state == 'held' then
    keep_hold(ttl_in_flight(lasts, math.max(0, deadline - now)), HELD, at, deadline, outcome, kept, '', since)
  else
    keep_hold(REMEMBER_MS, ENDED, at, deadline, outcome, kept, '', since)
  end
  return DONE
end

-- ARGV: window. Return `at amount deadline hold` of each entry, `-` for the deadline of a settled one.
local function entries(now)
  local counter, found = load(KEYS[2], KEYS[3], now), {}
  if counter.changed then
    save(counter, now)
  end
  for _, entry in ipairs(counter.flight) do
    found[#found + 1] = int(entry[2]) .. ' ' .. int(entry[3]) .. ' ' .. int(entry[4]) .. ' ' .. entry[1]
  end
  if counter.total > 0 then
    local from = '(' .. int(now - tonumber(ARGV[3]))
    local log = redis.call('ZRANGEBYSCORE', counter.log, from, '+inf', 'WITHSCORES')
    for i = 1, #log, 2 do
      local hold = string.match(log[i], '^%d+:(.*)$')
      found[#found + 1] = int(tonumber(log[i + 1])) .. ' ' .. int(amount_of(log[i])) .. ' - ' .. hold
    end
  end
  return found
end

local function outcome()
  local packed = redis.call('GET', KEYS[2])
  return packed and select(4, cmsgpack.unpack(packed))
end

local operations = {
  take = take, settle = settle, renew = renew, levels = levels, restore = restore, outcome = outcome,
  entries = entries }
local now, fresh = read_clock()
return operations[ARGV[1]](now, fresh)
