-- Enters what the platform counts beyond what we count, so that never more is thought left than its headers say.
-- The difference becomes a block like any other: in a window it ends when the window does; what we know is not lowered.
-- A platform that speaks of a longer time than any of our windows is taken at its word: "said" counts down to zero.
-- KEYS: epoch, blocks, said. ARGV: shift, block ("" = only look), left, lasts, horizon,
-- then per window: calls, length (0 = calendar), from, to. Microseconds. Answers: {state, now, missing calls, instant}.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2] + tonumber(ARGV[1])
local function answer(state, calls, instant)
  return {state, string.format('%.0f', now), string.format('%.0f', calls), string.format('%.0f', instant)}
end
if redis.call('GET', KEYS[1]) ~= string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') then
  return answer('rebuild', 0, now)
end
local left, lasts, horizon = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
-- The window that the headers speak of: the shortest that is long enough.
local limit, length, from, to
for w = 6, #ARGV, 4 do
  local long = tonumber(ARGV[w + 1])
  local size = long > 0 and long or tonumber(ARGV[w + 3]) - tonumber(ARGV[w + 2])
  if size * 1.01 + 2000000 >= lasts and (not limit or size < (length > 0 and length or to - from)) then
    limit, length, from, to = tonumber(ARGV[w]), long, tonumber(ARGV[w + 2]), tonumber(ARGV[w + 3])
  end
end
if not limit then
  local said = redis.call('HMGET', KEYS[3], 'left', 'until')
  if said[1] and tonumber(said[2]) > now then left = math.min(left, tonumber(said[1])) end
  redis.call('HSET', KEYS[3], 'left', string.format('%.0f', left), 'until', string.format('%.0f', now + lasts))
  redis.call('PEXPIRE', KEYS[3], math.ceil(lasts / 1000) + 1000)
  return answer('ok', 0, now)
end
-- Our calls that left the window while the answer was on its way are still in the platform's count.
local cut = length > 0 and now - length - math.min(length / 20, 41000000) or from
local used = 0
local rows = redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. string.format('%.0f', cut), '+inf')
for _, member in ipairs(rows) do used = used + tonumber(string.match(member, ':(%d+)$')) end
local missing = limit - used - left
local instant = length > 0 and math.min(now, now + lasts - length) or now
if missing <= 0 then return answer('ok', 0, instant) end
if ARGV[2] ~= '' then
  redis.call('ZADD', KEYS[2], string.format('%.0f', instant), ARGV[2] .. ':' .. string.format('%.0f', missing))
  redis.call('PEXPIRE', KEYS[2], math.ceil(horizon / 1000) + 120000)
end
return answer('ok', missing, instant)
