-- Replaces the value of KEYS[1] by ARGV[2], living ARGV[3] milliseconds, if it is ARGV[1].
-- Answers 1, or what is there instead.
local there = redis.call('GET', KEYS[1])
if there == ARGV[1] then
    redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
    return 1
end
return there
