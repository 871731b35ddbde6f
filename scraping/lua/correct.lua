-- Notes what the platform's own headers say is left, and until when. The smaller number always rules.
-- KEYS: said. ARGV: shift, left, lasts (microseconds from now).
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2] + tonumber(ARGV[1])
local left, until_ = tonumber(ARGV[2]), now + tonumber(ARGV[3])
local said = redis.call('HMGET', KEYS[1], 'left', 'until')
if said[1] and tonumber(said[2]) > now then left = math.min(left, tonumber(said[1])) end
redis.call('HSET', KEYS[1], 'left', string.format('%.0f', left), 'until', string.format('%.0f', until_))
redis.call('PEXPIRE', KEYS[1], math.ceil(tonumber(ARGV[3]) / 1000) + 1000)
return left
