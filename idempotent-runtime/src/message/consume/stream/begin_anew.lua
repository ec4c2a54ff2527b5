-- Adds an entry again that a person put back, with these fields, and acknowledges the old one; if it is still
-- this consumer's.
if redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[3], ARGV[3], 1, ARGV[2])[1] then
    redis.call('XADD', KEYS[1], '*', unpack(ARGV, 4))
    redis.call('XACK', KEYS[1], ARGV[1], ARGV[3])
    redis.call('HDEL', KEYS[2], ARGV[3])
end
