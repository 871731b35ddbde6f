-- Enters what the platform counts beyond what we count, so that never more is thought left than its headers say.
-- The difference becomes a block like any other: in a window it ends when the window does; what we know is not lowered.
-- Headers speak of the first window. A platform that speaks of a longer time is taken at its word: "said" counts down
-- to zero; of one and the same reset the smaller word rules, since answers overtake each other.
-- KEYS: epoch, blocks, said. ARGV: shift, block ("" = only look), left, lasts, horizon,
-- then the window: calls, length (0 = calendar), from, to. Microseconds. Answers: {state, now, missing calls, instant}.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2] + tonumber(ARGV[1])
local function answer(state, calls, instant)
  return {state, string.format('%.0f', now), string.format('%.0f', calls), string.format('%.0f', instant)}
end
if redis.call('GET', KEYS[1]) ~= string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') then
  return answer('rebuild', 0, now)
end
local left, lasts, horizon = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local limit, length, from, to = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
local size = length > 0 and length or to - from
if size * 1.01 + 2000000 < lasts then
  local said = redis.call('HMGET', KEYS[3], 'left', 'until')
  local is_same = said[1] and math.abs(now + lasts - tonumber(said[2])) <= 2000000 -- resets are in whole seconds
  if is_same then left = math.min(left, tonumber(said[1])) end
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
