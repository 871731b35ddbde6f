-- Fills every limit from the committed rows and opens the limiter again, all at once.
-- Only the holder of the lock may: its rows were read after it took the lock on this very server.
-- KEYS: epoch, lock. ARGV: the lock's token, the keys' prefix, then per block: key, score, member.
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
if redis.call('GET', KEYS[1]) == run or redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
for _, key in ipairs(redis.call('KEYS', ARGV[2] .. '*')) do
  if key ~= KEYS[2] then redis.call('DEL', key) end
end
for i = 3, #ARGV, 3 do redis.call('ZADD', ARGV[i], ARGV[i + 1], ARGV[i + 2]) end
redis.call('SET', KEYS[1], run)
redis.call('DEL', KEYS[2])
return 1
