-- Sets the time since entries were touched, the number of their attempts, and their past if it is given, if
-- they are still this consumer's: an entry that another consumer has taken over is left to it. Answers with the
-- number of those that were trimmed away.
local trimmed = 0
for at = 3, #ARGV, 4 do
    local id, past = ARGV[at], ARGV[at + 3]
    if redis.call('XPENDING', KEYS[1], ARGV[1], id, id, 1, ARGV[2])[1] then
        local claimed = redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, id,
            'IDLE', ARGV[at + 1], 'RETRYCOUNT', ARGV[at + 2], 'JUSTID')
        if not claimed[1] then
            redis.call('HDEL', KEYS[2], id)
            trimmed = trimmed + 1
        elseif past ~= '' then
            redis.call('HSET', KEYS[2], id, past)
            -- Of a stream that is deleted, this goes by itself.
            redis.call('PEXPIRE', KEYS[2], 604800000)
        end
    end
end
return trimmed
