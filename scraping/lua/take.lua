-- Takes calls from a limit, or only looks how many there are. One limit = one sorted set of blocks.
-- A member "block:calls" is scored with the latest instant at which its calls can have reached the platform,
-- so a sliding window holds for every latency; a calendar window counts what can have arrived since its start.
-- KEYS: epoch, blocks, said (what the platform's headers say is left).
-- ARGV: shift, block ("" = look), calls, least, life, horizon, then per window: calls, length (0 = calendar), from, to.
-- All times in microseconds on this server's clock. Answers: {state, now, calls or until}.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2] + tonumber(ARGV[1])
if redis.call('GET', KEYS[1]) ~= string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') then
  return {'rebuild', string.format('%.0f', now), '0'}
end
local block, grant, least = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local member = block .. ':' .. ARGV[3]
if block ~= '' and redis.call('ZSCORE', KEYS[2], member) then
  return {'ok', string.format('%.0f', now), ARGV[3]} -- a rebuild has counted this very block already
end
local horizon = tonumber(ARGV[6])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', now - horizon))
local counts_from = now -- of the windows, the one that reaches back furthest: nothing older is read
for w = 7, #ARGV, 4 do
  local length, from, to = tonumber(ARGV[w + 1]), tonumber(ARGV[w + 2]), tonumber(ARGV[w + 3])
  if length == 0 and (now < from or now >= to) then
    return {'calendar', string.format('%.0f', now), '0'} -- the caller's day is not this server's: it computes again
  end
  counts_from = math.min(counts_from, length > 0 and now - length or from)
end
local rows = redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. string.format('%.0f', counts_from), '+inf', 'WITHSCORES')
for i = 1, #rows, 2 do
  if tonumber(rows[i + 1]) > now + tonumber(ARGV[5]) then -- taken before this clock was put back: it counts from now on
    rows[i + 1] = string.format('%.0f', now)
    redis.call('ZADD', KEYS[2], rows[i + 1], rows[i])
  end
end
local until_ = 0
for w = 7, #ARGV, 4 do
  local limit, length, from, to = tonumber(ARGV[w]), tonumber(ARGV[w + 1]), tonumber(ARGV[w + 2]), tonumber(ARGV[w + 3])
  local cut = length > 0 and now - length or from
  local used = 0
  for i = 1, #rows, 2 do
    if tonumber(rows[i + 1]) > cut then used = used + tonumber(string.match(rows[i], ':(%d+)$')) end
  end
  local left = limit - used
  if left < least then
    local free_at = to
    if length > 0 then
      local freed = 0
      for i = 1, #rows, 2 do
        local last = tonumber(rows[i + 1])
        if last > cut then
          freed = freed + tonumber(string.match(rows[i], ':(%d+)$'))
          if left + freed >= least then
            free_at = math.min(last, now) + length -- a call still under way may end now at the earliest
            break
          end
        end
      end
    end
    until_ = math.max(until_, free_at)
  end
  grant = math.min(grant, left)
end
local said = redis.call('HMGET', KEYS[3], 'left', 'until')
if said[1] and tonumber(said[2]) > now then
  if tonumber(said[1]) < least then until_ = math.max(until_, tonumber(said[2])) end
  grant = math.min(grant, tonumber(said[1]))
end
if grant < least then return {'wait', string.format('%.0f', now), string.format('%.0f', until_)} end
if block ~= '' then
  redis.call('ZADD', KEYS[2], string.format('%.0f', now + tonumber(ARGV[5])), member)
  redis.call('PEXPIRE', KEYS[2], math.ceil(horizon / 1000) + 120000)
  if said[1] and tonumber(said[2]) > now then redis.call('HINCRBY', KEYS[3], 'left', -grant) end
end
return {'ok', string.format('%.0f', now), tostring(grant)}
