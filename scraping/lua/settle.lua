-- Ends a block: its calls have all reached the platform by now, and what was not spent is free again.
-- KEYS: epoch, blocks. ARGV: shift, block, calls, spent. Answers {state, now}.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2] + tonumber(ARGV[1])
if redis.call('GET', KEYS[1]) ~= string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') then
  return {'rebuild', string.format('%.0f', now)}
end
redis.call('ZREM', KEYS[2], ARGV[2] .. ':' .. ARGV[3])
if tonumber(ARGV[4]) > 0 then
  redis.call('ZADD', KEYS[2], string.format('%.0f', now), ARGV[2] .. ':' .. ARGV[4])
end
return {'ok', string.format('%.0f', now)}
